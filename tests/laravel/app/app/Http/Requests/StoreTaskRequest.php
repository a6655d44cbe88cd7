<?php

namespace App\Http\Requests;

class StoreTaskRequest extends ApiRequest
{
    public function rules(): array
    {
        return [
            'title' => 'required|string|max:255',
            'project_id' => 'required|integer',
            'estimate' => 'nullable|numeric|min:0|max:999',
            'due_date' => 'nullable|date_format:Y-m-d|after:today',
        ];
    }
}

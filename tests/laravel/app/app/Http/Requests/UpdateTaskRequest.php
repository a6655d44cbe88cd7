<?php

namespace App\Http\Requests;

class UpdateTaskRequest extends ApiRequest
{
    public function rules(): array
    {
        return [
            'title' => 'string|max:120',
            'estimate' => 'nullable|numeric|min:0|max:999',
            'due_date' => 'nullable|date_format:Y-m-d',
        ];
    }
}

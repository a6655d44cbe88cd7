<?php

namespace App\Http\Requests;

class ProjectRequest extends ApiRequest
{
    public function rules(): array
    {
        return [
            'name' => 'required|string|min:3|max:200',
            'description' => 'nullable|string|max:2000',
            'budget' => 'integer',
        ];
    }
}

<?php

namespace App\Http\Requests;

class IndexProjectsRequest extends ApiRequest
{
    public function rules(): array
    {
        return ['status' => 'in:active,closed', 'page' => 'integer|min:1', 'per_page' => 'integer|min:1|max:1000'];
    }
}

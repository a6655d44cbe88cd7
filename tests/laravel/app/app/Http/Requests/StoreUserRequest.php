<?php

namespace App\Http\Requests;

class StoreUserRequest extends ApiRequest
{
    public function rules(): array
    {
        return [
            'name' => 'required|string|max:100',
            'email' => 'required|string|email|max:200',
            'role' => 'in:admin,member,owner',
        ];
    }
}

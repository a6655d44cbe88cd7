<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class User extends Model
{
    protected $guarded = [];

    public function tenants()
    {
        return $this->belongsToMany(Tenant::class)->withPivot('role');
    }
}

<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class Tenant extends Model
{
    public $timestamps = false;

    protected $guarded = [];

    protected $casts = ['maintenance' => 'boolean'];

    public function users()
    {
        return $this->belongsToMany(User::class)->withPivot('role');
    }
}

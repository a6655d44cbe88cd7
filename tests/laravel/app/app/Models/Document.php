<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class Document extends Model
{
    use BelongsToTenant;

    protected $guarded = [];

    protected $casts = ['properties' => 'array', 'size' => 'integer'];

    public function getRouteKeyName()
    {
        return 'uuid';
    }
}

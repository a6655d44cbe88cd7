<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class Project extends Model
{
    use BelongsToTenant;

    protected $guarded = [];

    protected $attributes = ['status' => 'active'];

    protected $casts = ['budget' => 'integer', 'owner_id' => 'integer'];

    public function tasks()
    {
        return $this->hasMany(Task::class);
    }
}

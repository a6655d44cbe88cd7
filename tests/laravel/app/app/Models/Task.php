<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class Task extends Model
{
    use BelongsToTenant;

    public const STATUSES = ['todo', 'doing', 'blocked', 'done'];

    protected $guarded = [];

    protected $casts = ['estimate' => 'decimal:2', 'position' => 'integer', 'project_id' => 'integer'];

    public function project()
    {
        return $this->belongsTo(Project::class);
    }

    public function moves()
    {
        return $this->hasMany(TaskMove::class);
    }
}

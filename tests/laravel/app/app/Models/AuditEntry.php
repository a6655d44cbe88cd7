<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

class AuditEntry extends Model
{
    use BelongsToTenant;

    protected $guarded = [];

    public static function write(string $event, string $subject): void
    {
        static::create(['event' => $event, 'subject' => $subject, 'user_id' => request()->user()->id]);
    }
}

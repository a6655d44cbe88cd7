<?php

namespace App\Http\Controllers\Admin;

use App\Http\Controllers\Controller;
use App\Models\AuditEntry;

class AuditLogController extends Controller
{
    public function __invoke()
    {
        return ['data' => AuditEntry::latest('id')->limit(100)->get(['id', 'event', 'subject', 'user_id', 'created_at'])];
    }
}

<?php

use App\Http\Controllers\Admin\AuditLogController;
use App\Http\Controllers\Admin\UserController;
use App\Http\Controllers\App\CalendarController;
use App\Http\Controllers\App\DashboardController;
use App\Http\Controllers\App\DocumentController;
use App\Http\Controllers\App\FileController;
use App\Http\Controllers\App\ProjectController;
use App\Http\Controllers\App\TaskController;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Route;

Route::get('status', fn () => ['status' => 'ok', 'version' => '1.14.0'])->name('status');

Route::middleware(['json', 'auth.token', 'tenant'])->prefix('app')->name('app.')->group(function () {
    Route::apiResource('projects', ProjectController::class);
    Route::post('projects/{project}/close', [ProjectController::class, 'close'])->name('projects.close');

    Route::apiResource('tasks', TaskController::class)->except('update');
    Route::patch('tasks/{task}', [TaskController::class, 'update'])->name('tasks.update');
    Route::post('tasks/{task}/move', [TaskController::class, 'move'])->name('tasks.move');
    Route::get('tasks/{task}/history', [TaskController::class, 'history'])->name('tasks.history');

    Route::apiResource('documents', DocumentController::class)->except('update');
    Route::get('documents/{document}/download', [DocumentController::class, 'download'])->name('documents.download');

    Route::get('files/{path}', FileController::class)->where('path', '.*')->name('files');
    Route::get('calendar/{month?}', CalendarController::class)->name('calendar');
    Route::get('dashboard', DashboardController::class)->middleware('cache.headers:etag')->name('dashboard');
});

Route::middleware(['auth.token', 'tenant', 'role:admin'])->prefix('admin')->name('admin.')->group(function () {
    Route::get('users/export', [UserController::class, 'export'])->name('users.export');
    Route::apiResource('users', UserController::class)->only(['index', 'store', 'destroy']);
    Route::get('audit-log', AuditLogController::class)->name('audit-log');
});

// TODO: remove before the release
Route::get('debug/queries', function () {
    DB::enableQueryLog();
    DB::table('tenants')->count();

    return DB::getQueryLog();
});

Route::fallback(fn () => response()->json(['message' => 'Not Found.'], 404));

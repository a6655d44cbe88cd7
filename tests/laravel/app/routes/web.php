<?php

use Illuminate\Support\Facades\Route;

// What a debugging package and a documentation package register in a real installation.
Route::get('_ignition/health-check', fn () => ['can_execute_commands' => true])->name('ignition.healthCheck');
Route::get('docs/api', fn () => response('<!doctype html><title>Boards API</title>'))->name('docs.api');

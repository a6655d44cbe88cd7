<?php

use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;
use Library\Http\Controllers\BookController;
use Library\Http\Controllers\LoanController;

Route::apiResource('books', BookController::class);
Route::apiResource('loans', LoanController::class)->only(['index', 'store']);
Route::post('books/{book}/copies/{copy}/lend', [LoanController::class, 'lend'])
    ->where(['book' => '[0-9]+', 'copy' => '[0-9]{1,3}'])->name('books.lend');
Route::get('books/{book:isbn}/reviews', [BookController::class, 'reviews']);

Route::get('shelves/{shelf?}', fn (?string $shelf = null) => ['shelf' => $shelf])->name('shelves');
Route::get('covers/{path}', fn (string $path) => ['path' => $path])->where('path', '.*');
Route::get('export/{format}', fn (string $format) => compact('format'))->where('format', 'csv|json');
Route::match(['put', 'patch'], 'settings', fn (Request $request) => $request->all());
Route::any('hooks/{provider}', fn (string $provider) => compact('provider'));
Route::redirect('catalogue', 'books');

Route::domain('{branch}.library.test')->group(static function (): void {
    Route::get('opening-hours', fn (string $branch) => compact('branch'));
});

Route::fallback(fn () => response()->json(['message' => 'no such page'], 404));

<?php

namespace Library\Providers;

use Illuminate\Support\Facades\Route;

final class RouteServiceProvider extends \Illuminate\Foundation\Support\Providers\RouteServiceProvider
{
    public function boot(): void
    {
        $this->routes(static function (): void {
            Route::prefix('api/v2')->middleware('api')->group(base_path('routes/api.php'));
        });
    }
}

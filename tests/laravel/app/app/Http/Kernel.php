<?php

namespace App\Http;

class Kernel extends \Illuminate\Foundation\Http\Kernel
{
    protected $middleware = [
        Middleware\Cors::class,
        Middleware\RedirectTrailingSlash::class,
        \Illuminate\Foundation\Http\Middleware\ValidatePostSize::class,
        \Illuminate\Foundation\Http\Middleware\ConvertEmptyStringsToNull::class,
    ];

    protected $middlewareGroups = [
        'api' => [\Illuminate\Routing\Middleware\SubstituteBindings::class],
    ];

    protected $routeMiddleware = [
        'auth.token' => Middleware\AuthenticateToken::class,
        'cache.headers' => \Illuminate\Http\Middleware\SetCacheHeaders::class,
        'json' => Middleware\ForceJson::class,
        'role' => Middleware\RequireRole::class,
        'tenant' => Middleware\ResolveTenant::class,
    ];

    // A model is bound within its tenant, so the tenant comes first.
    protected $middlewarePriority = [
        Middleware\ForceJson::class,
        Middleware\AuthenticateToken::class,
        Middleware\ResolveTenant::class,
        Middleware\RequireRole::class,
        \Illuminate\Routing\Middleware\SubstituteBindings::class,
    ];
}

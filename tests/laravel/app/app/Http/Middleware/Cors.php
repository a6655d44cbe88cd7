<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Http\Request;

class Cors
{
    public function handle(Request $request, Closure $next)
    {
        $preflight = $request->isMethod('OPTIONS') && $request->headers->has('Access-Control-Request-Method');
        $response = $preflight ? response()->noContent() : $next($request);
        if ($request->headers->has('Origin')) {
            $response->headers->set('Access-Control-Allow-Origin', '*');
        }
        if ($preflight) {
            $response->headers->set('Access-Control-Allow-Methods', 'GET, POST, PUT, PATCH, DELETE');
            $response->headers->set('Access-Control-Allow-Headers', 'Authorization, Content-Type, X-Tenant');
        }

        return $response;
    }
}

<?php

namespace App\Http\Middleware;

use App\Models\User;
use Closure;
use Illuminate\Http\Request;

class AuthenticateToken
{
    public function handle(Request $request, Closure $next)
    {
        $token = (string) $request->bearerToken();
        $user = $token === '' ? null : User::where('api_token', hash('sha256', $token))->first();
        if ($user === null) {
            return response()->json(['message' => 'Unauthenticated.'], 401);
        }
        $request->setUserResolver(fn () => $user);

        return $next($request);
    }
}

<?php

namespace App\Http\Middleware;

use Closure;
use Illuminate\Http\Request;

/** What the framework's .htaccess does where Apache serves it. */
class RedirectTrailingSlash
{
    public function handle(Request $request, Closure $next)
    {
        $path = $request->getPathInfo();
        if ($path !== '/' && str_ends_with($path, '/') && $request->isMethodSafe()) {
            $query = $request->getQueryString();

            return redirect('/'.trim($path, '/').($query === null ? '' : '?'.$query), 301);
        }

        return $next($request);
    }
}

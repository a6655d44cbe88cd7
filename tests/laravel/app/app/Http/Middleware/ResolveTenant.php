<?php

namespace App\Http\Middleware;

use App\Models\Tenant;
use Closure;
use Illuminate\Http\Request;

class ResolveTenant
{
    public function handle(Request $request, Closure $next)
    {
        $tenants = $request->user()->tenants()->orderBy('tenant_user.id');
        // Clients from before there were tenants send no header and get the first tenant of the user.
        $tenant = $request->hasHeader('X-Tenant')
            ? $tenants->where('slug', (string) $request->header('X-Tenant'))->first()
            : $tenants->first();
        if ($tenant === null) {
            return response()->json(['message' => 'This tenant is not yours.'], 403);
        }
        if ($tenant->maintenance) {
            return response()->json(['message' => 'Service Unavailable'], 503, ['Retry-After' => 60]);
        }
        app()->instance(Tenant::class, $tenant);

        return $next($request);
    }
}

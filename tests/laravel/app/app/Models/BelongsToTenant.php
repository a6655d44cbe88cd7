<?php

namespace App\Models;

trait BelongsToTenant
{
    protected static function bootBelongsToTenant(): void
    {
        static::addGlobalScope('tenant', function ($query) {
            if (app()->bound(Tenant::class)) {
                $query->where($query->qualifyColumn('tenant_id'), app(Tenant::class)->id);
            }
        });
        static::creating(function ($model) {
            $model->tenant_id ??= app(Tenant::class)->id;
        });
    }
}

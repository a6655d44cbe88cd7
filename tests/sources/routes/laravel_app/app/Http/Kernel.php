<?php

namespace Library\Http;

use Illuminate\Routing\Middleware\SubstituteBindings;

final class Kernel extends \Illuminate\Foundation\Http\Kernel
{
    protected $middlewareGroups = ['api' => [SubstituteBindings::class]];
}

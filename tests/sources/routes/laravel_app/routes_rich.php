<?php

// What `route:list` leaves out: the constraints of `where`, and which route is the fallback.
$app = require __DIR__.'/loader.php';
$app->make(Illuminate\Contracts\Console\Kernel::class)->bootstrap();

$rows = collect($app->make('router')->getRoutes()->getRoutes())->map(static fn ($route) => [
    'methods' => $route->methods(),
    'uri' => $route->uri(),
    'domain' => $route->getDomain(),
    'wheres' => (object) $route->wheres,
    'fallback' => (bool) $route->isFallback,
    'name' => $route->getName(),
    'action' => $route->getActionName(),
]);

echo $rows->toJson(JSON_UNESCAPED_SLASHES), PHP_EOL;

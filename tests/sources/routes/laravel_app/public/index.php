<?php

$app = require dirname(__DIR__).'/loader.php';
$http = $app->make(Illuminate\Contracts\Http\Kernel::class);
$request = Illuminate\Http\Request::capture();
$response = $http->handle($request);
$response->send();
$http->terminate($request, $response);

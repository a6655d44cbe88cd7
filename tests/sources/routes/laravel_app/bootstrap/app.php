<?php

use Illuminate\Contracts\Console\Kernel as ConsoleContract;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Http\Kernel as HttpContract;
use Illuminate\Foundation\Application;

$app = new Application(dirname(__DIR__));
$bindings = [
    HttpContract::class => Library\Http\Kernel::class,
    ConsoleContract::class => Library\Console\Kernel::class,
    ExceptionHandler::class => Library\Exceptions\Handler::class,
];
foreach ($bindings as $contract => $implementation) {
    $app->singleton($contract, $implementation);
}

return $app;

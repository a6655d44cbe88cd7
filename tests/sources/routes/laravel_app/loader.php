<?php

// Debian's packages put the framework on the include path, with one loader for all of its components.
require_once 'Illuminate/autoload.php';

spl_autoload_register(static function (string $class): void {
    [$vendor, $rest] = explode('\\', $class, 2) + [1 => ''];
    $file = __DIR__.'/app/'.strtr($rest, '\\', '/').'.php';
    if ($vendor === 'Library' && is_file($file)) {
        require $file;
    }
});

return require __DIR__.'/bootstrap/app.php';

<?php

// Debian's packages put the framework on the include path; there is no vendor folder and composer is never run.
require_once 'Illuminate/autoload.php';

spl_autoload_register(static function (string $class): void {
    foreach (['App\\' => 'app/', 'Database\\Seeders\\' => 'database/seeders/'] as $prefix => $folder) {
        $file = __DIR__.'/'.$folder.strtr(substr($class, strlen($prefix)), '\\', '/').'.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require $file;
        }
    }
});

return require __DIR__.'/bootstrap/app.php';

<?php

return [
    'default' => 'sqlite',
    'migrations' => 'migrations',
    'connections' => [
        'sqlite' => [
            'driver' => 'sqlite',
            'database' => database_path('database.sqlite'),
            'prefix' => '',
            'foreign_key_constraints' => true,
            // Several workers write to one file: wait for each other instead of failing.
            'options' => [PDO::ATTR_TIMEOUT => 10],
        ],
    ],
];

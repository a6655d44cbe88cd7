<?php

namespace App\Http\Controllers\App;

use App\Http\Controllers\Controller;
use App\Models\Tenant;

class FileController extends Controller
{
    public function __invoke(string $path)
    {
        $root = storage_path('app/files/'.app(Tenant::class)->slug);
        $file = str_contains($path, "\0") ? false : realpath("$root/$path");
        abort_unless($file && is_file($file) && str_starts_with($file, realpath($root).'/'), 404, 'No such file.');

        return response(file_get_contents($file), 200, ['Content-Type' => 'text/plain; charset=UTF-8']);
    }
}

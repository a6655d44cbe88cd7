<?php

namespace App\Exceptions;

class Handler extends \Illuminate\Foundation\Exceptions\Handler
{
    // The log of a server error is its class and message: the traces would fill the disk of a fuzzed machine.
    public function report(\Throwable $e)
    {
        if ($this->shouldReport($e)) {
            logger()->error(get_class($e).': '.$e->getMessage());
        }
    }
}

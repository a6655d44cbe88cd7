<?php

namespace Library\Exceptions;

final class Handler extends \Illuminate\Foundation\Exceptions\Handler
{
    protected function shouldReturnJson($request, \Throwable $e)
    {
        return true;
    }
}

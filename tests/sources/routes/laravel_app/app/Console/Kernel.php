<?php

namespace Library\Console;

final class Kernel extends \Illuminate\Foundation\Console\Kernel
{
}

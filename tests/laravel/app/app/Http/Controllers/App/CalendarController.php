<?php

namespace App\Http\Controllers\App;

use App\Http\Controllers\Controller;
use App\Models\Task;

class CalendarController extends Controller
{
    public function __invoke(string $month = '2027-03')
    {
        abort_unless(preg_match('/^\d{4}-(0[1-9]|1[0-2])$/D', $month), 404, 'No such month.');
        $days = Task::where('due_date', 'like', "$month-%")->get()->countBy(fn ($task) => substr($task->due_date, 0, 10));

        return ['data' => ['month' => $month, 'days' => (object) $days->all()]];
    }
}

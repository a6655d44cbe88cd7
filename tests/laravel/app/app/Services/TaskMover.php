<?php

namespace App\Services;

use App\Models\Task;
use Illuminate\Support\Facades\DB;

class TaskMover
{
    public function move(Task $task, string $status, int $position): Task
    {
        return DB::transaction(function () use ($task, $status, $position) {
            Task::where('project_id', $task->project_id)->where('status', $status)
                ->where('position', '>=', $position)->increment('position');
            $task->moves()->create([
                'user_id' => request()->user()->id,
                'from' => $task->status ?? 'todo',
                'to' => $status,
                'position' => $position,
                'ip' => request()->ip(),
            ]);
            $task->update(['status' => $status, 'position' => $position]);

            return $task;
        });
    }
}

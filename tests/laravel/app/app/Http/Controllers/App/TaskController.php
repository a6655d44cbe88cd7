<?php

namespace App\Http\Controllers\App;

use App\Http\Controllers\Controller;
use App\Http\Requests\StoreTaskRequest;
use App\Http\Requests\UpdateTaskRequest;
use App\Http\Resources\TaskMoveResource;
use App\Http\Resources\TaskResource;
use App\Http\Resources\TaskSummary;
use App\Models\Task;
use App\Services\TaskMover;
use Carbon\Carbon;
use Illuminate\Http\Request;
use Illuminate\Validation\Rule;

class TaskController extends Controller
{
    public function index(Request $request)
    {
        $filter = $this->validate($request, [
            'project_id' => 'integer',
            'status' => [Rule::in(Task::STATUSES)],
            'done' => 'boolean',
            'page' => 'integer|min:1',
            'per_page' => 'integer|min:1|max:100',
            'format' => 'in:json,csv',
        ]);
        $tasks = Task::query()->orderBy('id')
            ->when($filter['project_id'] ?? null, fn ($query, $id) => $query->where('project_id', $id))
            ->when($filter['status'] ?? null, fn ($query, $status) => $query->where('status', $status))
            ->when(isset($filter['done']), fn ($query) => $query->where('status', $filter['done'] ? '=' : '!=', 'done'))
            ->when($request->query('due_before'), fn ($query, $day) => $query->where('due_date', '<', Carbon::parse($day)->toDateString()));
        if (($filter['format'] ?? 'json') === 'csv') {
            $rows = $tasks->get()->map(fn ($task) => "$task->id,\"$task->title\",$task->status\n");

            return response("id,title,status\n".$rows->implode(''), 200, ['Content-Type' => 'text/csv; charset=UTF-8']);
        }

        return TaskSummary::collection($tasks->paginate((int) ($filter['per_page'] ?? 15)));
    }

    public function store(StoreTaskRequest $request)
    {
        return new TaskResource(Task::create($request->validated()));
    }

    public function show(Task $task)
    {
        return new TaskResource($task->load('project'));
    }

    public function update(UpdateTaskRequest $request, Task $task)
    {
        abort_if($task->status === 'done', 409, 'A task that is done is not changed.');
        $task->update($request->validated());

        return new TaskResource($task);
    }

    public function destroy(Task $task)
    {
        $task->delete();

        return response()->noContent();
    }

    public function history(Task $task)
    {
        return TaskMoveResource::collection($task->moves()->orderBy('id')->get());
    }

    public function move(Request $request, Task $task, TaskMover $mover)
    {
        $this->validate($request, [
            'status' => ['required', Rule::in(Task::STATUSES)],
            'position' => 'integer|min:0',
        ]);
        $position = $request->input('position');
        if ($task->status === $request->input('status') && $task->position === $position) {
            return response()->noContent();
        }
        $moved = $mover->move($task, $request->input('status'), $position > 1000 ? 1000 : $position);

        return ['data' => $moved->only('id', 'status', 'position')]
            + ($position > 1000 ? ['warning' => 'The position was out of the column.'] : []);
    }
}

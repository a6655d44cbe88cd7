<?php

namespace App\Http\Controllers\App;

use App\Http\Controllers\Controller;
use App\Models\Project;
use App\Models\Task;
use Illuminate\Http\Request;

class DashboardController extends Controller
{
    public function __invoke(Request $request)
    {
        $this->validate($request, ['project_id' => 'integer']);
        $tasks = Task::when($request->query('project_id'), fn ($query, $id) => $query->where('project_id', $id))->get();

        return ['data' => [
            'projects' => Project::count(),
            'tasks' => $tasks->count(),
            'by_status' => $tasks->countBy('status')->all(),
        ]];
    }
}

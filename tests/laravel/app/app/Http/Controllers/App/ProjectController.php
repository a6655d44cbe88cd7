<?php

namespace App\Http\Controllers\App;

use App\Http\Controllers\Controller;
use App\Http\Requests\IndexProjectsRequest;
use App\Http\Requests\ProjectRequest;
use App\Http\Resources\ProjectResource;
use App\Models\AuditEntry;
use App\Models\Project;

class ProjectController extends Controller
{
    public function index(IndexProjectsRequest $request)
    {
        $projects = Project::query()
            ->when($request->query('status'), fn ($query, $status) => $query->where('status', $status))
            ->orderBy('id')
            ->paginate($request->query('per_page', 15));

        return ProjectResource::collection($projects);
    }

    public function store(ProjectRequest $request)
    {
        $project = Project::create($request->only('name', 'description', 'budget') + ['owner_id' => $request->user()->id]);
        AuditEntry::write('project.created', $project->name);

        return new ProjectResource($project->refresh());
    }

    public function show(Project $project)
    {
        return new ProjectResource($project);
    }

    public function update(ProjectRequest $request, Project $project)
    {
        abort_if($project->status === 'closed', 409, 'The project is closed.');
        $project->update($request->only('name', 'description', 'budget'));

        return new ProjectResource($project);
    }

    public function destroy(Project $project)
    {
        abort_if($project->tasks()->exists(), 409, 'The project still has tasks.');
        $project->delete();

        return response()->noContent();
    }

    public function close(Project $project)
    {
        $project->update(['status' => 'closed']);
        AuditEntry::write('project.closed', $project->name);

        return new ProjectResource($project);
    }
}

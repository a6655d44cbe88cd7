<?php

namespace App\Http\Resources;

use Illuminate\Http\Resources\Json\JsonResource;

class TaskResource extends JsonResource
{
    public function toArray($request)
    {
        return [
            'id' => $this->id,
            'title' => $this->title,
            'status' => $this->status,
            'project_id' => $this->project_id,
            'project' => $this->whenLoaded('project', fn () => $this->project->only('id', 'name', 'tenant_id')),
            'estimate' => $this->estimate,
            'position' => $this->position,
            'due_date' => $this->due_date,
        ];
    }
}

<?php

namespace App\Http\Resources;

use Illuminate\Http\Resources\Json\JsonResource;

class TaskSummary extends JsonResource
{
    public function toArray($request)
    {
        return $this->only('id', 'title', 'status', 'project_id');
    }
}

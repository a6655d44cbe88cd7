<?php

namespace App\Http\Resources;

use Illuminate\Http\Resources\Json\JsonResource;

class TaskMoveResource extends JsonResource
{
    public function toArray($request)
    {
        return ['by' => $this->user->name] + $this->only('from', 'to', 'position', 'ip');
    }
}

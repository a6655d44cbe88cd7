<?php

namespace App\Http\Resources;

use Illuminate\Http\Resources\Json\JsonResource;

class DocumentResource extends JsonResource
{
    public function toArray($request)
    {
        return [
            'id' => $this->uuid,
            'title' => $this->title,
            'filename' => $this->filename,
            'size' => $this->size,
            'properties' => (object) ($this->properties ?? []),
            'created_at' => $this->created_at,
        ];
    }
}

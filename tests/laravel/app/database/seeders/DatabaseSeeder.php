<?php

namespace Database\Seeders;

use App\Models\Document;
use App\Models\Project;
use App\Models\Task;
use App\Models\Tenant;
use App\Models\User;
use Illuminate\Database\Seeder;
use Illuminate\Support\Facades\DB;
use Illuminate\Support\Facades\Storage;

class DatabaseSeeder extends Seeder
{
    public function run()
    {
        DB::transaction(function () {
            $tenants = [];
            foreach (['acme', 'initech', 'umbrella', 'globex'] as $slug) {
                $tenants[$slug] = Tenant::create(['slug' => $slug, 'maintenance' => $slug === 'umbrella']);
            }
            $members = [
                'ada' => ['acme' => 'admin', 'initech' => 'admin', 'umbrella' => 'admin'],
                'bob' => ['acme' => 'member'],
                'gus' => ['globex' => 'admin'],
            ];
            $users = [];
            foreach ($members as $name => $roles) {
                $users[$name] = User::create([
                    'name' => ucfirst($name),
                    'email' => $name.'@example.test',
                    'api_token' => hash('sha256', $name.'-token'),
                ]);
                foreach ($roles as $slug => $role) {
                    $users[$name]->tenants()->attach($tenants[$slug], ['role' => $role]);
                }
            }
            $this->board($tenants['acme'], $users['ada'], 18, 22);
            $this->board($tenants['globex'], $users['gus'], 2, 3);
            $this->documents($tenants['acme']);
        });
    }

    /**
     * The eighteenth project came from an import that knew no descriptions, the nineteenth task waits for
     * somebody, and who moved the twenty-first has left since.
     */
    private function board(Tenant $tenant, User $owner, int $projects, int $tasks): void
    {
        $ids = [];
        for ($n = 1; $n <= $projects; $n++) {
            $ids[] = Project::create([
                'tenant_id' => $tenant->id,
                'owner_id' => $owner->id,
                'name' => "Project $n",
                'description' => $n === 18 ? null : "What project $n is about",
                'status' => $n % 6 === 0 ? 'closed' : 'active',
                'budget' => 1000 * $n,
            ])->id;
        }
        for ($n = 1; $n <= $tasks; $n++) {
            $task = Task::create([
                'tenant_id' => $tenant->id,
                'project_id' => $ids[$n % min(4, $projects)],
                'title' => "Task $n",
                'status' => $n === 19 ? 'blocked' : ['todo', 'doing', 'done'][$n % 3],
                'estimate' => $n % 4 === 0 ? null : $n / 2,
                'position' => $n,
                'due_date' => $n % 2 === 0 ? sprintf('2027-03-%02d', $n) : null,
            ]);
            if ($n === 21) {
                $task->moves()->create(['user_id' => 900, 'from' => 'doing', 'to' => 'todo', 'position' => 21]);
            }
        }
    }

    private function documents(Tenant $tenant): void
    {
        $files = [
            ['0b6f7a52-3c1e-4f0e-9d1b-6a0f3c2d1e01', 'Contract', 'contract.pdf', 'application/pdf', "%PDF-1.4\n%%EOF\n", ['pages' => 1]],
            ['0b6f7a52-3c1e-4f0e-9d1b-6a0f3c2d1e02', 'Hours', 'hours.csv', 'text/csv', "name,hours\nada,8\n", ['delimiter' => ',']],
            ['0b6f7a52-3c1e-4f0e-9d1b-6a0f3c2d1e03', 'Old offer', 'offer.pdf', 'application/pdf', null, null],
        ];
        foreach ($files as [$uuid, $title, $filename, $mime, $content, $properties]) {
            $path = "documents/$uuid";
            if ($content !== null) {
                Storage::put($path, $content);
            }
            Document::create([
                'tenant_id' => $tenant->id,
                'uuid' => $uuid,
                'title' => $title,
                'filename' => $filename,
                'mime' => $mime,
                'path' => $path,
                'size' => strlen($content ?? str_repeat('-', 90)),
                'properties' => $properties,
            ]);
        }
        Storage::put('files/acme/readme.txt', "Files of Acme\n");
        Storage::put('files/acme/reports/2026/q1.txt', "First quarter\n");
    }
}

<?php

namespace App\Http\Controllers\Admin;

use App\Http\Controllers\Controller;
use App\Http\Requests\StoreUserRequest;
use App\Http\Resources\UserResource;
use App\Models\AuditEntry;
use App\Models\Tenant;
use App\Models\User;
use Illuminate\Http\Request;
use Illuminate\Support\Str;

class UserController extends Controller
{
    public function index(Request $request)
    {
        $users = app(Tenant::class)->users()->orderBy('users.id')->paginate((int) $request->query('per_page', 15));

        return response()->json([
            'data' => UserResource::collection($users->items()),
            'links' => ['prev' => $users->previousPageUrl(), 'next' => $users->nextPageUrl()],
            'meta' => ['page' => $users->currentPage(), 'last_page' => $users->lastPage(), 'total' => $users->total()],
        ]);
    }

    public function store(StoreUserRequest $request)
    {
        abort_if(User::where('email', $request->input('email'))->exists(), 409, 'This address has an account.');
        $user = User::create($request->only('name', 'email') + ['api_token' => hash('sha256', Str::random(40))]);
        app(Tenant::class)->users()->attach($user, ['role' => $request->input('role', 'member')]);
        AuditEntry::write('user.created', $user->email);

        return response()->json(['data' => ['role' => $request->input('role', 'member')] + $user->toArray()], 201);
    }

    public function destroy(Request $request, string $user)
    {
        $user = app(Tenant::class)->users()->findOrFail($user);
        abort_if($user->is($request->user()), 403, 'Nobody deletes their own account.');
        $user->delete();

        return response()->noContent();
    }

    public function export()
    {
        $users = app(Tenant::class)->users()->orderBy('users.id')->get();

        return response()->stream(function () use ($users) {
            foreach ($users as $user) {
                echo json_encode(new UserResource($user)), "\n";
            }
        }, 200, ['Content-Type' => 'application/json']);
    }
}

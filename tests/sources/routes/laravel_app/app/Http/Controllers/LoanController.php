<?php

namespace Library\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Routing\Controller;

final class LoanController extends Controller
{
    public function index(): array
    {
        return [];
    }

    public function store(): JsonResponse
    {
        return response()->json(['id' => 1], 201);
    }

    public function lend(int $book, int $copy): array
    {
        return compact('book', 'copy');
    }
}

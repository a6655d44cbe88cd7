<?php

namespace Library\Http\Controllers;

use Illuminate\Http\JsonResponse;
use Illuminate\Http\Request;
use Illuminate\Http\Response;
use Illuminate\Routing\Controller;

final class BookController extends Controller
{
    private const SHELF = [1 => 'Middlemarch', 2 => 'Effi Briest'];

    public function index(): array
    {
        return array_map(fn (int $id) => $this->card($id), array_keys(self::SHELF));
    }

    public function store(Request $request): JsonResponse
    {
        return response()->json(['id' => 3, 'title' => (string) $request->input('title')], 201);
    }

    public function show(int $book): array
    {
        return $this->card($book);
    }

    public function update(Request $request, int $book): array
    {
        return ['title' => (string) $request->input('title')] + $this->card($book);
    }

    public function destroy(int $book): Response
    {
        $this->card($book);

        return response()->noContent();
    }

    public function reviews(string $book): array
    {
        return ['isbn' => $book, 'reviews' => []];
    }

    private function card(int $id): array
    {
        abort_unless(isset(self::SHELF[$id]), 404);

        return ['id' => $id, 'title' => self::SHELF[$id]];
    }
}

"""Books that are lent; the state is kept in memory."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import View

BOOKS: dict[int, dict[str, object]] = {1: {"id": 1, "title": "Middlemarch", "lent_until": None}}


class Books(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse(list(BOOKS.values()), safe=False)

    def post(self, request: HttpRequest) -> HttpResponse:
        try:
            body = json.loads(request.body)
        except ValueError:
            return JsonResponse({"error": "this is no JSON"}, status=400)
        title = body.get("title") if isinstance(body, dict) else None
        if not isinstance(title, str) or not title:
            return JsonResponse({"error": "a title is needed"}, status=400)
        number = max(BOOKS, default=0) + 1
        BOOKS[number] = {"id": number, "title": title, "lent_until": None}
        return JsonResponse(BOOKS[number], status=201)


class Book(View):
    def get(self, request: HttpRequest, book_id: int) -> HttpResponse:
        if book_id not in BOOKS:
            return JsonResponse({"error": "no such book"}, status=404)
        return JsonResponse(BOOKS[book_id])

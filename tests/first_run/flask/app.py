"""Notes that are kept in memory."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, abort, jsonify, request

notes = Blueprint("notes", __name__, url_prefix="/api")
NOTES: dict[int, str] = {1: "water the plants"}


@notes.get("/notes")
def every() -> Any:
    return jsonify([{"id": number, "text": text} for number, text in NOTES.items()])


@notes.post("/notes")
def add() -> Any:
    body = request.get_json(silent=True)
    text = body.get("text") if isinstance(body, dict) else None
    if not isinstance(text, str) or not text:
        return jsonify({"error": "a text is needed"}), 400
    number = max(NOTES, default=0) + 1
    NOTES[number] = text
    return jsonify({"id": number, "text": text}), 201


@notes.get("/notes/<int:note_id>")
def one(note_id: int) -> Any:
    if note_id not in NOTES:
        abort(404)
    return jsonify({"id": note_id, "text": NOTES[note_id], "length": len(NOTES[note_id])})


@notes.delete("/notes")
def clear() -> Any:
    NOTES.clear()
    return "", 204


def create_app() -> Flask:
    app = Flask(__name__)
    app.register_blueprint(notes)
    return app

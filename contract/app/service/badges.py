"""The three figures as a badge: an SVG, and the JSON that shields.io reads."""

from __future__ import annotations

import hashlib
from html import escape

from fastapi import APIRouter, Request
from starlette.responses import Response

from contract.app.service import views
from contract.app.service.access import enter, one_of, text
from contract.stores.store import ReportRow

router = APIRouter()

_PARAMETERS = ("environment", "figure")
_FIGURES = ("drift", "completeness", "generation")
_COLOURS = {"held": "#2b8a67", "drift": "#b3261e", "gap": "#5f666f"}
"""Those of the page: held, drifting, and nobody looked."""
_SHIELDS = {"held": "brightgreen", "drift": "red", "gap": "lightgrey"}
_WIDTH = 6.6
"""Of a letter, as it is on average in the font; the text is fitted to it by `textLength`."""


def told(row: ReportRow | None, figure: str) -> tuple[str, str]:
    """What the badge says, and its colour: never a number without evidence."""
    if row is None:
        return "no report", "gap"
    if figure == "drift":
        evidence = f"{row.exercised_part} of {row.exercised_whole} exercised"
        if row.drift_count is None or row.drift_verdict in ("none", "error"):
            return f"undecided, {evidence}" if row.exercised_whole else "no evidence", "gap"
        return f"{row.drift_count}, {evidence}", "held" if row.drift_verdict == "pass" else "drift"
    part, whole, verdict = (
        (row.completeness_part, row.completeness_whole, row.completeness_verdict)
        if figure == "completeness"
        else (row.generation_part, row.generation_whole, row.generation_verdict)
    )
    if not whole or part is None:
        return "no evidence", "gap"
    return f"{part} of {whole}", "held" if verdict == "pass" else "drift"


def svg(label: str, message: str, colour: str) -> str:
    """A flat badge of two fields, read out by screen readers as one sentence."""
    left, right = (round(len(field) * _WIDTH) + 12 for field in (label, message))
    said = escape(f"{label}: {message}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{said}">'
        f"<title>{said}</title>"
        f'<rect rx="3" width="{left + right}" height="20" fill="#33383e"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{right - 3}z" fill="{_COLOURS[colour]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{left / 2:g}" y="14" textLength="{left - 12}">{escape(label)}</text>'
        f'<text x="{left + right / 2:g}" y="14" textLength="{right - 12}">{escape(message)}</text>'
        "</g></svg>\n"
    )


@router.get("/api/v1/projects/{project}/badge.svg")
def as_svg(request: Request) -> Response:
    label, message, colour = _badge(request)
    body = svg(label, message, colour).encode()
    headers = {"Cache-Control": "private, max-age=60", "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"'}
    return Response(body, 200, headers, "image/svg+xml")


@router.get("/api/v1/projects/{project}/badge.json")
def as_json(request: Request) -> Response:
    label, message, colour = _badge(request)
    shown = {"schemaVersion": 1, "label": label, "message": message, "color": _SHIELDS[colour]}
    return views.json(shown, headers={"Cache-Control": "private, max-age=60"})


def _badge(request: Request) -> tuple[str, str, str]:
    caller = enter(request, "read", _PARAMETERS)
    figure = one_of(request, "figure", _FIGURES) or "drift"
    row = caller.store.latest(caller.of(), text(request, "environment"))
    return (figure, *told(row, figure))

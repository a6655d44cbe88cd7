"""The TestClient of Starlette, which is FastAPI's too."""

from __future__ import annotations

from typing import Any

from contract.sources.clients import httpx
from contract.sources.clients._tap import Tap, Undo

NAMES = ("starlette.testclient",)


def patch(module: Any, tap: Tap) -> list[Undo]:
    return httpx.synchronous(module.httpx, module._TestClientTransport, tap, inside=True)

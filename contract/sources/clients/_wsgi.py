"""A request as a WSGI environment has it (PEP 3333)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from contract.core.evidence import Headers

_PLAIN = "/:@!$&'()*+,;=~"


def url(environ: Mapping[str, Any]) -> str:
    """Path and query as they were sent, where the server tells; else the decoded path, encoded again.

    >>> url({"SCRIPT_NAME": "/api", "PATH_INFO": "/tasks/a b", "QUERY_STRING": "limit=1"})
    '/api/tasks/a%20b?limit=1'
    """
    for name in ("RAW_URI", "REQUEST_URI"):
        raw = environ.get(name)
        if isinstance(raw, str) and raw.startswith("/"):
            return raw
    path = quote(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""), _PLAIN, "latin-1") or "/"
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def headers(environ: Mapping[str, Any]) -> Headers:
    """
    >>> headers({"HTTP_X_TENANT": "a", "CONTENT_TYPE": "text/plain", "CONTENT_LENGTH": "", "wsgi.version": (1, 0)})
    (('X-Tenant', 'a'), ('Content-Type', 'text/plain'))
    """
    found: list[tuple[str, str]] = []
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            name = name[5:]
        elif name not in ("CONTENT_TYPE", "CONTENT_LENGTH") or value == "":
            continue
        found.append((name.replace("_", "-").title(), str(value)))
    return tuple(found)

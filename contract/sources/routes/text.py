"""Routes as lines of text, `METHOD /path`: `--routes text:routes.txt` reads what any framework prints, in its spelling.

Blank lines and comments (`# …`) are skipped; methods may be joined (`PUT|PATCH`), `*` and `ANY` stand for all of them.

    GET  /tasks/{id}        # also /tasks/:id, /tasks/<int:id>, /tasks/{id:[0-9]+}
    *    /files/*path
"""

from __future__ import annotations

import re

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, mark, parse
from contract.sources.routes._file import read, resembles

HINT = "one route a line, `METHOD /path`: `GET /tasks/{id}`; comments begin with #"

_LINE = re.compile(r"(\*|[A-Za-z][A-Za-z-]*(?:[|,][A-Za-z][A-Za-z-]*)*)\s+(\S.*)")


def routes(where: str) -> list[Route]:
    """Every route of the file, in its order; raises SourceError where a line is none, or where there is no line."""
    found: list[Route] = []
    text = read(where, HINT)
    for number, written in enumerate(text.splitlines(), 1):
        line = re.sub(r"(^|\s)#(\s.*|$)", "", written).strip()
        if not line or line.startswith("#"):
            continue
        row = _LINE.fullmatch(line)
        if row is None:
            raise SourceError(f"{where}:{number}: `{line[:80]}` is no route{resembles(text, 'text')}", HINT)
        methods = [ANY if method in ("*", ANY) else method for method in re.split(r"[|,]", row[1].upper())]
        for template in parse(row[2]):
            found += [Route(method, template.path, row[2], "text", template.spans, where, number) for method in methods]
    if not found:
        raise SourceError(f"{where}: holds no route", HINT)
    return mark(found)

"""Routes of a Nest application: `--routes nest:dist/main.js` lets Node load it, sets it up, and walks what it sits on.

The file starts its application, as `nest new` writes it, or exports one; `dist/main.js:bootstrap()` calls a function that
gives it. Nothing listens. Prefixes, versions and modules are in the paths, since Nest registers them with Express or
Fastify.
"""

from __future__ import annotations

from dataclasses import replace

from contract.core.evidence import Route
from contract.sources.routes import _node, express, fastify

HINT = "`nest:FILE`, or `nest:FILE:NAME`: nest:dist/main.js, or nest:dist/app.js:create() for a function that gives it"


def routes(where: str) -> list[Route]:
    """Every route, in the order in which Nest registers them; raises SourceError as the sources of its platforms do.

    What the platform answers by itself is implied, as there. Where a route is written is not known: Nest registers all.
    """
    said = _node.ask(where, "nest", HINT)
    if said["platform"] == "fastify":
        found = fastify.listed(where, said["routes"], HINT)
    else:  # Nest's own answer to what nobody serves comes before the answer of Express to OPTIONS
        found = express.listed(where, said["routes"], HINT, answered=("HEAD",))
    return [replace(route, source="nest", name=None, file=None, line=None) for route in found]

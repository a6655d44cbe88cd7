"""A small multi-tenant task API, and the kinds of drift that can be switched on in it.

`specs/demo.yaml` is its document. With no switch the two agree; each switch breaks that in one way.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from contract.core.errors import ConfigError

DRIFTS: dict[str, str] = {
    "null-due-at": "Tasks that are done send `due_at: null`, declared as always a date; for `response-schema`.",
    "undeclared-status": "Moving a task to the status it has answers 409, which `moveTask` does not declare; "
    "for `undeclared-status`.",
    "undeclared-media-type": "The health check answers text/plain, declared as JSON; for `undeclared-media-type`.",
    "malformed-body": "The list of users ends with a trailing comma, so it is no JSON; for `malformed-body`.",
    "undeclared-property": "Projects carry an `internal_score` that no schema mentions; for `undeclared-property`.",
    "missing-header": "The list of documents comes without `X-Request-Id`; for `missing-header`.",
    "undeclared-parameter": "The list of tasks honours `?sort=title` and `?sort=-title`, which no parameter declares; "
    "for `undeclared-parameter`.",
    "server-error": "The dashboard fails with 500 when `days` is above 180; for `server-error`.",
    "no-answer": "The audit log drops the connection when `limit` is above 50; for `no-answer`.",
    "invalid-request-accepted": "The list of tasks takes a `limit` above its maximum of 100; "
    "for `invalid-request-accepted`.",
    "valid-request-refused": "Creating a task refuses a title longer than 50, though 200 are allowed; "
    "for `valid-request-refused`.",
    "auth-not-enforced": "The list of projects answers without a valid token; for `auth-not-enforced`.",
    "use-after-delete": "Deleted projects, tasks and users can still be read; for `use-after-delete`.",
    "undeclared-operation": "`DELETE /api/v1/admin/users/{user_id}/sessions` is served and in no document; "
    "for `undeclared-operation`.",
    "unimplemented-operation": "`GET /api/v1/app/documents/{document_id}/content` is declared and not served; "
    "for `unimplemented-operation`.",
}
"""Each switch: what it does, and the rule that should find it."""


def drifts(names: Iterable[str]) -> frozenset[str]:
    """The switches of these names, blanks left out; raises ConfigError for a name that is none."""
    wanted = frozenset(stripped for name in names if (stripped := name.strip()))
    for name in sorted(wanted - DRIFTS.keys()):
        close = difflib.get_close_matches(name, DRIFTS, n=1)
        raise ConfigError(
            f"the demo has no drift called `{name}`" + (f". Did you mean `{close[0]}`?" if close else ""),
            "choose from: " + ", ".join(DRIFTS),
        )
    return wanted

"""What does an operation's name say that it does: end a thing, or more than that? What is it about?"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from contract.core.known import before, is_askers, word

if TYPE_CHECKING:
    from contract.core.openapi import Operation

SAFE = ("GET", "HEAD", "OPTIONS", "TRACE", "QUERY")
"""Methods that only read (RFC 9110, 9.2.1)."""
_DANGEROUS = re.compile(
    r"shut_?down|reset|purge|restart|reboot|power_?off|halt|kill|terminate|wipe|flush|truncate|drop|erase|"
    r"factory_?reset|log_?out|sign_?out|uninstall|format_?disk|self_?destruct|destroy_?all|delete_?all|clear_?all"
)
_DELETES = re.compile(r"((bulk|batch|mass|multi|soft|hard)_?)?(delete|remove|destroy|trash|discard)(_?(bulk|batch|many|all|multiple|items?))?")  # fmt: skip


def is_dangerous(operation: Operation) -> bool:
    """True if its name says that it ends more than a resource: shutdown, reset, purge, logout.

    The last literal segment is looked at, and the operation's id: its first word, where it does not name what it ends.
    """
    last = next((part for part in reversed(operation.path.split("/")) if part and "{" not in part), "")
    named = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", operation.operation_id or "")
    names = [last, named]
    if not (operation.method == "DELETE" and operation.path.endswith("}")):
        names.append(re.split(r"[^A-Za-z]", named)[0])
    return any(_DANGEROUS.fullmatch(name.lower().replace("-", "_")) for name in names)


def deletes(operation: Operation) -> bool:
    """True if it ends a resource: by its method, or by the last word of its path: `POST /tasks/{id}/delete`."""
    if operation.method in SAFE and "{" not in operation.path:
        return False  # it names nothing that it could end: the standard's word counts (RFC 9110, 9.2.1)
    last = next((part for part in reversed(operation.path.split("/")) if part), "")
    verb = last.rpartition(":")[2] if ":" in last else last
    return operation.method == "DELETE" or _DELETES.fullmatch(verb.lower().replace("-", "_")) is not None


_OF_ACCOUNTS = re.compile(
    r"(.*_)?(passwords?|credentials?|roles?|permissions?|groups?|(un)?lock|disable|deactivate|suspend|ban|block|rename)"
)


def changes_what_it_names(operation: Operation) -> bool:
    """True if it writes to the thing that its path names, or to what an account is let in with.

    Whoever asks must not do that to its own account: with another password or role nobody asks anything any more.
    """
    last = operation.path.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    if last.endswith("}"):
        return operation.method in ("PUT", "PATCH", "DELETE", "POST")
    return operation.method not in SAFE and (
        deletes(operation) or _OF_ACCOUNTS.fullmatch(last.lower().replace("-", "_")) is not None
    )


SECRET = re.compile(r"(.*_)?(pass(word|wd|phrase)?|pwd|secret|token|credentials?|(api|private|access)_?key|otp|pin)")
"""What lets somebody in is called so."""
LETS_IN = re.compile(
    rf"{SECRET.pattern}|(.*_)?(e?_?mail|user_?name|login|status|state|roles?|groups?|polic(y|ies)|permissions?|active|"
    r"(is_)?(enabled|disabled|locked|blocked|active)|provider|tfa|mfa)"
)
"""What decides of an account whether, and as whom, it is let in."""


def changes_asker(operation: Operation) -> bool:
    """True if it writes to the account with which is asked: `PATCH /users/me`."""
    return operation.method not in SAFE and is_askers(operation.path)


def about(operation: Operation) -> str:
    """The word of the thing that its last path parameter names."""
    return word(before(operation.path, operation.path.rpartition("{")[2].partition("}")[0]))

"""Does the server take what the document allows?"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from contract.core import rule
from contract.core.cause import cause, words_of
from contract.core.document import resolve
from contract.core.evidence import Complaint, Response, header
from contract.core.finding import Fix, Level, Mismatch, Proof, Where
from contract.core.openapi import Operation
from contract.core.plausible import is_about_data
from contract.core.variants import NOBODYS


@rule.complained("valid-request-refused", Level.WARNING, proof=Proof.REPLAYED)
def valid_request_refused(operation: Operation, complaint: Complaint) -> Iterator[Mismatch]:
    """The server refused a request that keeps everything the document asks for.

    **Why it matters**: a client written by the document does not work, and the document cannot tell why.

    **How to fix**: write the missing constraint into the document (a pattern, a limit, `required`), or accept it.
    """
    answer = complaint.exchanges[-1].response
    about_asker = _is_about_the_asker(operation, complaint) and not _takes_token(operation)
    if answer is not None and (about_asker or _is_told(operation, answer) or _is_about_other_data(answer)):
        return
    if complaint.where in (None, "body") and _says_no_schema(operation):
        return  # the document is told of that
    yield Mismatch(
        Where("request", status=str(answer.status) if answer else None, pointer=complaint.where),
        declared="a request that keeps the document",
        observed=f"refused with {answer.status}{words_of(answer.body)}" if answer else "refused",
        message=complaint.message,
        component=operation.pointer,
        name=_name(operation, complaint),
        fix=Fix("Write down the constraint that the server applies.", "Accept what the document allows."),
    )


def _name(operation: Operation, complaint: Complaint) -> str | None:
    """Where it is refused. A parser that takes no other names does so in each object of a body, and is told once."""
    exchange = complaint.exchanges[-1]
    if f'"{NOBODYS}"'.encode() in (exchange.request.body or b""):
        words = hashlib.sha256(cause(exchange, operation).encode()).hexdigest()[:12]
        return f"{NOBODYS} {words}"
    return complaint.where


_QUOTED = re.compile(r"""(["'`“‘])([^"'`“”‘’\n]{1,80}\s[^"'`“”‘’\n]{1,80})["'`”’]""")


def _is_told(operation: Operation, answer: Response) -> bool:
    """True where the document quotes what the refusal says: "it fails with 400 and the reason 'bad type'".

    One word is not enough: it may be the name of what is refused.
    """
    declared = operation.response(answer.status)
    texts = [
        operation.raw.get("description"),
        resolve(operation.root, declared.pointer).get("description") if declared is not None else None,
    ]
    quoted = {match[2].strip(" .").lower() for text in texts for match in _QUOTED.finditer(str(text or ""))}
    if not quoted:
        return False
    try:
        said = answer.json
    except ValueError:
        return False
    return any(text.strip(" .").lower() in quoted for text in _texts(said))


_CREDENTIAL = re.compile(r"\b(?:access|refresh|bearer|api|jwt|id|web|session)[ _-]?tokens?\b|\bjwt\b", re.IGNORECASE)


def _says_no_schema(operation: Operation) -> bool:
    """True where what stands for the body's schema is none, such as `null`: nobody knows what keeps it."""
    body = operation.request_body
    content = resolve(operation.root, body.pointer).get("content") if body is not None else None
    entries = content.values() if isinstance(content, Mapping) else ()
    return any(
        isinstance(entry, Mapping) and "schema" in entry and not isinstance(entry["schema"], (Mapping, bool))
        for entry in entries
    )


def _is_about_other_data(answer: Response) -> bool:
    return is_about_data(answer.body[:_LONGEST].decode("utf-8", "replace"))


def _is_about_the_asker(operation: Operation, complaint: Complaint) -> bool:
    """True where the refusal speaks of the token by which the sender is known, and the request says none elsewhere.

    Some servers answer 422 to a token of the wrong kind, which is not in the data.
    """
    exchange = complaint.exchanges[-1]
    answer, request = exchange.response, exchange.request
    if answer is None or header(request.headers, "authorization") is None:
        return False
    said = any(_CREDENTIAL.search(text) for text in _sentences(answer))
    sent = f"{request.url} {(request.body or b'')[:_LONGEST].decode('utf-8', 'replace')}"
    for name in (
        str(operation.security_scheme(each).get("name")) for option in operation.security or () for each in option
    ):
        sent = re.sub(rf"(?<=[?&]){re.escape(name)}=[^&\s]*", "", sent)  # it is no data that says who asks
    return said and re.search(r"token|jwt", sent.partition("?")[2] + sent.partition(" ")[2], re.I) is None


def _sentences(answer: Response) -> Iterator[str]:
    """What an answer says, and not what it calls it; what is long repeats something."""
    try:
        texts = list(_texts(answer.json))
    except (ValueError, RecursionError):
        texts = [answer.body[:_LONGEST].decode("utf-8", "replace")]
    yield from (text for text in texts if len(text) <= _SENTENCE)


def _takes_token(operation: Operation) -> bool:
    """True where the request itself is to say a token: then the refusal may be about that one."""
    names = [parameter.name for parameter in operation.parameters]
    for media in operation.request_body.content if operation.request_body is not None else ():
        nodes = operation.schemas.flatten([media.schema]) if media.schema is not None else ()
        names += [str(name) for _, node in nodes for name in node.get("properties") or ()]
    return any(re.search(r"token|jwt", name, re.IGNORECASE) for name in names)


_LONGEST = 16 * 1024
_SENTENCE = 400


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)

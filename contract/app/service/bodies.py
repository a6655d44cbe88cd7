"""A body as it comes in: read in pieces and never beyond the limit, JSON to the letter, held against a schema."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import jsonschema_rs
from fastapi import Request
from starlette.requests import ClientDisconnect

from contract.app.service.problems import Problem, invalid

SMALL = 64 * 1024
"""Bytes of a body that is no report."""
_ERRORS = 20
_DETAIL = 300


async def read(request: Request, limit: int, wanted: str = "application/json") -> bytes:
    """The body; raises 415 for another media type, 413 as soon as there is more than `limit`, 408 if it takes too long."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != wanted:
        raise Problem(415, f"send the body as `Content-Type: {wanted}`")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Problem(415, "send the body without `Content-Encoding`")
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > limit:
        raise _too_large(limit)
    body = bytearray()
    within_s: int = request.app.state.config.max_body_s
    try:
        async with asyncio.timeout(within_s):
            async for piece in request.stream():
                if len(body) + len(piece) > limit:
                    raise _too_large(limit)
                body += piece
    except TimeoutError:
        said = f"a body must be there as a whole within {within_s} s, and {len(body):,} bytes of it came"
        raise Problem(408, said, headers={"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "the connection ended before the body did", headers={"Connection": "close"}) from None
    return bytes(body)


def _too_large(limit: int) -> Problem:
    # What is left of the body is not read: the connection ends with this answer.
    return Problem(413, f"a body may have {limit:,} bytes", headers={"Connection": "close"})


def parse(raw: bytes) -> Any:
    """The value; 400 for what is no JSON, no UTF-8, nested too deep, or says a key twice (RFC 8259)."""
    try:
        return json.loads(raw.decode(), parse_constant=_refuse, parse_int=_integer, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        where = f" at line {error.lineno}, column {error.colno}" if error.doc else ""
        raise Problem(400, f"the body is not JSON{where}: {error.msg.lower()}") from None
    except UnicodeDecodeError as error:
        raise Problem(400, f"the body is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise Problem(400, "the body is nested too deep") from None


def _refuse(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is no JSON", "", 0)


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of more than 4,300 digits; all bounds lie far below.
    return int(digits) if len(digits) < 300 else float("inf")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise json.JSONDecodeError("an object has the same key twice", "", 0)
    return found


def schema(properties: Mapping[str, Any], required: tuple[str, ...]) -> jsonschema_rs.Validator:
    """A validator of an object that has these properties and no others."""
    return jsonschema_rs.validator_for(
        {"type": "object", "additionalProperties": False, "required": list(required), "properties": dict(properties)},
        validate_formats=True,
    )


async def small(request: Request, validator: jsonschema_rs.Validator) -> dict[str, Any]:
    """The object of a body that is no report; 422 with each place that breaks the schema."""
    value = parse(await read(request, SMALL))
    if errors := list(broken(validator, value)):
        raise invalid(errors)
    found: dict[str, Any] = value
    return found


def broken(validator: jsonschema_rs.Validator, value: Any) -> Iterator[dict[str, str]]:
    """Each place that breaks the schema as `pointer` and `detail`, the first few."""
    for number, error in enumerate(validator.iter_errors(value)):
        if number == _ERRORS:
            return
        yield {"pointer": pointer(error.instance_path), "detail": cut(error.message)}


def pointer(path: list[str | int]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def cut(text: str) -> str:
    """The beginning of a text that may quote a whole body."""
    return text if len(text) <= _DETAIL else text[: _DETAIL - 1] + "…"

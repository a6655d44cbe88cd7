"""What is asked of the generated package in a process of its own: does it import, keep values, refuse others, call?

`python probe.py values|calls PACKAGE < question.json > answer.json`, in the folder where the package lies. Nothing of
`contract` is imported here: the package has to do with what it declares.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any, get_type_hints
from uuid import UUID

from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError


def values(package: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
    """By schema: why its class cannot hold a value; and by keyword, how many of the broken values it takes all the same."""
    models = importlib.import_module(f"{package}.models")
    faults: dict[str, list[str]] = {}
    taken: list[tuple[str, str, str]] = []
    missing = [
        key
        for key, (module, name) in question["operations"].items()
        if not callable(getattr(importlib.import_module(f"{package}.api.{module}"), name, None))
    ]
    refused = 0
    for schema, (name, null, valid, invalid) in question["components"].items():
        try:
            kind = getattr(models, name)
            adapter: TypeAdapter[Any] = TypeAdapter(kind | None if null else kind)
        except Exception as error:  # whatever a class raises when it is built is its fault
            faults[schema] = ["import", f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"]
            continue
        for origin, value in valid:
            reason = kept(adapter, value)
            if reason is not None:
                faults[schema] = ["examples" if origin == "example" else "values", f"{_SAID[origin]} {reason}"]
                break
        for keyword, pointer, value in invalid:
            try:
                adapter.validate_json(json.dumps(value), by_alias=True, by_name=False)
            except ValidationError:
                refused += 1
            else:
                taken.append((schema, keyword, pointer))
    unseen = {}
    for key, answers in question["seen"].items():
        reason = _held(package, question["operations"][key], answers)
        if reason is not None:
            unseen[key] = f"{_SAID['seen']} {reason}"
    return {"unseen": unseen, "faults": faults, "taken": taken, "refused": refused, "missing": missing}


def _held(package: str, place: list[str], bodies: list[list[Any]]) -> str | None:
    """Why the types of an operation cannot hold what it was seen to be sent, or to answer."""
    module, name = place
    operation: Any = getattr(importlib.import_module(f"{package}.api.{module}"), f"_{name}", None)
    for where, media, value in bodies if operation is not None else ():
        kinds = operation.answers.get(where, {})
        if where == "request":
            kinds = {each.media: each.type for each in operation.bodies}
        kind = kinds.get(media)
        if kind is not None and (reason := kept(TypeAdapter(kind), value)) is not None:
            return f"of {where} {reason}"
    return None


_SAID = {
    "example": "an example of the document",
    "sample": "a value that keeps the document",
    "seen": "an observed value",
}


def kept(adapter: TypeAdapter[Any], value: Any) -> str | None:
    """Why a value is not read and written back as it was."""
    try:
        # As the client reads an answer: a member's name in Python means nothing there.
        read = adapter.validate_json(json.dumps(value), by_alias=True, by_name=False)
        again = json.loads(adapter.dump_json(read, by_alias=True, exclude_unset=True, warnings=False))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = "".join("/" + str(part) for part in first["loc"])
        return f"is refused at {place or 'its root'}: {first['msg']}"
    except Exception as error:  # a value that a class cannot write is the class's fault
        return f"raises {type(error).__name__}: {str(error).splitlines()[0][:200]}"
    place_ = differs(value, again)
    return None if place_ is None else f"does not come back the same at {place_ or 'its root'}"


def differs(one: Any, other: Any, place: str = "") -> str | None:
    """Where two JSON values mean something else; an instant is the same in any zone, a number with or without `.0`."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in one.keys() | other.keys():
            if name not in one or name not in other:
                return f"{place}/{name}"
            found = differs(one[name], other[name], f"{place}/{name}")
            if found is not None:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return place
        return next(
            (
                found
                for i, (a, b) in enumerate(zip(one, other, strict=True))
                if (found := differs(a, b, f"{place}/{i}")) is not None
            ),
            None,
        )
    if one == other and isinstance(one, bool) == isinstance(other, bool):
        return None
    return None if isinstance(one, str) and isinstance(other, str) and _means(one, other) else place


def _means(one: str, other: str) -> bool:
    readers: tuple[Any, ...] = (datetime, date, time, timedelta, UUID)
    for kind in readers:
        adapter = TypeAdapter(kind)
        with suppress(ValidationError):
            if adapter.validate_python(one) == adapter.validate_python(other):
                return True
    return one.rstrip("/") == other.rstrip("/") and one.startswith("http")


def calls(package: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
    """By operation: why it cannot be called or its answer not be read."""
    root = importlib.import_module(package)
    current = {"key": ""}
    client = root.Client(
        question["url"],
        auth={
            name: ("user", "secret") if kind == "basic" else "secret"
            for name, kind in question["schemes"].items()
            if kind != "none"
        },
        headers={"X-Contract-Call": lambda: current["key"]},
        retries=0,
        timeout=20,
    )
    out: dict[str, str] = {}
    with client:
        for key, asked in question["calls"].items():
            current["key"] = base64.b64encode(key.encode()).decode()
            try:
                reason = _called(root, package, client, asked)
            except Exception as error:  # whatever a call raises is told as its fault
                text = str(error).splitlines()[0][:300] if str(error) else ""
                reason = f"{type(error).__name__}: {text}"
            if reason is not None:
                out[key] = reason
    return out


def _called(root: Any, package: str, client: Any, asked: Mapping[str, Any]) -> str | None:
    module = importlib.import_module(f"{package}.api.{asked['module']}")
    function: Callable[..., Any] = getattr(module, asked["function"])
    hints = get_type_hints(function, vars(module))
    given: dict[str, Any] = {}
    for name, value in asked["arguments"].items():
        given[name] = TypeAdapter(hints[name]).validate_json(json.dumps(value), by_alias=True, by_name=False)
    operation = getattr(module, "_" + asked["function"])
    if "body" in asked:
        kind = operation.bodies[asked["body_index"]].type
        if "base64" in asked["body"]:
            given["body"] = base64.b64decode(asked["body"]["base64"])
        elif kind is Any:
            given["body"] = asked["body"]["value"]
        else:
            given["body"] = TypeAdapter(kind).validate_json(
                json.dumps(asked["body"]["value"]), by_alias=True, by_name=False
            )
        if "media_type" in hints:
            given["media_type"] = asked["media_type"]
    call = function(**given)
    if asked["success"]:
        got = client.send(call)
    else:
        try:
            client.send(call)
        except root.StatusError as error:
            got = error.body
        else:
            return "an answer that is no success was not raised"
    if "answer" in asked:
        back = json.loads(TypeAdapter(Any).dump_json(plain(got), by_alias=True))
        place = differs(asked["answer"], back)
        if place is not None:
            return f"its answer is not read as it was sent, at {place or 'its root'}"
    return None


def plain(value: Any) -> Any:
    """What was read, as JSON has it."""
    if isinstance(value, RootModel):
        return plain(value.root)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


def _main(argv: list[str]) -> None:
    sys.path.insert(0, ".")
    question = json.load(sys.stdin)
    answer = {"values": values, "calls": calls}[argv[1]](argv[2], question)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    _main(sys.argv)

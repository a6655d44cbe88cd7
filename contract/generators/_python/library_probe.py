"""What is asked of a package with the library's own client, in a process of its own.

`python library_probe.py imports|values|seen|calls PACKAGE < question.json > answer.json`, in the folder where it lies.
"""

from __future__ import annotations

import base64
import importlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from contract.generators._python import probe


def imports(package: str, question: Mapping[str, Any]) -> Mapping[str, str]:
    """By module why it cannot be imported."""
    out: dict[str, str] = {}
    for name in question["modules"]:
        try:
            importlib.import_module(name)
        except Exception as error:  # whatever a module raises is its fault
            out[name] = f"{type(error).__name__}: {str(error)[:300]}"
    return out


def values(package: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
    return probe.values(package, {**question, "operations": {}, "seen": {}})


def seen(package: str, question: Mapping[str, Any]) -> Mapping[str, str]:
    """By operation why its types cannot hold what was observed."""
    out: dict[str, str] = {}
    for key, observed in question["seen"].items():
        for codec, where, value in observed:
            if not codec:
                continue  # bytes, which hold whatever comes
            reason = probe.kept(TypeAdapter(_type(package, codec)), value)
            if reason is not None:
                out.setdefault(key, f"an observed value of {where} {reason}")
    return out


def calls(package: str, question: Mapping[str, Any]) -> Mapping[str, str]:
    """By operation why it cannot be called, or its answer not be read."""
    root = importlib.import_module(f"{package}.client")
    auth = {name: ("user", "secret") if kind == "basic" else "secret" for name, kind in question["auth"].items()}
    out: dict[str, str] = {}
    with root.Client(base_url=question["url"], max_retries=0, timeout=20, **auth) as client:
        for key, asked in question["calls"].items():
            mark = base64.b64encode(key.encode()).decode()
            try:
                reason = _called(package, client.with_options(default_headers={"X-Contract-Call": mark}), asked)
            except Exception as error:  # whatever a call raises is told as its fault
                cause = error.__cause__
                text = str(error).splitlines()[0][:300] if str(error) else ""
                reason = f"{type(error).__name__}: {text}" + (f": {type(cause).__name__}" if cause else "")
            if reason is not None:
                out[key] = reason
    return out


def _called(package: str, client: Any, asked: Mapping[str, Any]) -> str | None:
    errors = importlib.import_module(f"{package}.client.errors")
    given = {
        name: TypeAdapter(_type(package, codec)).validate_json(json.dumps(value)) if codec else value
        for name, codec, value in asked["arguments"]
    }
    if "body" in asked:
        given["body"] = _body(package, asked)
        if asked["media_type"] is not None:
            given["media_type"] = asked["media_type"]
    method = getattr(getattr(client, asked["resource"]), asked["method"])
    try:
        got = method(**given)
    except errors.APIStatusError as error:
        if asked["success"] and error.status_code < 300:
            return f"a success is raised as {type(error).__name__}"
        got = error.body
    else:
        if not asked["success"]:
            return "an answer that is no success was not raised"
    if "answer" in asked:
        back = json.loads(TypeAdapter(Any).dump_json(probe.plain(got), by_alias=True))
        place = probe.differs(asked["answer"], back)
        if place is not None:
            return f"its answer is not read as it was sent, at {place or 'its root'}"
    return None


def _body(package: str, asked: Mapping[str, Any]) -> Any:
    body = asked["body"]
    if asked["parts"] and isinstance(body.get("value"), dict):
        bodies = importlib.import_module(f"{package}.client.bodies")
        return bodies.MultipartBody(
            tuple(
                bodies.FilePart(name, str(each).encode(), filename=name)
                if name in asked["files"]
                else bodies.FieldPart(name, each)
                for name, each in body["value"].items()
            )
        )
    if "base64" in body:
        data = base64.b64decode(body["base64"])
        return TypeAdapter(_type(package, asked["codec"])).validate_python(data.decode()) if asked["codec"] else data
    if not asked["codec"]:
        return body["value"]
    return TypeAdapter(_type(package, asked["codec"])).validate_json(json.dumps(body["value"]))


def _type(package: str, codec: str) -> Any:
    return getattr(importlib.import_module(f"{package}.client._generated.model_bindings"), codec).type


def _main(argv: list[str]) -> None:
    sys.path.insert(0, ".")
    question = json.load(sys.stdin)
    answer = {"imports": imports, "values": values, "seen": seen, "calls": calls}[argv[1]](argv[2], question)
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    _main(sys.argv)

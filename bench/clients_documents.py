"""The documents of `bench/clients.py`: those of CONTRACT_DATA, those that packages carry, and two that are adversarial.

A package is fetched by its registry's own client, by name and exact version, and what is read of it is held against its
SHA-256. Nothing that is fetched is kept in the repository.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract.core.document import Document
from contract.generators._typescript import node
from contract.sources.documents import file
from tests.data import DATA


@dataclass(frozen=True)
class Packaged:
    """One document in a package."""

    registry: str  # "npm" or "PyPI"
    package: str
    version: str
    path: str  # in the package
    sha256: str
    licence: str

    def __str__(self) -> str:
        return f"{self.registry}: {self.package} {self.version}, {self.path} ({self.licence})"


PACKAGED = {
    "airflow": Packaged(
        "PyPI",
        "apache-airflow",
        "2.10.5",
        "airflow/api_connexion/openapi/v1.yaml",
        "4dcc76cb7cb0c4fafd326530a970cdb05d49c8e5efe0b6fd96c369f3c15a4187",
        "Apache-2.0",
    ),
    "blockfrost": Packaged(
        "npm",
        "@blockfrost/openapi",
        "0.1.93",
        "package/openapi.yaml",
        "b0f64545d55c459525d31ba681d8134fba95d2ce5452d87a754aa7409d2ca887",
        "MIT",
    ),
    "dialogporten": Packaged(
        "npm",
        "@digdir/dialogporten-schema",
        "1.118.6",
        "package/swagger.verified.json",
        "a93d5d4ef9468b98dca934f4817cd65ebb31e9fd43418e5b892be7921aa3b009",
        "ISC",
    ),
    "figma": Packaged(
        "npm",
        "@figma/rest-api-spec",
        "0.43.0",
        "package/openapi/openapi.yaml",
        "d0d7f955eecafa8166c8e0dd63ba10cc14c18677903c2b447921ba39eea5d598",
        "MIT",
    ),
    "fulfillment": Packaged(
        "npm",
        "@shipengine/connect-fulfillment-provider-api",
        "4.6.0",
        "package/spec.json",
        "5677fac2e48b4d86cf331104c53a2cdcbe98b90f146eb415c5c902860b500a21",
        "Apache-2.0",
    ),
    "jupyter-server": Packaged(
        "PyPI",
        "jupyter-server",
        "2.17.0",
        "jupyter_server/services/api/api.yaml",
        "f309fcca541412fa02258fb551faa3080c18f14a2e210d62306d372bf6bf694c",
        "BSD-3-Clause",
    ),
    "netlify": Packaged(
        "npm",
        "@netlify/open-api",
        "2.60.0",
        "package/dist/swagger.json",
        "70aa5a0a052a689e87cad8fca256e9aa560165a7b6b3bdc41121ede385637521",
        "MIT",
    ),
    "rclone": Packaged(
        "npm",
        "rclone-openapi",
        "1.75.0",
        "package/openapi.json",
        "4c8a03e37f49a28beafdb5755632626be40940ccaf8ec04af5f8fdae6a3c0974",
        "MIT",
    ),
}

ADVERSARIAL: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Adversarial", "version": "1"},
    "paths": {
        "/class/{import}": {
            "get": {
                "operationId": "class",
                "parameters": [
                    {"name": "import", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
                    {"name": "filter", "in": "query", "style": "deepObject", "schema": {"$ref": "#/components/schemas/Filter"}},
                    {"name": "X-Day", "in": "header", "schema": {"type": "string", "format": "date"}},
                    {"name": "größe", "in": "query", "schema": {"type": ["integer", "null"]}},
                ],
                "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BaseModel"}}}}},
            },
            "post": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
                "parameters": [{"name": "import", "in": "path", "required": True, "schema": {"type": "integer"}}],
                "responses": {"201": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}}, "default": {"description": ""}},
            },
        },
        "/lists": {"get": {"operationId": "list", "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/a.b"}}}}}}}},
    },
    "components": {
        "schemas": {
            "BaseModel": {"type": "object", "required": ["class"], "properties": {"class": {"type": "string"}, "self": {"type": "integer"}, "model_config": {"type": "string"}, "Class": {"type": "boolean"}}},
            "None": {"type": "object", "properties": {"a": {"type": "null"}}},
            "str": {"type": "string", "minLength": 1},
            "a.b": {"type": "object", "properties": {"größe": {"type": "number"}, "user-name": {"type": "string"}, "user_name": {"type": "string"}}},
            "a_b": {"type": "object", "properties": {"1st": {"type": "integer"}}},
            "A-B": {"type": ["string", "integer"]},
            "Filter": {"type": "object", "properties": {"state": {"type": "string", "enum": ["on", "off"]}}},
            "Tree": {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}, "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}},
            "Pet": {"oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}], "discriminator": {"propertyName": "kind", "mapping": {"cat": "#/components/schemas/Cat", "dog": "#/components/schemas/Dog"}}},
            "Cat": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "cat"}, "lives": {"type": "integer"}}},
            "Dog": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "dog"}, "mail": {"type": "string", "format": "email"}}},
            "Pair": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2},
            "Open": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": ["string", "null"]}}},
            "Base": {"type": "object", "properties": {"a": {"type": "string"}}},
            "Empty": {"type": "object", "properties": {"never": {"enum": []}, "a": {"type": "integer"}}},
            "pet": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "next": {"$ref": "#/components/schemas/Tree"}}},
            "Größe": {"type": "string", "enum": ["groß", "klein", "中"]},
            "Chain": {"type": "array", "items": {"$ref": "#/components/schemas/Chain"}},
            "Heir": {"allOf": [{"$ref": "#/components/schemas/Base"}, {"properties": {"a": {"enum": ["x"]}}}]},
        }
    },
}  # fmt: skip

"""Keywords, names that collide, dots, recursion, discriminators, lists of types, `items: false`, empty enums."""

_OUT = '""" \'\'\' */ // # \\ ${process.exit(1)} `x` {0} %s\r\n__import__("os")._exit(1)\u2028\\"""'

HOSTILE: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": f"Hostile {_OUT}", "version": _OUT, "description": _OUT},
    "servers": [{"url": "https://example.com/\"'`", "description": _OUT}],
    "tags": [{"name": _OUT, "description": _OUT}, {"name": "models"}, {"name": "client"}],
    "paths": {
        "/a/\"'`/{id}": {
            "get": {
                "summary": _OUT,
                "description": _OUT,
                "operationId": "twice",
                "tags": [_OUT],
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "description": _OUT, "schema": {"type": "string", "default": _OUT}},
                    {"name": "\"\"\"'`", "in": "query", "description": _OUT, "schema": {"type": "string", "pattern": "^[\"'`\\\\/*]*$"}},
                    {"name": "self", "in": "query", "schema": {"type": "array", "items": {"type": "integer"}}},
                    {"name": "body", "in": "query", "schema": {"type": "string", "enum": [_OUT, "b"]}},
                ],
                "responses": {"200": {"description": _OUT, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Client"}}}}},
            },
            "put": {
                "operationId": "twice",
                "tags": ["models"],
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "requestBody": {"description": _OUT, "required": True, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/list"}}}},
                "responses": {"204": {"description": _OUT}, "4XX": {"description": _OUT, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Any"}}}}},
            },
            "delete": {
                "tags": ["client"],
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"204": {"description": ""}},
            },
        },
    },
    "components": {
        "schemas": {
            "Client": {
                "type": "object",
                "description": _OUT,
                "required": ["\"\"\"'`"],
                "properties": {
                    "\"\"\"'`": {"type": "string", "description": _OUT, "default": _OUT},
                    "a\nb": {"type": "integer", "example": 1},
                    "*/": {"type": "string", "enum": [_OUT, "*/", "\"", "'"]},
                    "__class__": {"type": "string"},
                    "constructor": {"type": "string", "pattern": "^\"'`$"},
                    "model_fields": {"type": "integer"},
                    "copy": {"type": "boolean", "default": True},
                },
            },
            "list": {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Field"}},
            "Any": {"type": "object", "title": _OUT, "properties": {"type": {"type": "string", "nullable": True}, "datetime": {"type": "string", "format": "date-time"}}},
            "Field": {"type": "object", "required": ["int"], "properties": {"int": {"type": "integer"}, "UUID": {"type": "string", "format": "uuid"}}},
            "Optional": {"type": "string", "enum": ["None", "True", "mro", "name", "value", "", " ", "1", "-1"]},
            "Enum": {"type": "integer", "enum": [0, 1, -1]},
            "datetime": {"type": "string", "format": "date-time"},
            "RootModel": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Optional"}},
            "Record": {"type": "object", "properties": {"undefined": {"type": "string"}, "Promise": {"$ref": "#/components/schemas/Promise"}}},
            "Promise": {"type": "array", "items": {"type": "string"}},
        }
    },
}  # fmt: skip
"""Texts that try to break out of strings and comments; components, members and tags named as what the code needs."""


def documents(work: Path, names: Collection[str]) -> Iterator[tuple[str, Document]]:
    """Those of these names, or all: the largest last."""
    folder = work / "documents"
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in (("adversarial", ADVERSARIAL), ("hostile", HOSTILE)):
        if not names or name in names:
            (folder / f"{name}.json").write_text(json.dumps(value))
            yield name, file.load(folder / f"{name}.json")
    for name, packaged in PACKAGED.items():
        if not names or name in names:
            yield name, file.load(_fetched(packaged, folder, name))
    for path in sorted((DATA / "documents").glob("*.xz"), key=lambda each: each.stat().st_size) if DATA else ():
        name = path.name.split(".")[0]
        if names and name not in names:
            continue
        if path.name.endswith(".tar.xz"):
            with tarfile.open(path) as packed:
                packed.extractall(folder / name, filter="data")
            index = json.loads((path.parent / "index.json").read_text("utf-8"))
            entry = next(each["entry"] for each in index if each["name"] == name)
            yield name, file.load(folder / name / entry)
            continue
        target = folder / path.stem
        if not target.exists():
            target.write_bytes(lzma.decompress(path.read_bytes()))
        yield name, file.load(target)


def _fetched(packaged: Packaged, folder: Path, name: str) -> Path:
    """The document of a package, fetched when it is first asked for."""
    target = folder / f"{name}{Path(packaged.path).suffix}"
    if not target.exists():
        into = folder / "packages" / name
        into.mkdir(parents=True, exist_ok=True)
        wanted = packaged.package, packaged.version
        if packaged.registry == "npm":
            _, npm = node.node()
            command = [*npm, "pack", "--ignore-scripts", "--silent", "@".join(wanted)]
        else:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:"]
            command.append("==".join(wanted))
        subprocess.run(command, cwd=into, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        [archive] = [each for each in into.iterdir() if each.suffix in (".tgz", ".whl")]
        target.write_bytes(_member(archive, packaged.path))
    if (found := hashlib.sha256(target.read_bytes()).hexdigest()) != packaged.sha256:
        raise SystemExit(f"{packaged}: has the SHA-256 {found}, and not {packaged.sha256}")
    return target


def _member(archive: Path, path: str) -> bytes:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(path)
    with tarfile.open(archive) as packed:
        found = packed.extractfile(path)
        if found is None:
            raise SystemExit(f"{archive.name}: {path} is no file")
        return found.read()

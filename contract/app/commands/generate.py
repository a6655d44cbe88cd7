"""`contract generate`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from contract.app.commands import shared

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

    from contract.app.settings import Settings

USAGE = "contract generate [--document FILE] [--python DIR] [--typescript DIR] [--traffic FILE] [--check] [--watch] …"
EXAMPLES = """\
examples:
  contract generate --document specs/api.yaml --python generated/python --typescript generated/typescript
      writes both clients and generated/manifest.json; where nothing changed, nothing is started
  contract generate --check
      writes nothing: is generated/ what this document and these tools give, and if not, why? with --full in CI
  contract generate --watch
      again each time that the document is saved, until Ctrl-C
  contract generate --traffic capture.har
      proves besides that the types hold the JSON bodies of that recording, as far as these keep the document
  contract generate --python generated/acme --client datamodel-code-generator
      the client that datamodel-code-generator writes itself over the models, instead of ours
  contract generate --format json=generation.json
      the figure, each failure with its reason, and what changed for users of the clients"""
SECTIONS: tuple[str, ...] = ("document", "generated types")
"""Of the settings, those that it takes as flags."""
LEFT_OUT: tuple[str, ...] = ()
"""Settings of those sections that mean nothing here."""
COMMON: tuple[str, ...] = ("config",)
"""Flags of all commands that this one takes, too."""
HAS_VERDICT = True
"""True where the usual exit codes are its own."""


def arguments(made: argparse.ArgumentParser) -> None:
    """What stands without a flag, and flags that are no settings."""
    made.add_argument("--python", metavar="DIR", help="write the Python client there; the file's targets are left out")
    made.add_argument("--typescript", metavar="DIR", help="write the TypeScript client there; likewise")
    made.add_argument(
        "--client",
        metavar="NAME",
        help="whose Python client: contract, or datamodel-code-generator (default: what the file says, else contract)",
    )
    made.add_argument(
        "--traffic",
        metavar="[KIND:]FILE",
        action="append",
        help="recorded exchanges whose JSON bodies the types have to hold, as `contract observe` reads them; again for a "
        "further one (default: the traffic of the config file, looked at where something is proven anyway)",
    )
    made.add_argument("--check", action="store_const", const=True, help="write nothing; say what is stale, and why")
    made.add_argument("--full", action="store_const", const=True, help="make and prove all of it anew, as CI should")
    made.add_argument("--watch", action="store_const", const=True, help="again whenever the document changes")
    made.add_argument(
        "--fail-on-change",
        action="store_const",
        const=True,
        help="exit 1 where a file was written, as a hook has to",
    )
    made.add_argument(
        "--format",
        metavar="NAME[=PATH]",
        dest="generate_formats",
        action="append",
        help="text, json, markdown; again for a further one; only one may lack a path (default: text)",
    )


def run(flags: dict[str, Any]) -> int:
    from contract.app import generate
    from contract.core.errors import ConfigError, ContractError

    check, watch = bool(flags.get("check")), bool(flags.get("watch"))
    if watch and check:
        raise ConfigError("--watch writes, and --check writes nothing", "say one of them")
    formats = _generate_formats(flags)
    named = [f"{name}={flags[name]}" for name in ("python", "typescript") if name in flags]
    if named:
        said = flags.get("types")
        flags["types"] = [*named, *(said if isinstance(said, list) else [])]
    if flags.get("traffic"):
        from contract.app.observe import described

        flags["traffic"] = [described(file) for file in flags["traffic"]]

    def load() -> Settings:
        settings = shared.load(flags)
        shared.need_document(settings)
        return generate.with_client(settings, flags["client"]) if flags.get("client") else settings

    if not watch:
        return _generated(load(), flags, formats)

    def tell(settings: Settings) -> None:
        try:
            _generated(settings, flags, formats)
        except ContractError as error:  # what is being edited is wrong now and then
            shared.complain(error)

    try:
        generate.watch(load, tell)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def _generate_formats(flags: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Each format with its path; an empty one is standard output."""
    from pathlib import Path

    from contract.app import made, outputs
    from contract.app.keys import nearest
    from contract.core.errors import ConfigError

    found = []
    for text in flags.get("generate_formats") or ["text"]:
        name, _, path = text.partition("=")
        if name not in made.FORMATS:
            guess = nearest(name, made.FORMATS)
            message = f"generate has no format `{name}`" + (f". Did you mean `{guess}`?" if guess else "")
            raise ConfigError(message, "text, json or markdown")
        found.append((name, path))
    if sum(not path for _, path in found) > 1:
        raise ConfigError(
            "only one format can go to standard output", "give the others a path: `--format json=made.json`"
        )
    outputs.probe([Path(path) for _, path in found if path])
    return found


def _generated(settings: Settings, flags: Mapping[str, Any], formats: Sequence[tuple[str, str]]) -> int:
    """One run over all targets, told in each format; files come first, so that the last line is true when it is read."""
    from pathlib import Path

    from contract.app import generate, made, outputs, terminal

    check = bool(flags.get("check"))
    targets = []
    with terminal.progress(sys.stderr, os.environ) as notify:
        full, traffic = bool(flags.get("full")), bool(flags.get("traffic"))
        for one in generate.generate(settings, check=check, full=full, traffic=traffic, notify=notify):
            targets.append(one)
    code = made.exit_code(targets, unchanged=bool(flags.get("fail_on_change")))
    said = made.sentence(targets, code, check=check)

    def text(name: str) -> str:
        if name == "json":
            return made.as_json(targets, ", ".join(settings.documents), code, said)
        if name == "markdown":
            return made.as_markdown(targets, said)
        return "\n".join([*(made.as_text(one) for one in targets), said])

    for name, path in formats:
        if path:
            outputs.write(Path(path), text(name) + "\n")
    bare = next((name for name, path in formats if not path), None)
    if bare is not None:
        shared.say(text(bare))
    if bare != "text":
        print(said, file=sys.stderr)
    return code

"""A typed Python client of a contract, proven per operation and component.

Models by datamodel-code-generator; on top of them our own thin client (`_python/runtime.py`): one module per tag, one
function per operation, `Client` and `AsyncClient` over httpx2. The generators' exit code is not believed: what counts as
made is proven (`_python/prove.py`). What cannot be expressed is replaced by `Any` or bytes and told, so that it does not
cost the others theirs.

The package that comes out: `models.py` (one class per component, and per inline schema that needs one), `api/TAG.py`,
`client.py`, `_runtime.py`, `__init__.py` and `py.typed`. The same document gives the same bytes, and reordering it
changes nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from contract.core.errors import ConfigError, MissingExtra, SourceError
from contract.core.evidence import Stale
from contract.core.generated import Generated
from contract.generators._python.files import files, is_ours, plain
from contract.generators._versions import versions

if TYPE_CHECKING:
    from contract.core.document import Document
    from contract.core.openapi import Operation
    from contract.generators._python.prove import Notify, Seen

TARGET = "python"
CLIENTS = ("contract", "datamodel-code-generator")
"""Whose client lies on the models: ours, or the one that the library writes itself (`_python/library.py`)."""
_TOOLS = ("datamodel-code-generator", "pydantic", "httpx2", "mypy", "basedpyright")


def tools() -> Mapping[str, str]:
    """Versions of all that decides what is written and what is proven; our own part by the hash of its text."""
    own = hashlib.sha256()
    for path in sorted(Path(__file__).with_name("_python").glob("*.py")):
        own.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return {**versions(_TOOLS), "templates": own.hexdigest()[:16]}


def generate(
    document: Document,
    operations: Iterable[Operation],
    out: Path,
    *,
    cache: Path | None = None,
    prove: bool = True,
    only: Collection[str] | None = None,
    notify: Notify | None = None,
    keep: Path | None = None,
    seen: Seen | None = None,
    options: Mapping[str, str] | None = None,
) -> Generated:
    """The package in `out`, and one artifact per component and operation: proven, or with the step and the reason.

    All files are made beside and then replaced one by one, only where they differ. A file that nobody generated is
    neither overwritten nor deleted: if it is in the way, SourceError names it. `cache` is where mypy keeps what it knows
    about pydantic. With `only`, values and calls are tried for these pointers alone. `keep` is a file in which a run leaves
    what it made; with `only`, classes that a change does not reach are taken from there, and what is proven is a package
    of the others. `seen` holds observed bodies by operation: status as it is declared, or `request`, and media type, and the
    body; the types of the operation have to hold them. Without `prove` nothing is imported or tried; what only Python
    refuses (a pattern, a cycle of bases) is then not replaced either. `options`: `client`, one of CLIENTS; with that of
    the library also `package`, how the folder is imported, where that is not by its own name.
    """
    told = dict(options or {})
    client = _client(told)
    for module in ("datamodel_code_generator", "pydantic", "mypy", "basedpyright")[: 4 if prove else 2]:
        if importlib.util.find_spec(module) is None:
            raise MissingExtra("generating types", "types", module.replace("_", "-"))
    # What makes and proves is heavy, and what says that nothing is to be done is not.
    from contract.generators._python.run import Run

    package = None
    if client != CLIENTS[0]:
        from contract.generators._python import library

        package = library.package_of(told, out)
    tell: Notify = notify or (lambda step, done, whole: None)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
            work, wanted = Path(scratch), list(operations)
            if package is not None:
                own = library.Run(document, wanted, out, work, cache, prove, only, tell, seen or {}, package)
                return own.done()
            return Run(document, wanted, out, work, cache, prove, only, tell, keep, seen or {}, tools()).done()
    except OSError as error:
        raise SourceError(f"{out}: cannot be written: {error.strerror or error}") from error


def _client(options: Mapping[str, str]) -> str:
    """Whose client is wanted; ConfigError for an option that is none."""
    client = options.get("client", CLIENTS[0])
    if client not in CLIENTS:
        raise ConfigError(f"python has no client `{client}`", f"`client` is {' or '.join(CLIENTS)}")
    known = ("client", "package") if client == CLIENTS[1] else ("client",)
    for name in sorted(options.keys() - set(known)):
        raise ConfigError(
            f"python with the client of {client} has no option `{name}`",
            f"it has {' and '.join(f'`{each}`' for each in known)}",
        )
    return client


# --- files ------------------------------------------------------------------------------------------------------------


def compare(fresh: Path, committed: Path) -> Iterator[Stale]:
    """What differs between two packages: `added` is made today and not committed, `removed` is made no longer.

    Files that a person wrote into the committed folder are theirs; line endings do not count.
    """
    today = set(files(fresh))
    if not today:  # nothing could be made, and the artifacts say why
        return
    before = {name for name in files(committed) if name in today or is_ours(committed / name)}
    for name in sorted(today | before):
        if name not in before:
            yield Stale(TARGET, name, "added")
        elif name not in today:
            yield Stale(TARGET, name, "removed")
        elif plain(fresh / name) != plain(committed / name):
            yield Stale(TARGET, name, "changed")

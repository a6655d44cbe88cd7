"""`contract generate`: writes the typed code that the settings name, and says how much of the contract it proves.

The manifest beside the code says what it was made from. Where the document, the tools, the options and the files are
what it says, nothing is started. Else the generator runs, and what it proves anew is what the change reaches.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import orjson

from contract.app import documents, manifest, outputs
from contract.app.made import Made
from contract.app.manifest import MISSING, Held
from contract.app.plugins import plug_in
from contract.app.settings import Settings
from contract.app.steps import Notify, Step, silent
from contract.app.values import TypesTarget
from contract.core.clients import ClientChanges, compare
from contract.core.document import escape
from contract.core.errors import ConfigError, ContractError, DocumentError
from contract.core.evidence import Artifact, Stale
from contract.core.generated import Generated, Symbol, collected, uncollected
from contract.core.report import GenerationFailure, Ratio

if TYPE_CHECKING:
    from contract.app.seen import Seen
    from contract.core.canonical import Canonical
    from contract.core.document import Document
    from contract.core.openapi import Contract

OF_THE_MANIFEST = f"../{manifest.NAME}"
"""How a stale manifest is called among the files of a target."""
UNPROVEN = "unproven"
"""The step of an artifact that nobody was asked to prove."""


class Source:
    """The document, read when it is needed for the first time and not before."""

    def __init__(self, settings: Settings, document: Document | None = None, *, traffic: bool = False) -> None:
        self.settings = settings
        self.traffic = traffic
        self.unread: list[str] = []
        """What to say of recordings that cannot be read."""
        """True where the recordings were named for this run, so that it has to look at them."""
        self._given = document
        self.read = document is not None

    @cached_property
    def document(self) -> Canonical:
        from contract.core.canonical import canonical_document

        self.read = True
        return canonical_document(self._given if self._given is not None else documents.load(self.settings))

    @cached_property
    def contract(self) -> Contract:
        from contract.core.openapi import Contract

        return Contract(self.document)

    @cached_property
    def closures(self) -> Mapping[str, str]:
        from contract.core.canonical import closures

        return closures(self.document)

    @cached_property
    def seen(self) -> Seen:
        from contract.app.seen import seen

        return seen(self.settings, self.contract, asked=self.traffic, unread=self.unread)

    def observe(self) -> None:
        """Reads the recordings now; one that cannot be read is an error, whichever targets there are."""
        _ = self.seen

    def roots(self, base: Path) -> tuple[str, ...]:
        cwd = self.settings.cwd
        return tuple(dict.fromkeys(manifest.relative(cwd / path, base) for path in self.settings.documents))

    def same(self, held: Held, base: Path) -> bool:
        """True if the document is the one that the target was made from: the same bytes, or else the same content."""
        if self.roots(base) != held.roots:
            return False
        if self._given is not None:
            files = {manifest.relative(path, base): digest for path, digest in self._given.files}
            return (bool(files) and files == held.files) or self.document.sha256 == held.document
        return manifest.same_text(held, base) or self.document.sha256 == held.document


def generate(
    settings: Settings, *, check: bool = False, full: bool = False, traffic: bool = False, notify: Notify = silent
) -> Iterator[Made]:
    """Writes each target into its folder, in one step, and says what came of it; raises ConfigError if none has one.

    With `check` nothing is written: what would be is compared with what is there. With `full` neither manifest nor
    earlier proofs are believed. With `traffic` the recordings of the settings are looked at though nothing changed. A
    target that fails does not hide the others.
    """
    wanted = _wanted(settings)
    source = Source(settings, traffic=traffic)
    if traffic:
        source.observe()
    for item in wanted:
        yield target(source, item, check=check, full=full, notify=notify)


def with_client(settings: Settings, client: str) -> Settings:
    """The settings with another client for Python; raises ConfigError where no Python is generated."""
    if not any(item.name == "python" for item in settings.types or ()):
        raise ConfigError(
            "--client says whose Python client is written, and none is", "add `--python generated/python`"
        )

    def told(item: TypesTarget) -> TypesTarget:
        options = {**dict(item.options), "client": client}
        if client == "contract":
            del options["client"]  # as where nothing is said
        return replace(item, options=tuple(sorted(options.items()))) if item.name == "python" else item

    return replace(settings, types=tuple(told(item) for item in settings.types or ()))


def _wanted(settings: Settings) -> list[TypesTarget]:
    wanted = [item for item in settings.types or () if item.path is not None]
    if not wanted:
        raise ConfigError(
            "no folder is named to write to",
            'say `--python generated/python`, or `python = "generated/python"` under [generate] in contract.toml',
        )
    folders: dict[Path, str] = {}
    for item in wanted:
        folder = Path(os.path.abspath(settings.cwd / (item.path or "")))
        if folder in (settings.cwd, *settings.cwd.parents) or (folder / ".git").exists():
            raise ConfigError(
                f"{item.path}: holds more than generated code", f"give {item.name} a folder of its own below it"
            )
        for other, name in folders.items():
            if folder == other or folder in other.parents or other in folder.parents:
                raise ConfigError(f"{name} and {item.name} want the same folder, {item.path}", "give each its own")
        folders[folder] = item.name
    return wanted


def target(source: Source, item: TypesTarget, *, check: bool, full: bool, notify: Notify = silent) -> Made:
    """One target, made or compared; a fault that the user can mend is part of the answer."""
    job = _Job(source, item, plug_in("generators", item.name, "--types"), check, full, notify)
    try:
        with uncollected():
            return job.done()
    except (ConfigError, DocumentError):
        raise  # not of this target
    except ContractError as error:
        return Made(item.name, item.path, error=error, ran=True)


@dataclass
class _Job:
    source: Source
    item: TypesTarget
    generator: ModuleType
    check: bool
    full: bool
    notify: Notify

    def __post_init__(self) -> None:
        settings, item = self.source.settings, self.item
        self.folder = Path(os.path.abspath(settings.cwd / item.path)) if item.path is not None else None
        self.tools: dict[str, str] = dict(self.generator.tools()) if hasattr(self.generator, "tools") else {}
        self.proofs = Path(settings.cwd, settings.report_dir, "generated.json")

    def done(self) -> Made:
        if self.folder is None:
            with tempfile.TemporaryDirectory(prefix="contract-generate-") as scratch:
                made = self._run(Path(scratch, self.item.name), None)
            return self._made(made, None, ClientChanges())
        self.base = self.folder.parent
        self.manifest = manifest.read(self.base / manifest.NAME)
        self.held = self.manifest.targets.get(self.item.name)
        self.causes = list(self._causes())
        edited = list(self._edited())
        believed = not self.full and not self.source.traffic
        if self.held is not None and not self.causes and believed and (self.check or not edited):
            known = self._known(edited)
            if known is not None:
                return known
        return self._compared() if self.check else self._written()

    # --- what the manifest says

    def _causes(self) -> Iterator[str]:
        """Why what lies there need not be what the generator gives today; nothing if all is as the manifest says."""
        held = self.held
        if held is None:
            yield "no manifest says what it was made from" if not self.manifest.exists else "not in the manifest"
            return
        if not self.manifest.intact:
            yield "the manifest was edited by hand"
        if held.options != dict(self.item.options) or held.folder != (self.folder or Path()).name:
            yield "options changed"
        names = sorted({*held.tools, *self.tools})
        for name in names:
            old, new = held.tools.get(name), self.tools.get(name)
            # A tool that is not installed cannot be asked. If the document is the same, what it made still stands; if
            # not, the generator says what is missing.
            if old != new and new != MISSING:
                yield f"tool changed: {name} {old or 'absent'} → {new or 'absent'}"
        if not self.tools:
            yield "the generator does not say with which tools it works"
        if not self.source.same(held, self.base):
            yield "document changed"

    def _edited(self) -> Iterator[Stale]:
        """Files that are not the ones that the manifest names."""
        held, folder, name = self.held, self.folder, self.item.name
        if held is None or folder is None:
            return
        for file, digest in sorted(held.outputs.items()):
            now = manifest.file_hash(folder / file)
            if now is None:
                yield Stale(name, file, "added", "missing")
            elif now != digest:
                yield Stale(name, file, "changed", "edited by hand")

    def _foreign(self, ours: Iterable[str]) -> Iterator[Stale]:
        known = set(ours)
        for file in _files(self.folder) if self.folder is not None else ():
            if file not in known:
                yield Stale(self.item.name, file, "foreign", "foreign file")

    def _known(self, edited: Sequence[Stale]) -> Made | None:
        """What the manifest says, where nothing can have changed; None if it is not of this document after all."""
        held = self.held
        assert held is not None
        artifacts: tuple[Artifact, ...] = ()
        if self.source.read:
            artifacts = tuple(self._artifacts(held))
            if _ratios(artifacts) != (held.operations, held.components):
                return None
        return Made(
            self.item.name,
            self.item.path,
            held.operations,
            held.components,
            held.failures,
            (*edited, *self._foreign(held.outputs)),
            notes=held.notes,
            artifacts=artifacts,
        )

    def _artifacts(self, held: Held) -> Iterator[Artifact]:
        """One for each operation and component, as the manifest says that they are."""
        name, failed = self.item.name, {one.pointer: one for one in held.failures}
        parts = [("operation", operation.key) for operation in self.source.contract.operations]
        schemas = self.source.document.value.get("components", {}).get("schemas", {})
        named = {f"#/components/schemas/{escape(schema)}" for schema in schemas}
        if len(named) != held.components.whole:  # a target may count more sections than schemas
            named = {one.pointer for one in held.symbols if one.kind == "model" and one.pointer.startswith("#/comp")}
            named |= {one.pointer for one in held.failures if one.kind == "component"}
        parts += [("component", pointer) for pointer in sorted(named)]
        for kind, pointer in parts:
            fault = failed.get(pointer)
            if fault is None:
                yield Artifact(name, kind, pointer, True)
            else:
                yield Artifact(name, kind, pointer, False, fault.step, fault.reason)

    # --- making it

    def _run(self, out: Path, only: frozenset[str] | None) -> Generated:
        name = self.item.name
        told: dict[str, Any] = {}
        if self.item.options:
            if "options" not in _parameters(self.generator):
                raise ConfigError(f"{name} takes no options", f'say `{name} = "{self.item.path}"` under [generate]')
            told["options"] = dict(self.item.options)

        if self.source.settings.traffic and "seen" in _parameters(self.generator):
            told["seen"] = self.source.seen
        if self.folder is not None and "keep" in _parameters(self.generator):
            told["keep"] = self._kept()

        def progress(step: str, done: int, whole: int) -> None:
            self.notify(Step(name, done, whole, phase=step))

        document, operations = self.source.document, self.source.contract.operations
        with collected():
            made: Generated = self.generator.generate(document, operations, out, only=only, notify=progress, **told)
        return replace(made, notes=(*made.notes, *self.source.unread)) if self.source.unread else made

    def _proved(self, out: Path) -> Generated:
        """The code in `out`, with the proof of what changed since the last run and the earlier proofs of the rest."""
        before = {} if self.full else self._remembered()
        closures = self.source.closures
        good = {
            pointer: closure
            for pointer, closure in before.get("closures", {}).items()
            if closures.get(pointer) == closure and pointer in before["proven"]
        }
        if self.source.traffic:
            good = {pointer: closure for pointer, closure in good.items() if pointer not in self.source.seen}
        if not good:
            made = self._run(out, None)
        else:
            made = self._run(out, frozenset(closures) - frozenset(good))
            signs = _signs(made.symbols)
            # A name that something else has taken changes a symbol although nothing that it depends on did.
            moved = {pointer for pointer in good if signs.get(pointer) != before["symbols"].get(pointer)}
            if moved:
                good = {pointer: closure for pointer, closure in good.items() if pointer not in moved}
                made = self._run(out, frozenset(closures) - frozenset(good))
            made = replace(
                made,
                artifacts=tuple(
                    replace(one, proven=True, step=None, reason=None)
                    if one.pointer in good and (one.proven or one.step == UNPROVEN)
                    else one
                    for one in made.artifacts
                ),
            )
        made = replace(made, artifacts=named(self.source.contract, made.artifacts))
        self._remember(made)
        return made

    def _compared(self) -> Made:
        folder, held = self.folder, self.held
        assert folder is not None
        with tempfile.TemporaryDirectory(prefix="contract-generate-") as scratch:
            fresh = Path(scratch, folder.name)  # by which a package may import itself
            made = self._proved(fresh)
            entry = self._entry(made, fresh)
            if not made.files:  # nothing could be made, and the artifacts say why
                stale = list(self._edited())
            elif held is None or not self.manifest.intact:
                found = self.generator.compare(fresh, folder)
                stale = [replace(one, reason=one.reason or "; ".join(self.causes)) for one in found]
            else:
                stale = list(self._differences(entry, held))
        if made.files and not stale and (held is None or not self.manifest.intact or not held.same_but_text(entry)):
            change = "changed" if self.manifest.exists else "added"
            reason = "; ".join(self.causes) or "a full run gives other results than it says"
            stale.append(Stale(self.item.name, OF_THE_MANIFEST, change, reason))
        if held is not None:
            stale += self._foreign({*entry.outputs, *held.outputs})
        return self._made(made, stale, self._changed(made))

    def _differences(self, fresh: Held, held: Held) -> Iterator[Stale]:
        folder, name, cause = self.folder, self.item.name, "; ".join(self.causes)
        assert folder is not None
        for file in sorted({*fresh.outputs, *held.outputs}):
            now, wanted, before = manifest.file_hash(folder / file), fresh.outputs.get(file), held.outputs.get(file)
            edited = before is not None and now is not None and now != before
            if wanted is None:
                if now is not None:
                    yield Stale(name, file, "removed", "edited by hand" if edited else cause)
            elif now is None:
                yield Stale(name, file, "added", cause if before is None else "missing")
            elif now != wanted:
                foreign = "foreign file, in the way of what is generated now"
                yield Stale(name, file, "changed", foreign if before is None else "edited by hand" if edited else cause)

    def _written(self) -> Made:
        folder, held = self.folder, self.held
        assert folder is not None
        before = {file: manifest.file_hash(folder / file) for file in _files(folder)}
        made = self._proved(folder)
        if not made.files:
            return self._made(made, list(self._edited()), ClientChanges())
        gone, kept = [], []
        for file, digest in (held.outputs if held is not None else {}).items():
            if file in made.files or file not in before:
                continue
            if before[file] == digest:
                (folder / file).unlink(missing_ok=True)
                _prune((folder / file).parent, folder)
                gone.append(file)
            else:
                kept.append(Stale(self.item.name, file, "removed", "edited by hand"))
        entry = self._entry(made, folder)
        targets = {**self.manifest.targets, self.item.name: entry}
        written = [file for file in made.files if before.get(file) != entry.outputs[file]]
        gone += [file for file in before if file not in gone and not (folder / file).exists()]
        if held is None or not self.manifest.intact or not held.same_but_text(entry):
            path = self.base / manifest.NAME
            if manifest.write(path, targets):
                written.append(OF_THE_MANIFEST)
        stale = [*kept, *self._foreign({*made.files, *(one.file for one in kept)})]
        answer = self._made(made, stale, self._changed(made))
        return replace(answer, written=tuple(sorted(written)), removed=tuple(sorted(gone)))

    # --- what came of it

    def _changed(self, made: Generated) -> ClientChanges:
        if self.held is None or not self.held.symbols or not made.files:
            return ClientChanges()
        return compare(self.held.symbols, made.symbols)

    def _entry(self, made: Generated, out: Path) -> Held:
        document = self.source.document
        operations, components = _ratios(made.artifacts)
        found = {file: manifest.file_hash(out / file) for file in made.files}
        return Held(
            folder=(self.folder or out).name,
            document=document.sha256,
            roots=self.source.roots(self.base),
            files={manifest.relative(path, self.base): digest for path, digest in sorted(document.files)},
            tools=dict(sorted(self.tools.items())),
            options=dict(self.item.options),
            outputs={file: digest for file, digest in sorted(found.items()) if digest is not None},
            operations=operations,
            components=components,
            failures=_failures(made.artifacts),
            notes=made.notes,
            symbols=tuple(sorted(made.symbols, key=lambda one: (one.file, one.name, one.kind, one.pointer))),
        )

    def _made(self, made: Generated, stale: Iterable[Stale] | None, changed: ClientChanges) -> Made:
        operations, components = _ratios(made.artifacts)
        return Made(
            self.item.name,
            self.item.path,
            operations,
            components,
            _failures(made.artifacts),
            tuple(stale or ()),
            changed,
            notes=made.notes,
            ran=True,
            artifacts=made.artifacts,
        )

    # --- earlier proofs

    def _kept(self) -> Path | None:
        """Where the generator leaves what a smaller run may take over; None where nothing can be left."""
        try:
            outputs.keep(self.proofs.parent)
        except (ConfigError, OSError):
            return None
        mark = sha256(self._key().encode()).hexdigest()[:8]
        return self.proofs.with_name(f"generated-{self.item.name}-{mark}.json")

    def _key(self) -> str:
        return manifest.relative(self.folder or self.item.name, Path(self.source.settings.cwd))

    def _with(self) -> str:
        """What all proofs of a target stand on besides the document."""
        said = [manifest.FORMAT, dict(self.tools), dict(self.item.options)]
        return sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def _remembered(self) -> dict[str, Any]:
        """What the last run proved with these tools; empty if there was none, as in a fresh clone."""
        if not self.tools or MISSING in self.tools.values():
            return {}
        try:
            known = orjson.loads(self.proofs.read_bytes())["targets"][self._key()]
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return known if isinstance(known, dict) and known.get("with") == self._with() else {}

    def _remember(self, made: Generated) -> None:
        if self.folder is None or not made.files:
            return
        try:
            value = orjson.loads(self.proofs.read_bytes())
            targets = dict(value["targets"])
        except (OSError, ValueError, KeyError, TypeError):
            targets = {}
        targets[self._key()] = {
            "with": self._with(),
            "closures": dict(self.source.closures),
            "proven": sorted(one.pointer for one in made.artifacts if one.proven),
            "symbols": _signs(made.symbols),
        }
        try:
            outputs.keep(self.proofs.parent)
            outputs.write_bytes(self.proofs, orjson.dumps({"targets": targets}))
        except (ConfigError, OSError):
            return  # a read-only folder: the next run proves all of it again


def named(contract: Contract, artifacts: Iterable[Artifact]) -> tuple[Artifact, ...]:
    """What failed where the document contradicts itself says so first, with both places."""
    from contract.core.contradictions import contradictions

    artifacts = tuple(artifacts)
    if all(one.proven or one.step == UNPROVEN for one in artifacts):
        return artifacts
    found: dict[str, str] = {}
    operations = {operation.pointer: operation.key for operation in contract.operations}
    for one in contradictions(contract):
        for pointer, against in one.pairs:
            for place in (pointer, against):
                owner = "/".join(place.split("/")[:4])
                found.setdefault(operations.get(owner, owner), f"contradiction: {pointer} against {against}")

    def said(one: Artifact) -> Artifact:
        blamed = "#/components/schemas/" + escape((one.reason or "").partition(": ")[0])
        why = None if one.proven else found.get(one.pointer) or found.get(blamed)
        return one if why is None else replace(one, reason=f"{why}: {one.reason or ''}".removesuffix(": "))

    return tuple(said(one) for one in artifacts)


def in_scope(made: Made, keys: Container[str]) -> Made:
    """What was made of these operations and of all components."""
    artifacts = tuple(one for one in made.artifacts if one.kind != "operation" or one.pointer in keys)
    operations, components = _ratios(artifacts)
    return replace(
        made, operations=operations, components=components, failures=_failures(artifacts), artifacts=artifacts
    )


def _parameters(generator: ModuleType) -> Mapping[str, Any]:
    import inspect

    return inspect.signature(generator.generate).parameters


def _ratios(artifacts: Iterable[Artifact]) -> tuple[Ratio, Ratio]:
    """Proven operations and proven components, of all."""
    counts = {"operation": Ratio(0, 0), "component": Ratio(0, 0)}
    for one in artifacts:
        counts[one.kind] = counts[one.kind] + Ratio(int(one.proven), 1)
    return counts["operation"], counts["component"]


def _failures(artifacts: Iterable[Artifact]) -> tuple[GenerationFailure, ...]:
    return tuple(
        GenerationFailure(one.kind, one.pointer, one.step or "generate", one.reason or "no reason given")
        for one in artifacts
        if not one.proven
    )


def _signs(symbols: Iterable[Symbol]) -> dict[str, str]:
    """By pointer a hash of all symbols that come from it."""
    held: dict[str, list[Any]] = {}
    for one in symbols:
        sign = [one.name, one.kind, one.file, one.direction, dict(one.members), sorted(one.required)]
        held.setdefault(one.pointer, []).append(sign)
    for signs in held.values():
        if len(signs) > 1:
            signs.sort(key=orjson.dumps)
    return {
        pointer: sha256(orjson.dumps(signs, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]
        for pointer, signs in held.items()
    }


_NOT_LOOKED_AT = ("__pycache__", "node_modules")


def _files(folder: Path) -> Iterator[str]:
    """All files of a folder, relative to it; caches and what begins with a dot belong to tools."""
    for here, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NOT_LOOKED_AT)
        for name in sorted(names):
            if not name.startswith(".") and not name.endswith(".pyc"):
                yield Path(here, name).relative_to(folder).as_posix()


def _prune(folder: Path, top: Path) -> None:
    """Removes folders that are empty now, below the target's own."""
    while folder != top and top in folder.parents and folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


# --- while one edits -------------------------------------------------------------------------------------------------

EVERY_S = 0.3
"""Seconds between two looks at the files of the document."""


def watched(settings: Settings) -> tuple[Path, ...]:
    """The files that a change of the generated code may come from: those of the document, and the config file."""
    found = [settings.cwd / path for path in settings.documents]
    for item in settings.types or ():
        if item.path is None:
            continue
        path = manifest.path_of(settings.cwd / item.path)
        try:
            held = manifest.read(path).targets.get(item.name)
        except ContractError:
            continue  # the run says what is wrong with it
        found += [path.parent / name for name in (held.files if held is not None else ()) if "://" not in name]
    if settings.config is not None:
        found.append(settings.cwd / settings.config)
    return tuple(dict.fromkeys(Path(os.path.abspath(path)) for path in found))


def watch(load: Callable[[], Settings], tell: Callable[[Settings], None]) -> None:
    """Calls `tell` now and each time that a file of the document has changed, until Ctrl-C."""
    while True:
        settings = load()
        before = _stamps(watched(settings))
        tell(settings)
        gc.unfreeze()
        gc.collect()  # while nobody waits for it
        # What belongs to the document may be another set of files now; what changed meanwhile is seen at once.
        files = watched(settings)
        before = {path: before.get(path, stamp) for path, stamp in _stamps(files).items()}
        while True:
            time.sleep(EVERY_S)
            now = _stamps(files)
            if now != before:
                before = now
                time.sleep(EVERY_S)  # an editor may still be writing
                if _stamps(files) == now:
                    break


def _stamps(files: Iterable[Path]) -> dict[Path, tuple[int, int, int] | None]:
    out: dict[Path, tuple[int, int, int] | None] = {}
    for path in files:
        try:
            found = path.stat()
        except OSError:
            out[path] = None
        else:
            out[path] = found.st_mtime_ns, found.st_size, found.st_ino
    return out

"""What a generator made of the contract: files, symbols with their pointers, and the proof per operation and component."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from contract.core.evidence import Artifact


@dataclass(frozen=True, slots=True)
class Symbol:
    """One name of the generated code that a user of the client may type, and where in the document it comes from."""

    name: str  # "Task", "list_tasks", "AsyncClient"
    kind: str  # "model", "operation", "client", "error"
    pointer: str  # `#/components/schemas/Task`, or `GET /tasks/{id}`, as in Artifact
    file: str  # relative to the target's folder
    direction: str = ""
    """Who fills the type, which decides what is breaking: "request", "response", "both"; "" where nobody does."""
    members: Mapping[str, str] = field(default_factory=dict)
    """Member or argument to its type as the generated code writes it; what an operation gives is `return`."""
    required: frozenset[str] = frozenset()
    """Members that must be given."""


@dataclass(frozen=True, slots=True)
class Generated:
    """All that one run of a generator gave."""

    artifacts: tuple[Artifact, ...]
    """One per operation and component: proven, or the step that failed and the reason."""
    symbols: tuple[Symbol, ...] = ()
    files: tuple[str, ...] = ()
    """All files that belong to the target, relative to its folder, sorted."""
    notes: tuple[str, ...] = ()
    """What the reader must know: a fallback that was used, an operation that is expressed less well (pointer: reason)."""


# --- while it is made -------------------------------------------------------------------------------------------------


@contextmanager
def uncollected() -> Iterator[None]:
    """While a tree of millions of nodes grows, of which none is garbage: looking for some is a tenth of the time.

    What is there afterwards is not looked at again (`gc.freeze`): it goes with the last that refers to it.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()


@contextmanager
def collected() -> Iterator[None]:
    """Within `uncollected`, what takes long and leaves garbage: a proof."""
    enabled = gc.isenabled()
    gc.freeze()
    gc.enable()
    try:
        yield
    finally:
        if not enabled:
            gc.disable()

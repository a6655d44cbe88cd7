"""What a generator made of the contract: files, symbols with their pointers, and the proof per operation and component."""

from __future__ import annotations

from collections.abc import Mapping
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

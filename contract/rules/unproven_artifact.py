"""Is the generated code of every component and operation proven?"""

from __future__ import annotations

from collections.abc import Iterator

from contract.core import rule
from contract.core.evidence import Artifact
from contract.core.finding import Fix, Level, Mismatch, Where, fold

_STEPS = {
    "generate": "the generator cannot express it",
    "import": "the generated module cannot be imported",
    "examples": "the generated type refuses an example of the document",
    "values": "the generated type refuses a value that keeps its schema, or takes one that breaks it",
    "refusal": "the type checker lets a wrong use of it pass",
    "typecheck": "the generated code does not pass the type checker",
    "call": "a call through the client does not send what the document declares",
    "again": "a second run gives other code",
}


@rule.generated(Artifact, "unproven-artifact", Level.ERROR)
def unproven_artifact(artifact: Artifact) -> Iterator[Mismatch]:
    """A component or operation of the document has no generated code that is proven to work.

    A generator's exit code says little: it may leave out what it cannot express and still report success. So the code is
    imported, every component and operation is looked up in it, values of the document and made ones are read by it and
    written again, broken ones are refused, each operation is called once on a server of our own, and strict type
    checkers run over all of it. An operation is proven when all types that it needs are.

    **Why it matters**: clients are built on these types; a missing or wrong one is found by whoever calls it first.

    **How to fix**: mostly the schema says something that no type can hold (a discriminator that maps one value to two
    schemas, a default of another type than its property). Say it in a simpler way, or correct the example that is refused.
    """
    if artifact.proven:
        return
    step = artifact.step or "generate"
    said = _STEPS.get(step, f"it fails at `{step}`")
    yield Mismatch(
        where=Where(),
        declared=artifact.pointer,
        observed=f"{artifact.target}: {said}",
        message=f"{artifact.target}: {said}" + (f": {artifact.reason}" if artifact.reason else ""),
        keyword=step,
        component=artifact.pointer if artifact.kind == "component" else None,
        name=artifact.target if artifact.kind == "component" else f"{artifact.target} {fold(artifact.pointer)}",
        fix=Fix(document="say it in a way that a type can hold, or correct the example that is refused"),
    )

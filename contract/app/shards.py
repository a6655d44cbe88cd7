"""The one seam where work is spread: shards in, parts out, parts added up. In turn, or in a pool of processes.

The JSON Schema validator holds the interpreter's lock, so the unit of scale is the process. Whatever runs shards
elsewhere (a cluster) needs `work`, which can be pickled, and the sum of its parts, in any order.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Protocol, TypeVar

S = TypeVar("S")


@contextmanager
def unhurried_collector() -> Iterator[None]:
    """While it lasts, garbage is collected rarely: bodies hold no cycles, and looking for some costs a tenth of judging.

    What is there already (the document, the validators) is not looked at again.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


class Part(Protocol):
    """What a shard comes to: it adds up, in any order."""

    def __add__(self: P, other: P) -> P: ...


P = TypeVar("P", bound=Part)


def map_merge(
    shards: Sequence[S], work: Callable[[S], P], *, jobs: int = 1, done: Callable[[P], None] = lambda part: None
) -> P | None:
    """The sum of `work` over all shards; None if there is none. `done` is told each part as it comes.

    With `jobs` above 1, `work` and the shards are pickled; a worker's exception is raised here, and the rest is left.
    """
    total: P | None = None
    if jobs < 2 or len(shards) < 2:
        for shard in shards:
            part = work(shard)
            done(part)
            total = part if total is None else total + part
        return total
    # Not forked: a fork copies the locks of threads (the progress display) that do not exist in the child.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(shards)), mp_context=context) as pool:
        futures = [pool.submit(work, shard) for shard in shards]
        try:
            for future in as_completed(futures):
                part = future.result()
                done(part)
                total = part if total is None else total + part
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return total

"""Files of lines: in shards that together are the whole, and as they grow."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.core.errors import SourceError
from contract.core.evidence import Exchange, Lost
from contract.sources.traffic import _lines, ndjson


def line(number: int) -> bytes:
    return b'{"method":"GET","url":"/%d"}\n' % number


def told(each: Exchange | Lost) -> str:
    return f"{each.request.url} {each.origin}" if isinstance(each, Exchange) else f"{each.heading} {each.place}"


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.sampled_from([line(1), line(22), b"\n", b"\xff\n", b"{\r\n", b" " * 50 + b"\n"]), max_size=20),
    rest=st.sampled_from([b"", b"{}", line(3)[:-1]]),
    edges=st.lists(st.integers(0, 700), max_size=6),
)
def test_any_cut_into_spans_gives_each_line_once_with_its_number_in_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], rest: bytes, edges: list[int]
) -> None:
    path = tmp_path_factory.mktemp("t") / "t.ndjson"
    path.write_bytes(b"".join(lines) + rest)
    where, size = str(path), path.stat().st_size
    cuts = [0, *sorted(min(edge, size) for edge in edges), size]
    parts = [each for start, end in itertools.pairwise(cuts) for each in ndjson.exchanges(where, span=(start, end))]
    assert parts == list(ndjson.exchanges(where))


def test_spans_cover_the_file_evenly(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_bytes(line(1) * 120_000)
    size = path.stat().st_size
    spans = ndjson.spans(str(path), 3)
    assert spans == [(0, size // 3), (size // 3, size * 2 // 3), (size * 2 // 3, size)]
    assert sum(1 for span in spans for _ in ndjson.exchanges(str(path), span=span)) == 120_000
    path.write_bytes(line(1))
    assert ndjson.spans(str(path), 8) == [(0, len(line(1)))]
    path.write_bytes(b"")
    assert (ndjson.spans(str(path), 8), list(ndjson.exchanges(str(path), span=(0, 0)))) == ([(0, 0)], [])


def test_a_packed_file_is_one_span_and_is_not_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson.gz"
    path.write_bytes(b"x" * (9 << 20))
    assert ndjson.spans(str(path), 8) == [(0, 9 << 20)]
    with pytest.raises(SourceError, match="a packed file cannot be read in parts"):
        list(ndjson.exchanges(str(path), span=(0, 1)))
    with pytest.raises(SourceError, match="a packed file does not grow"):
        list(ndjson.follow(str(path), stop=lambda: True))


class Following:
    """A reader in a thread, and what it found so far."""

    def __init__(self, path: Path, stop: threading.Event | Callable[[], bool]) -> None:
        self.found: list[str] = []
        self.thread = threading.Thread(target=self.run, args=(ndjson.follow(str(path), stop=stop, wait_s=0.01),))
        self.thread.start()

    def run(self, found: Iterator[Exchange | Lost]) -> None:
        for each in found:
            self.found.append(told(each))

    def until(self, number: int) -> None:
        deadline = time.monotonic() + 10
        while len(self.found) < number and time.monotonic() < deadline:
            time.sleep(0.005)


def test_a_growing_file_is_followed_through_half_lines_rotation_and_truncation(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_bytes(line(1) + line(2)[:10])
    stop = threading.Event()
    reader = Following(path, stop)
    try:
        reader.until(1)
        with path.open("ab") as file:
            file.write(line(2)[10:] + b"{\n" + line(3))
        reader.until(4)
        # Rotation: the old file is still written to after it was moved.
        old = path.rename(tmp_path / "t.ndjson.1")
        with old.open("ab") as file:
            file.write(line(4))
        reader.until(5)
        path.write_bytes(line(5))
        reader.until(6)
        # Copied away and emptied, then written to again.
        path.write_bytes(b"")
        time.sleep(0.1)
        with path.open("ab") as file:
            file.write(line(6) + line(7)[:-1])
        reader.until(7)
        time.sleep(0.05)
    finally:
        stop.set()
        reader.thread.join(10)
    assert reader.found == [
        f"/1 {path}:1",
        f"/2 {path}:2",
        f"line is not JSON {path}:3",
        f"/3 {path}:4",
        f"/4 {path}:5",
        f"/5 {path}:1",
        f"/6 {path}:1",
        f"/7 {path}:2",  # without a line feed: taken when the following ends
    ]


def test_a_line_that_a_truncation_cuts_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_bytes(line(1) + line(2)[:20])
    turns = iter(range(3))

    def stop() -> bool:
        turn = next(turns)
        if turn == 1:
            path.write_bytes(line(3))
        return turn == 2

    assert [told(each) for each in ndjson.follow(str(path), stop=stop, wait_s=0)] == [
        f"/1 {path}:1",
        f"file was cut in the middle of a line {path}:2",
        f"/3 {path}:1",
    ]


def test_following_ends_when_it_is_told_to_and_reads_what_is_there_first(tmp_path: Path) -> None:
    path = tmp_path / "t.ndjson"
    path.write_bytes(line(1) + line(2)[:-2])
    assert [told(each) for each in ndjson.follow(str(path), stop=lambda: True)] == [
        f"/1 {path}:1",
        f"line is not JSON {path}:2",
    ]
    with pytest.raises(SourceError, match=r"none\.ndjson: No such file"):
        list(ndjson.follow(str(tmp_path / "none.ndjson"), stop=lambda: True))


def test_a_long_line_of_a_followed_file_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lines, "LINE_CAP", 1 << 20)
    monkeypatch.setattr(_lines, "_BLOCK", 1 << 16)
    path = tmp_path / "t.ndjson"
    path.write_bytes(b"x" * (2 << 20) + b"\n" + line(2))
    assert [told(each) for each in ndjson.follow(str(path), stop=lambda: True)] == [
        f"line is longer than 1 MB {path}:1",
        f"/2 {path}:2",
    ]

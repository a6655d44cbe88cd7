"""Routes of a Rails application (5 to 8): `--routes rails:routes.txt` reads what `rails routes --expanded` prints.

`-` is standard input: `bin/rails routes --expanded | contract check --routes rails:- …`. What is printed before the list
is skipped. Routes of an engine stand in a section of their own, and are served below the path that it is mounted at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from contract.core.errors import SourceError
from contract.core.evidence import Route
from contract.core.routing import ANY, mark, parse
from contract.sources.routes._file import read, seen

HINT = "bin/rails routes --expanded > routes.txt"

_SECTION = re.compile(r"\[ Routes for (\S+) \]")
_BEGINS = re.compile(r"--\[ Route \d+ \]-+")
_FIELD = re.compile(r"(Prefix|Verb|URI|Controller#Action|Source Location) *\| ?(.*)")
_NEEDED = frozenset({"Verb", "URI", "Controller#Action"})
_OF_RAILS = ("rails/", "active_storage/", "action_mailbox/", "turbo/")
"""Controllers that Rails brings."""

_Row = tuple[int, str, dict[str, str]]
"""Line, section and fields of a route."""


def routes(where: str) -> list[Route]:
    """Every route, in the order of the list; raises SourceError where it is none, or is cut.

    The format at the end, `(.:format)`, is left out, as nobody documents it. HEAD, which Rails answers beside GET,
    redirects, what Rails itself serves, and whatever is below a mounted application of another kind are implied.
    """
    text = read(where, HINT)
    rows = list(_rows(where, text))
    if not rows:
        raise SourceError(f"{where}: holds no list of `rails routes --expanded`{_table(text)}", HINT)
    mounts = _mounts(rows)
    found = [route for row in rows for route in _routes(where, row, mounts)]
    return mark([*found, *_heads(found)])


def _table(text: str) -> str:
    """What it is instead: most likely the table, which is cut at the width of a terminal."""
    if re.search(r"(?m)^ *Prefix +Verb +URI", text):
        return "; it is the table of `rails routes` without it"
    return seen(text, "rails")


def _rows(where: str, text: str) -> Iterator[_Row]:
    section, begun = "", 0
    fields: dict[str, str] = {}
    name = ""

    def ended() -> Iterator[_Row]:
        if begun and not fields.keys() >= _NEEDED:
            raise SourceError(f"{where}:{begun}: the list breaks off in the middle of this route", HINT)
        if begun:
            yield begun, section, dict(fields)

    for number, line in enumerate(text.splitlines(), 1):
        title = _SECTION.fullmatch(line.strip())
        if title is None and not _BEGINS.fullmatch(line.strip()):
            if (field := _FIELD.fullmatch(line)) is not None:
                name = field[1]
                fields[name] = field[2].strip()
            elif begun and name and line.startswith((" ", "|")):  # a value that is wrapped
                fields[name] += line.strip().removeprefix("|").strip()
            continue
        yield from ended()
        fields.clear()
        begun, name = (number if title is None else 0), ""
        section = title[1] if title is not None else section
    yield from ended()


def _mounts(rows: list[_Row]) -> Mapping[str, str]:
    """By engine the path that it is mounted at; engines in engines are mounted where theirs are."""
    sections = {section for _, section, _ in rows}
    own = {
        row["Controller#Action"]: (section, row["URI"])
        for _, section, row in rows
        if row["Controller#Action"] in sections
    }

    def path(engine: str, above: tuple[str, ...] = ()) -> str:
        if engine not in own or engine in above:
            return ""
        outer, at = own[engine]
        return path(outer, (*above, engine)) + at.rstrip("/")

    return {section: path(section) for section in sections}


def _routes(where: str, row: _Row, mounts: Mapping[str, str]) -> Iterator[Route]:
    number, section, fields = row
    action, _, shown = fields["Controller#Action"].partition(" {")
    if not fields["URI"].startswith(("/", "(")):
        raise SourceError(f"{where}:{number}: `{fields['URI']}` is no path", HINT)
    spelled = mounts[section] + fields["URI"]
    file, line = _place(fields.get("Source Location", ""))
    verbs = [verb.strip().upper() for verb in fields["Verb"].split("|") if verb.strip()] or [ANY]
    implied = action.startswith(("redirect(", *_OF_RAILS))
    name = fields.get("Prefix") or None
    if "#" not in action and not action.startswith("redirect("):
        # An engine's own routes are listed; any other application answers whatever it likes.
        if action not in mounts:
            for template in (*parse(spelled), *parse(spelled.rstrip("/") + "/*path")):
                yield Route(ANY, template.path, spelled, "rails", template.spans, file, line, name, implied=True)
        return
    for template in parse(_constrained(spelled, shown)):
        for verb in verbs:
            yield Route(verb, template.path, spelled, "rails", template.spans, file, line, name, implied)


def _constrained(spelled: str, shown: str) -> str:
    """The path with a star for the segments whose constraint, `:path=>/.+/`, lets them span slashes."""
    for name, pattern in re.findall(r":(\w+)=>/((?:\\.|[^/\\])*)/", shown):
        try:
            spans = re.fullmatch(pattern, "a/b") is not None
        except re.error:  # Ruby's own syntax
            spans = False
        if spans:
            spelled = re.sub(rf":{name}\b", f"*{name}", spelled)
    return spelled


def _heads(found: list[Route]) -> Iterator[Route]:
    written = {(route.method, route.path) for route in found}
    for route in found:
        if route.method == "GET" and ("HEAD", route.path) not in written and (ANY, route.path) not in written:
            yield Route("HEAD", route.path, route.spelled, "rails", route.spans, implied=True)


def _place(text: str) -> tuple[str | None, int | None]:
    """File and line, which Rails 7.1 and later show: `config/routes.rb:12`."""
    found = re.fullmatch(r"(.+):(\d+)", text)
    return (found[1], int(found[2])) if found is not None else (None, None)

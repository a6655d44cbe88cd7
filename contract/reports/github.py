"""GitHub annotations: workflow commands that mark the lines of a pull request, printed by a step of a job.

GitHub shows ten of each kind for a step and drops the others without a word, so the tenth says how many there are.
"""

from __future__ import annotations

from contract.core.report import FindingRow, Report, Verdict
from contract.reports import _marks as marks
from contract.reports import _words as words
from contract.reports._words import visible

MEDIA_TYPE = "text/plain"
SUFFIX = ".txt"

LIMIT = 10
"""Annotations of one kind that GitHub shows for a step."""
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_TITLE = 250


def render(report: Report) -> str:
    """A line for each new finding, worst first; nothing where there is nothing new and the run has its verdict."""
    lines: dict[str, list[str]] = {command: [] for command in _COMMANDS.values()}
    if marks.is_undecided(report):
        where = marks.first_line(report)
        lines["error"].append(
            _line("error", where.file, where.line, "contract: no verdict", [marks.no_verdict(report)])
        )
    else:
        for source in report.sources:
            if source.verdict is Verdict.ERROR:
                said = f"{source.name} failed to measure: {source.message or source.detail}"
                lines["error"].append(_line("error", None, None, "contract", [words.cut(visible(said), 400)]))
    for finding in report.findings:
        if finding.state in ("new", "regressed"):
            command = _COMMANDS.get(finding.level, "notice")
            lines[command].append(_of(report, finding, command))
    return "".join(line for command, said in lines.items() for line in _at_most(command, said))


def _at_most(command: str, lines: list[str]) -> list[str]:
    if len(lines) <= LIMIT:
        return lines
    more = len(lines) - LIMIT + 1
    rest = f"and {words.plural(more, command)} more: the job summary and the HTML report have all of them"
    return [*lines[: LIMIT - 1], _line(command, None, None, "contract", [rest])]


def _of(report: Report, finding: FindingRow, command: str) -> str:
    where = marks.place(report, finding)
    text = [*marks.facts(finding), *(f"fix {fix}" for fix in marks.fixes(finding))]
    return _line(command, where.file, where.line, f"{finding.rule}: {marks.headline(finding)}", text)


def _line(command: str, file: str | None, line: int | None, title: str, text: list[str]) -> str:
    properties = {"file": file, "line": line, "endLine": line, "title": words.cut(visible(title), _TITLE)}
    said = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None)
    message = _data("\n".join(text))
    return f"::{command} {said}::{message}\n"


def _data(text: str) -> str:
    """What the runner turns back into the text; a percent sign goes first, or it would escape the others."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(visible(text)).replace(":", "%3A").replace(",", "%2C")

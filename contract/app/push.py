"""`contract push`: a JSON report to the service; sent again while the service is busy, which changes nothing twice.

It is sent by the client that is generated from the service's own document (specs/service.yaml), as anybody's would be.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from contract.core.errors import ConfigError, ContractError, MissingExtra, TargetError

if TYPE_CHECKING:
    import httpx2

TRIES = 6
LONGEST_WAIT_S = 60.0
VARIABLE = "CONTRACT_TOKEN"


@dataclass(frozen=True)
class Push:
    """What goes where. The token comes from a file or the environment: a command line can be read by everybody."""

    report: Path
    url: str
    project: str
    token: str
    timeout_s: float = 60.0


def read(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Push:
    """What was typed, and the token; raises ConfigError for what is missing."""
    url, project = str(flags.get("to") or ""), str(flags.get("project") or "")
    if not url:
        raise ConfigError("no service is named", "say `--to https://contract.example.com`")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--to: `{parts.scheme or url[:40]}` is no http(s) URL", "such as http://127.0.0.1:8080")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError("--to: a plain URL is meant, without user, query or fragment")
    if not project:
        raise ConfigError("no project is named", "say `--project NAME`")
    return Push(Path(flags["report_file"]), url.rstrip("/"), project, _token(flags.get("token_file"), environ))


def _token(file: str | None, environ: Mapping[str, str]) -> str:
    if file is not None:
        try:
            token = Path(file).read_text("ascii").strip()
        except OSError as error:
            raise ConfigError(f"{file}: {(error.strerror or str(error)).lower()}") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{file}: holds no token") from error
        where = file
    else:
        token, where = environ.get(VARIABLE, "").strip(), f"the variable {VARIABLE}"
    if not token:
        raise ConfigError(
            f"{where} holds no token" if file is not None else "there is no token",
            f"set {VARIABLE}, or say `--token-file FILE`; `contract token create` makes one",
        )
    if not token.startswith("ctr_") or not token.isascii() or not token.isprintable() or " " in token:
        raise ConfigError(f"{where} holds no token of the service", "one begins with `ctr_`")
    return token


def push(
    what: Push, *, note: Callable[[str], None] = lambda _: None, sleep: Callable[[float], None] = time.sleep
) -> str:
    """Sends the report, and gives a sentence about it; raises ContractError that says what to do."""
    generated = client()
    try:
        body = what.report.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{what.report}: {(error.strerror or str(error)).lower()}",
            "`contract check --format json=report.json` writes one",
        ) from error
    # Byte for byte: a run's id stands for one report, and another spelling of it would be another one.
    call = generated.api.reports.push_report(project=what.project, body=generated.Raw(body))
    with generated.Client(what.url, auth={"bearer": what.token}, timeout=what.timeout_s, retries=0) as service:
        for left in reversed(range(TRIES)):
            try:
                answer = service.answer(call).response
            except (generated.UndeclaredStatus, generated.DecodeError) as error:
                answer = error.response  # of something before our service, or in its place
            except generated.RequestError as error:
                raise ConfigError(str(error)) from error
            except generated.TransportError as error:
                answer = None
                failed = f"{what.url} cannot be reached: {_reason(error.__cause__ or error)}"
                wait_s = _pause(left)
            if answer is not None:
                if answer.status_code not in (408, 429, 503):
                    return _told(answer, what)
                failed = f"{what.url} answered {answer.status_code}: {_detail(answer)}"
                wait_s = _retry_after(answer, left)
            if not left:
                raise TargetError(failed, f"tried {TRIES} times; the report is unchanged, push it again later")
            note(f"{failed}; trying again in {wait_s:g} s")
            sleep(wait_s)
    raise AssertionError("the last try returns or raises")


def client() -> Any:
    """The generated client of our own service: with the distribution it lies beside this file, in a checkout not."""
    name = "contract.app.client"
    if name in sys.modules:
        return sys.modules[name]
    if importlib.util.find_spec("pydantic") is None:
        raise MissingExtra("pushing a report", "push", "pydantic")
    here = Path(__file__).parent
    folder = next(each for each in (here / "client", here.parents[1] / "generated" / "python") if each.is_dir())
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        importlib.import_module(f"{name}.api.reports")
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _pause(left: int) -> float:
    """Longer from try to try: 0.5 s, 1 s, 2 s …"""
    return float(0.5 * 2 ** (TRIES - 1 - left))


def _retry_after(answer: httpx2.Response, left: int) -> float:
    told = answer.headers.get("retry-after", "")
    return min(LONGEST_WAIT_S, float(told)) if told.isascii() and told.isdecimal() else _pause(left)


def _told(answer: httpx2.Response, what: Push) -> str:
    if answer.status_code in (200, 201):
        value = _object(answer)
        kept = "kept" if answer.status_code == 201 else "was there already"
        run = str(value.get("run_id", ""))
        return f"report {run} {kept}: {what.url}{value.get('href', '')}"
    detail = _detail(answer)
    said = f"{what.report}: the service refused it ({answer.status_code}): {detail}"
    match answer.status_code:
        case 401:
            raise ConfigError(
                said, f"is the token whole, and not revoked or expired? {VARIABLE} or --token-file has it"
            )
        case 403:
            raise ConfigError(said, "make one: `contract token create --project NAME --scope write`")
        case 404:
            raise ConfigError(
                f"{what.url}: no project `{what.project}` that this token may see, or no service of contract",
                "the token belongs to another project, or --to or --project is misspelt",
            )
        case 409:
            raise ConfigError(said, "each run needs an id of its own; a report that was sent is not changed")
        case 413:
            raise ConfigError(said)
        case 400 | 422:
            errors = _object(answer).get("errors") or []
            first = [f"{one.get('pointer')}: {one.get('detail')}" for one in errors[:3] if isinstance(one, dict)]
            raise ConfigError(said, "; ".join(first) or "push the file that `--format json=report.json` wrote")
    if 300 <= answer.status_code < 400:
        raise ConfigError(f"{what.url} leads elsewhere ({answer.status_code})", "name the address that it leads to")
    raise ContractError(said)


def _detail(answer: httpx2.Response) -> str:
    detail = _object(answer).get("detail")
    return detail if isinstance(detail, str) else "no problem details; is this the service?"


def _object(answer: httpx2.Response) -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _reason(error: BaseException) -> str:
    return str(error).partition("\n")[0] or type(error).__name__

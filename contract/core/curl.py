"""The line that repeats a request in a terminal, with variables where its secrets were masked."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from urllib.parse import unquote, unquote_plus

from contract.core.redact import MASK, sensitive
from contract.core.report import Example

# Names that a shell uses itself; a query parameter called `path` must not become them.
_TAKEN = frozenset(
    {"PATH", "HOME", "USER", "SHELL", "PWD", "IFS", "LANG", "UID", "HOSTNAME", "TERM", "RANDOM", "SECONDS"}
)

# What curl makes itself, from the body and the URL; sent along it would be wrong as soon as a variable is filled in.
_OWN = frozenset({"content-length", "host", "transfer-encoding", "connection"})


_LONGEST = 2048  # of a body that still stands in the line


def _is_noise(name: str, value: str) -> bool:
    """True for what any client sends of itself, and says nothing of the finding."""
    name, value = name.lower(), value.strip().lower()
    return (
        name in _OWN
        or name == "x-schemathesis-testcaseid"
        or (name == "accept" and value == "*/*")
        or (name == "user-agent" and value.startswith(("schemathesis/", "python-", "contract/")))
    )


def curl(example: Example, origin: str, *, insecure: bool = False) -> str:
    """One line for bash that sends the request again to `origin`, `http://127.0.0.1:8000`.

    With `insecure` it takes any certificate, as the run did.

    Masked credentials are variables to be set before (`$TOKEN`, `$X_API_KEY`); other masked values stay as they are
    shown. A body that was shortened, is long, is binary or holds NUL is read from a file, `body.bin`.
    """
    request = example.request
    target = request.url if "://" in request.url.partition("?")[0] else origin.rstrip("/") + request.url
    words = ["curl", "-k"] if insecure and target.startswith("https:") else ["curl"]
    if request.method == "HEAD":
        words.append("-I")
    elif request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", _literal(request.method)]
    if re.search(r"[\[\]{}]", target):
        words.append("-g")  # else curl reads brackets as a range of URLs
    if re.search(r"/\.{1,2}(?:/|$)", target.partition("?")[0]):
        words.append("--path-as-is")
    typed = False
    for name, value in request.headers:
        if name.lower() == "accept-encoding" and value.strip().lower() in (
            "gzip",
            "gzip, deflate",
            "gzip, deflate, br",
        ):
            words.append("--compressed")  # the same to the server, and curl shows what it unpacked
        elif not _is_noise(name, value):
            typed = typed or name.lower() == "content-type"
            words += ["-H", _quoted(_header(name, value, f"header:{name.lower()}" in request.masked))]
    if request.body is not None:
        if not typed:
            words += ["-H", "Content-Type:"]  # else curl adds that of a form
        long = len(request.body) > _LONGEST
        if long or "\0" in request.body or shortened(request.body, request.body_bytes):
            words += ["--data-binary", "@body.bin"]
        else:
            words += ["--data-raw", _literal(request.body)]
    return " ".join([*words, _quoted(_url(target, request.masked))])


def shortened(body: str, size: int) -> bool:
    """True if the shown body is not the one that was sent, apart from what was masked in it."""
    if re.fullmatch(r"\[[\d,]+ bytes of [^\]]+\]", body):
        return True
    return "…" in body and len(body.encode("utf-8", "replace")) < size


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str


_Word = list[str | _Variable]


def _header(name: str, value: str, masked: bool) -> _Word:
    """`Authorization: Bearer $TOKEN`; a cookie's variable is the whole header, as a browser's tools copy it."""
    lower = name.lower()
    if not value.strip():
        return [f"{name};"]  # curl's way to write a header with an empty value
    if masked and lower == "cookie":
        return [f"{name}: ", _Variable("COOKIE")]
    variable = {"authorization": "TOKEN", "proxy-authorization": "PROXY_TOKEN"}.get(lower) or _shell_name(name)
    return [f"{name}: ", *_filled(value, variable, masked and sensitive(name))]


def _url(url: str, masked: tuple[str, ...]) -> _Word:
    path, mark, query = url.partition("#")[0].partition("?")
    login, at, rest = path.partition(f"{MASK}@")
    word: _Word = [login, _Variable("LOGIN"), "@"] if at else []
    word += _filled(rest if at else path, "ID", False)
    for index, pair in enumerate(query.split("&")) if mark else ():
        name, equals, value = pair.partition("=")
        variable = "TOKEN" if "token" in name.lower() else _shell_name(unquote(name))
        secret = f"query:{unquote_plus(name)}" in masked and sensitive(unquote_plus(name))
        word += ["&" if index else "?", name + equals, *_filled(value, variable, secret)]
    return word


def _filled(value: str, variable: str, whole: bool) -> _Word:
    """The value with a variable for each mask in it; nothing but the variable if its stand-in has another form."""
    if whole and MASK not in value:
        return [_Variable(variable)]
    word: _Word = []
    for index, piece in enumerate(value.split(MASK)):
        word += [_Variable(variable), piece] if index else [piece]
    return word


def _shell_name(name: str) -> str:
    variable = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "VALUE"
    return f"VALUE_{variable}" if variable in _TAKEN or variable[0].isdigit() else variable


def _quoted(word: _Word) -> str:
    """One word of a shell."""
    text = "".join(piece for piece in word if isinstance(piece, str))
    if not any(isinstance(piece, _Variable) for piece in word):
        return _literal(text)
    if re.search(r"[\x00-\x1f\x7f!]", text):  # an interactive bash expands `!` inside double quotes
        return "".join(
            f'"${piece.name}"' if isinstance(piece, _Variable) else _literal(piece) for piece in word if piece
        )
    out = ""
    for index, piece in enumerate(word):
        if isinstance(piece, str):
            out += re.sub(r'([\\"`$])', r"\\\1", _plain(piece))
        else:
            following = next((each for each in word[index + 1 :] if isinstance(each, str) and each), "")
            out += f"${{{piece.name}}}" if re.match(r"\w", following) else f"${piece.name}"
    return f'"{out}"'


def _literal(value: str) -> str:
    if not re.search(r"[\x00-\x1f\x7f]", value):
        return shlex.quote(_plain(value))
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", "'": r"\'"}
    # ANSI-C quoting of bash, zsh and ksh. Octal with three digits, because `\x1` would swallow a digit that follows.
    return (
        "$'"
        + "".join(named.get(c) or (f"\\{ord(c):03o}" if c < " " or c == "\x7f" else c) for c in _plain(value))
        + "'"
    )


def _plain(value: str) -> str:
    """Without lone surrogates, which no encoding can write."""
    return value.encode("utf-8", "replace").decode()

"""The line that repeats a request in a terminal, with variables where its secrets were masked."""

from __future__ import annotations

import re
import shlex

from contract.core.redact import EMAIL, MASK
from contract.core.report import Example

# Names that a shell uses itself; a query parameter called `path` must not become them.
_TAKEN = frozenset({"PATH", "HOME", "USER", "SHELL", "PWD", "IFS", "LANG", "UID", "HOSTNAME", "TERM", "RANDOM", "SECONDS"})

# What curl makes itself, from the body and the URL; sent along it would be wrong as soon as a variable is filled in.
_OWN = frozenset({"content-length", "host", "transfer-encoding", "connection"})


def curl(example: Example, origin: str) -> str:
    """One line for a POSIX shell (bash where a value holds control characters) that sends the request to `origin`.

    Masked credentials are variables to be set before (`$TOKEN`, `$X_API_KEY`); other masked values stay as they are
    shown. A body that was shortened or is binary is read from `body.bin`.
    """
    request = example.request
    target = request.url if "://" in request.url.partition("?")[0] else origin.rstrip("/") + request.url
    words = ["curl"]
    if request.method == "HEAD":
        words.append("-I")
    elif request.method != ("GET" if request.body is None else "POST"):
        words += ["-X", _quoted(request.method)]
    if re.search(r"[\[\]{}]", target):
        words.append("-g")  # else curl reads brackets as a range of URLs
    typed = False
    for name, value in request.headers:
        if name.lower() in _OWN:
            continue
        typed = typed or name.lower() == "content-type"
        # `Name;` is curl's way to write a header with an empty value.
        line = f"{name}: {value}" if value.strip() else f"{name};"
        words += ["-H", _quoted(line, _variable(name, value))]
    if request.body is not None:
        if not typed:
            words += ["-H", "'Content-Type;'"]  # else curl adds that of a form
        if shortened(request.body, request.body_bytes):
            words += ["--data-binary", "@body.bin"]
        else:
            words += ["--data-raw", _quoted(request.body)]
    words.append(_url(target))
    return " ".join(words)


def shortened(body: str, size: int) -> bool:
    """True if the shown body is not the one that was sent, apart from what was masked in it."""
    if re.fullmatch(r"\[[\d,]+ bytes of [^\]]+\]", body):
        return True
    return "…" in body and len(body.encode("utf-8", "replace")) < size


def _variable(name: str, value: str) -> str | None:
    """The variable that stands for the masked value of a header; None if nothing in it is masked."""
    if MASK not in value:
        return None
    named = {"authorization": "TOKEN", "proxy-authorization": "PROXY_TOKEN", "cookie": "COOKIE"}
    return named.get(name.lower()) or _shell_name(name)


def _shell_name(name: str) -> str:
    variable = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "VALUE"
    return f"{variable}_VALUE" if variable in _TAKEN or variable[0].isdigit() else variable


def _url(url: str) -> str:
    path, mark, query = url.partition("?")
    path = path.partition("#")[0]
    query = query.partition("#")[0]
    pieces = [_quoted(path.replace(f"{MASK}@", "$LOGIN@", 1), "LOGIN") if f"://{MASK}@" in path else _masked(path, "ID")]
    if mark:
        pieces.append("'?'")
        for index, pair in enumerate(query.split("&")):
            name, equals, value = pair.partition("=")
            variable = "TOKEN" if "token" in name.lower() else _shell_name(name)
            pieces.append(_quoted(("&" if index else "") + name + equals))
            if value:
                pieces.append(_masked(value, variable))
    return _joined(pieces)


def _masked(value: str, variable: str) -> str:
    return _quoted(value, variable if MASK in value else None)


def _joined(pieces: list[str]) -> str:
    """Neighbouring quoted words as one, where both are quoted in the same way."""
    out = ""
    for piece in pieces:
        if piece == "''" and (out or len(pieces) > 1):
            continue
        if out.endswith("'") and piece.startswith("'") and not out.endswith(r"\'"):
            out = out[:-1] + piece[1:]
        elif out and re.fullmatch(r"[\w./:%&=+,@~-]+", piece) and out.endswith("'"):
            out = out[:-1] + piece + "'"
        else:
            out += piece
    return out


def _quoted(value: str, variable: str | None = None) -> str:
    """The value as one word of a shell, with the mask in it replaced by `$variable`."""
    if variable:
        escaped = re.sub(r'([\\"`$])', r"\\\1", value)
        return '"' + escaped.replace(MASK, f"${variable}").replace(f"\\${variable}", f"${variable}") + '"'
    if re.search(r"[\x00-\x1f\x7f]", value):
        # ANSI-C quoting; NUL cannot be in an argument at all, so it is shown and ends the value there.
        return "$'" + "".join(_ansi(char) for char in value) + "'"
    if any("\ud800" <= char <= "\udfff" for char in value):
        value = value.encode("utf-8", "replace").decode()
    return shlex.quote(value)


def _ansi(char: str) -> str:
    named = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", "'": r"\'"}
    if char in named:
        return named[char]
    return f"\\x{ord(char):02x}" if char < " " or char == "\x7f" else char


__all__ = ["EMAIL", "curl", "shortened"]

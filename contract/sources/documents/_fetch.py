"""What a `$ref` names on the network: fetched where the user allowed its address, and nowhere else."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import IO
from urllib.parse import unquote, urlsplit

from contract.sources.documents._bundle import Fail

TIMEOUT_S = 20.0
MOST_BYTES = 64 * 1024 * 1024


def fetched(url: str, allowed: Sequence[str], fail: Fail) -> bytes:
    """The bytes at the address; raises what `fail` makes where it is not allowed, or cannot be had."""
    if not _below(url, allowed):
        parts = urlsplit(url)
        hint = "save what it names beside the document and point to that file"
        if parts.scheme in ("http", "https"):
            hint += f", or allow it: `--allow-ref {parts.scheme}://{parts.netloc}/`"
        raise fail("nothing is fetched from the network unless it is allowed", hint)

    class Redirects(urllib.request.HTTPRedirectHandler):
        """Follows a redirect only to where the first request might have gone too."""

        def redirect_request(
            self,
            req: urllib.request.Request,
            fp: IO[bytes],
            code: int,
            msg: str,
            headers: http.client.HTTPMessage,
            newurl: str,
        ) -> urllib.request.Request | None:
            if not _below(newurl, allowed):
                raise fail(f"it redirects to {newurl}, which is not allowed", "point to that address, and allow it")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    request = urllib.request.Request(url, headers={"Accept": "application/yaml, application/json, */*;q=0.5"})
    try:
        with urllib.request.build_opener(Redirects).open(request, timeout=TIMEOUT_S) as answer:
            data: bytes = answer.read(MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        raise fail(f"the server answers {error.code} {error.reason}", None) from None
    except (OSError, http.client.HTTPException) as error:  # URLError and TimeoutError are OSErrors
        reason = getattr(error, "reason", error)
        raise fail(f"cannot be fetched: {getattr(reason, 'strerror', None) or reason}", None) from None
    if len(data) > MOST_BYTES:
        raise fail(f"it is longer than {MOST_BYTES >> 20} MiB", None)
    return data


def _below(url: str, allowed: Sequence[str]) -> bool:
    """True if an allowed address is the URL, or its beginning up to the end of a part: `https://a.example` is not
    that of `https://a.example.org`, and no `..` leads out."""
    if ".." in unquote(urlsplit(url).path).split("/"):
        return False
    return any(
        url == entry or (url.startswith(entry) and (entry.endswith(("/", "?")) or url[len(entry)] in "/?"))
        for entry in allowed
    )

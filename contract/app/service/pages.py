"""Pages for people: the drift report, and the way in by a token."""

from __future__ import annotations

import base64
import hashlib
import html as markup
import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from contract.app.service import bodies
from contract.app.service.access import CHALLENGE, COOKIE, SIGNED_IN_S, now, only, same_site, session, text
from contract.app.service.problems import Problem
from contract.core.report import Report

if TYPE_CHECKING:
    from contract.app.service.drift import Drift


def drift_page(drift: Drift, report: Report) -> tuple[bytes, dict[str, str]]:
    """The page of a drift report, and the headers that keep it from doing anything but being read."""
    from contract.reports import html

    page = html.render(report)
    page = page.replace("</main>", f"{_ways(drift)}</main>", 1)
    return page.encode("utf-8", "backslashreplace"), _guard(_policy(page))


def _ways(drift: Drift) -> str:
    """Where to go from here: to what comes next, and out."""
    links = []
    if drift.findings.next is not None:
        asked = {name: value for name, value in drift.asked.items() if name != "cursor"}
        query = urlencode({"environment": drift.environment, **asked, "cursor": drift.findings.next})
        links.append(f'<a rel="next" href="?{markup.escape(query)}">The next {len(drift.findings)} findings</a>')
    if "cursor" in drift.asked:
        query = urlencode({"environment": drift.environment, **{k: v for k, v in drift.asked.items() if k != "cursor"}})
        links.append(f'<a rel="first" href="?{markup.escape(query)}">From the beginning</a>')
    said = "".join(f"<p>{link}</p>" for link in links)
    return (
        f'<nav aria-label="Pages">{said}<form method="post" action="/sign-out"><button>Sign out</button></form></nav>'
    )


def _guard(policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'; form-action 'self'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


def _policy(page: str) -> str:
    """By their hashes the one style and the one script that the page holds."""
    parts = ["default-src 'none'", "base-uri 'none'"]
    for element, directive in (("style", "style-src"), ("script", "script-src")):
        found = re.search(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        hashed = (
            base64.b64encode(hashlib.sha256(found[1].encode("utf-8", "backslashreplace")).digest()).decode()
            if found
            else None
        )
        parts.append(f"{directive} 'sha256-{hashed}'" if hashed else f"{directive} 'none'")
    return "; ".join(parts)


# --- sign-in ----------------------------------------------------------------------------------------------------------

router = APIRouter()

_STYLE = """\
:root { color-scheme: light dark; --paper: light-dark(#fbfbfa, #121416); --sheet: light-dark(#fff, #191c1f);
  --ink: light-dark(#171a1d, #e7e9eb); --ink-2: light-dark(#484f57, #b3b9c0); --edge: light-dark(#858d96, #747c86);
  --line: light-dark(#e0e2e5, #2b3035); --focus: light-dark(#0a549e, #86b9f7); --drift: light-dark(#a01a15, #ffa39a) }
body { margin: 0; padding: 0 1rem; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { box-sizing: border-box; max-width: 28rem; margin: 12vh auto 0; padding: 1.5rem; background: var(--sheet);
  border: 1px solid var(--line); border-radius: 4px }
h1 { margin: 0 0 .75rem; font-size: 1.25rem } p { margin: 0 0 1rem; color: var(--ink-2) }
p[role=alert] { color: var(--drift) } label { font-weight: 600 }
input, button { box-sizing: border-box; display: block; width: 100%; font: inherit; padding: .6rem .7rem; border-radius: 3px }
input { margin: .25rem 0 1rem; color: inherit; background: var(--paper); border: 1px solid var(--edge) }
button { margin: 0 0 1rem; color: #fff; background: light-dark(#0a549e, #2c5f96); border: 0; cursor: pointer }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px }
"""
"""The tokens are those of the report's stylesheet."""


@router.get("/sign-in")
def sign_in(request: Request) -> Response:
    only(request, ("next",))
    return form(text(request, "next", 2000), 200)


@router.post("/sign-in")
async def signed_in(request: Request) -> Response:
    only(request, ())
    if not same_site(request):
        raise Problem(403, "a form of another site cannot sign anybody in")
    raw = await bodies.read(request, bodies.SMALL, "application/x-www-form-urlencoded")
    try:
        said = dict(parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=10))
    except ValueError:
        raise Problem(400, "the form cannot be read") from None
    secret = said.get("token", "").strip()
    token = await run_in_threadpool(request.app.state.store.check_token, secret, now())
    if token is None:
        return form(said.get("next"), 401, "This token does not hold. Is it whole, and neither revoked nor expired?")
    return Response(
        status_code=303, headers=_cookie(request, session(secret, now()), SIGNED_IN_S, here(said.get("next")))
    )


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    only(request, ())
    return Response(status_code=303, headers=_cookie(request, "", 0, "/sign-in"))


def _cookie(request: Request, value: str, age_s: int, location: str) -> dict[str, str]:
    secure = "; Secure" if request.app.state.config.secure_cookies else ""
    return {
        "Location": location,
        "Set-Cookie": f"{COOKIE}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}",
        "Cache-Control": "no-store",
    }


def here(path: str | None) -> str:
    """Where a form may lead: a path of this service, never another site."""
    parts = urlsplit(path or "")
    plain = re.fullmatch(r"/[!-~]*", path or "") and "\\" not in (path or "")
    return path or "" if plain and not parts.scheme and not parts.netloc else "/sign-in"


def form(target: str | None, status: int, said: str = "") -> Response:
    """The page that asks for a token; works without script."""
    told = f'<p role="alert">{markup.escape(said)}</p>' if said else ""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Sign in · contract</title>'
        f"<style>{_STYLE}</style></head><body><main><h1>Sign in</h1>{told}"
        '<form method="post" action="/sign-in"><label for="token">Token</label>'
        '<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>'
        f'<input type="hidden" name="next" value="{markup.escape(here(target))}"><button>Sign in</button></form>'
        "<p>A token begins with <code>ctr_</code>; <code>contract token create</code> makes one.</p></main></body></html>"
    )
    headers = {**_guard(_policy(page)), "Cache-Control": "no-store"}
    return Response(page.encode(), status, headers | (CHALLENGE if status == 401 else {}), "text/html; charset=utf-8")

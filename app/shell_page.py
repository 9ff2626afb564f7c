"""The shell's one HTML page: Streamlit's own, with our name, our address for its server, and honest status codes.

Streamlit answers every unknown path with this page and 200. On a page's own address it first looks for its server
beneath it (/medical/_stcore/health) and logs errors when that is not there; told the address, it asks once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.safety.scopes import path, state, without
from app.settings import ROOT
from components.theme.page import first_paint

_LOG = structlog.get_logger("vitrine.shell_page")
_ADDRESS = '<script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin + "/" }</script>'
_NOSCRIPT = "<noscript><p>Vitrine needs JavaScript. Programs use its HTTP API: /api/openapi.json.</p></noscript>"
_BODY = re.compile(rb"<body[^>]*>")
_SHEET = re.compile(rb'<link rel="stylesheet"[^>]*>')
_THEIRS = ("/_stcore/", "/static/", "/media/", "/component/")
_FRESH = b"private, no-store"  # a link that was withdrawn must not open from a cache
_CONDITIONAL = ("if-none-match", "if-modified-since", "range")  # they would be about Streamlit's file, not about ours

FirstSight = Callable[[str, Mapping[str, str], str], str]  # page, its query, visitor -> HTML of what they open, or none


def shell_html() -> str:
    """Streamlit's page with our changes."""
    from streamlit.file_util import get_static_dir

    page = (Path(get_static_dir()) / "index.html").read_text(encoding="utf-8")
    page = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
    page = re.sub(r"<link\s+rel=\"preload\".*?/>", "", page, flags=re.DOTALL)  # a typeface that we do not use
    page = re.sub(r"<link rel=\"service-desc\".*?/>", "", page)  # the agent API, which is off
    page = re.sub(r"<noscript>.*?</noscript>", _NOSCRIPT, page, flags=re.DOTALL)
    page = page.replace("<title>Streamlit</title>", f"<title>Vitrine</title>{_ADDRESS}")
    page = page.replace(
        '"shortcut icon" href="./favicon.png"', '"icon" type="image/svg+xml" href="/assets/brand/mark.svg"'
    )
    page = page.replace("</head>", first_paint() + "</head>")
    page = page.replace('="./', '="/')  # the page is also sent for addresses with more than one part
    return re.sub(r"\n\s*\n+", "\n", page).lstrip()


class ShellPage:
    """Streamlit's application with our page in place of its own.

    names: first parts of the addresses that are pages; anything else is the page with 404.
    first_sight: what goes before everything else in the page, while the application starts in the browser.
    """

    def __init__(self, app: ASGIApp, page: str, names: frozenset[str], first_sight: FirstSight) -> None:
        self._app = app
        self._page = page.encode()
        self._names = names
        self._first_sight = first_sight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http" or path(scope).startswith(_THEIRS):
            await self._app(scope, receive, send)
            return
        scope["headers"] = without(scope, *_CONDITIONAL, "accept-encoding")
        asked = path(scope).strip("/")
        known = asked.split("/")[0] in self._names
        replaced = False

        async def send_ours(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                replaced = message["status"] == 200 and _is_html(message)
                if replaced:
                    page, headers = await self._page_for(scope, asked)
                    await send({"type": "http.response.start", "status": 200 if known else 404, "headers": headers})
                    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else page})
            if not replaced:
                await send(message)

        await self._app(scope, receive, send_ours)

    async def _page_for(self, scope: Scope, asked: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        """The page with its headers, for who asks."""
        first = ""
        if scope["method"] == "GET" and asked in self._names and scope["query_string"]:
            query = dict(parse_qsl(scope["query_string"].decode("latin-1"), errors="replace"))
            try:
                first = await run_in_threadpool(self._first_sight, asked, query, state(scope)["visitor"])
            except Exception:  # noqa: BLE001 - a bug in what only saves a wait must not cost the page itself
                _LOG.exception("first_sight_failed")
        page = _beginning_with(first.encode(), self._page) if first else self._page
        kind = (b"content-type", b"text/html; charset=utf-8")
        kept = (b"cache-control", _FRESH if first else b"no-cache")
        return page, [kind, (b"content-length", str(len(page)).encode()), kept]


def _beginning_with(first: bytes, page: bytes) -> bytes:
    """The page with `first` before everything else that is seen.

    Streamlit's stylesheet comes behind it. In the head it would be waited for: from the page's last byte to the first
    paint it took 0.52 to 0.91 s with it there, 0.26 to 0.48 s without (eight times each, taking turns).
    """
    sheets = b"".join(_SHEET.findall(page))
    return _BODY.sub(lambda body: body[0] + first + sheets, _SHEET.sub(b"", page), count=1)


def page_names(playgrounds: Iterable[str] = (), folder: Path = ROOT / "pages") -> frozenset[str]:
    """The addresses of the shell's pages: the playgrounds, the files of the pages folder, and the front page."""
    files = (file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
    return frozenset({"", *playgrounds, *files} - {"home"})


def _is_html(message: Message) -> bool:
    return any(key == b"content-type" and value.startswith(b"text/html") for key, value in message["headers"])

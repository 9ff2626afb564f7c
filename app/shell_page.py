"""The shell's one HTML page: Streamlit's own, with our name, our address for its server, and honest status codes.

Streamlit answers every unknown path with this page and 200. On a page's own address it first looks for its server
beneath it (/medical/_stcore/health) and logs errors when that is not there; told the address, it asks once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.safety.scopes import path, without
from app.settings import ROOT
from components.theme.page import first_paint

_ADDRESS = '<script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin + "/" }</script>'
_NOSCRIPT = "<noscript><p>Vitrine needs JavaScript. Programs use its HTTP API: /api/openapi.json.</p></noscript>"
_THEIRS = ("/_stcore/", "/static/", "/media/", "/component/")
_CONDITIONAL = ("if-none-match", "if-modified-since", "range")  # they would be about Streamlit's file, not about ours


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
    """

    def __init__(self, app: ASGIApp, page: str, names: frozenset[str]) -> None:
        self._app = app
        self._page = page.encode()
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] != "http" or path(scope).startswith(_THEIRS):
            await self._app(scope, receive, send)
            return
        scope["headers"] = without(scope, *_CONDITIONAL, "accept-encoding")
        known = path(scope).strip("/").split("/")[0] in self._names
        replaced = False

        async def send_ours(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                replaced = message["status"] == 200 and _is_html(message)
                if replaced:
                    await send(
                        {"type": "http.response.start", "status": 200 if known else 404, "headers": self._headers}
                    )
                    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else self._page})
            if not replaced:
                await send(message)

        await self._app(scope, receive, send_ours)

    @property
    def _headers(self) -> list[tuple[bytes, bytes]]:
        length = str(len(self._page)).encode()
        kind = (b"content-type", b"text/html; charset=utf-8")
        return [kind, (b"content-length", length), (b"cache-control", b"no-cache")]


def page_names(playgrounds: Iterable[str] = (), folder: Path = ROOT / "pages") -> frozenset[str]:
    """The addresses of the shell's pages: the playgrounds, the files of the pages folder, and the front page."""
    files = (file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))
    return frozenset({"", *playgrounds, *files} - {"home"})


def _is_html(message: Message) -> bool:
    return any(key == b"content-type" and value.startswith(b"text/html") for key, value in message["headers"])

"""Requests made by other sites' pages are refused: reads, uploads, queue joins and WebSockets alike.

A browser sends Origin with every WebSocket, every unsafe request and every cross-origin fetch. Stock Gradio stores an
upload from a foreign Origin and, away from localhost, lets any site read its answers with the visitor's cookie; stock
Streamlit accepts a WebSocket without Origin.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from app.answers import Answer, refuse
from app.safety.scopes import UNSAFE, header, replace

_FOREIGN = Answer(
    403,
    "foreign_origin",
    "This request came from another site's page and was refused.",
    "Open Vitrine itself, or add the site to VITRINE_ALLOWED_ORIGINS.",
)
_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443"}


class Origins:
    """Refuses what comes from a page of an origin that is neither ours nor in `allowed`."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        self._app = app
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] in ("http", "websocket") and not self._may_come_in(scope):
            await refuse(_FOREIGN, scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may_come_in(self, scope: Scope) -> bool:
        origin = header(scope, "origin")
        if not origin:
            return scope["type"] == "http" and not _is_foreign_form(scope)
        if is_same(origin, header(scope, "host")):
            return True
        if origin.rstrip("/").lower() not in self._allowed:
            return False
        if scope["type"] == "websocket":
            # Streamlit checks again, and would ask a service on the internet for our address to compare with.
            replace(scope, "origin", f"{_web(scope)}://{header(scope, 'host')}")
        return True


def is_same(origin: str, host: str) -> bool:
    """Whether an Origin header names the Host that was asked.

    The scheme is not compared: behind a proxy that is not trusted we do not know ours. 'null' is never the same.
    """
    try:
        parts = urlsplit(origin.lower())
        port = str(parts.port or _PORTS.get(parts.scheme, ""))
        asked = urlsplit(f"{parts.scheme}://{host.lower()}")
        asked_port = str(asked.port or _PORTS.get(parts.scheme, ""))
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.hostname, port) == (asked.hostname, asked_port)


def _is_foreign_form(scope: Scope) -> bool:
    """An unsafe request without Origin that a browser says was made by another site (an old form, a redirect)."""
    return scope["method"] in UNSAFE and header(scope, "sec-fetch-site") in ("cross-site", "same-site")


def _web(scope: Scope) -> str:
    return "https" if scope["scheme"] in ("https", "wss") else "http"

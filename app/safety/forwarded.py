"""X-Forwarded-* headers: applied when there is a proxy that we were told to trust, else removed.

Gradio builds addresses from them, so a client could otherwise choose where the page's links point.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.safety.scopes import header, replace, without

_HEADERS = (
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "x-gradio-server",
    "x-direct-url",
)


class Forwarded:
    """Sets scheme, host and client from the proxy's headers when `trusted`; otherwise drops them."""

    def __init__(self, app: ASGIApp, trusted: bool) -> None:
        self._app = app
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] in ("http", "websocket"):
            if self._trusted:
                _apply(scope)
            else:
                scope["headers"] = without(scope, *_HEADERS)
        await self._app(scope, receive, send)


def _apply(scope: Scope) -> None:
    """The last entry of a list is what the nearest proxy, the one we trust, wrote itself."""
    scheme = _last(header(scope, "x-forwarded-proto"))
    if scheme in ("http", "https"):
        scope["scheme"] = scheme if scope["type"] == "http" else {"http": "ws", "https": "wss"}[scheme]
    host = _last(header(scope, "x-forwarded-host"))
    if host:
        replace(scope, "host", host)
    client = _last(header(scope, "x-forwarded-for"))
    if client:
        scope["client"] = (client, 0)


def _last(value: str) -> str:
    return value.rsplit(",", 1)[-1].strip()

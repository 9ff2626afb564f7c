"""Who is visiting: reads the signed cookie, or makes a visitor and gives the cookie with the first page.

The new cookie is also put into the request that is being answered, so that the first page already knows its visitor.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.safety.scopes import cookies, header, is_api, is_mcp, path, replace, state
from backends.core.identity import COOKIE, Identity

_MAX_AGE = 400 * 24 * 3600  # seconds; browsers keep no cookie longer
_NO_VISITOR = ("/api/health", "/api/ready", "/api/metrics")  # machines ask these, again and again


class Visitors:
    """Sets state 'visitor' (the id) and 'visitor_is_new' for everything behind it."""

    def __init__(self, app: ASGIApp, identity: Identity) -> None:
        self._app = app
        self._identity = identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] not in ("http", "websocket") or path(scope) in _NO_VISITOR:
            await self._app(scope, receive, send)
            return
        visitor = self._identity.read(cookies(scope))
        state(scope)["visitor_is_new"] = visitor is None
        if visitor is not None:
            state(scope)["visitor"] = visitor
            await self._app(scope, receive, send)
            return
        state(scope)["visitor"], value = self._identity.issue()
        others = "; ".join(part for part in header(scope, "cookie").split("; ") if not part.startswith(f"{COOKIE}="))
        replace(scope, "cookie", f"{others}; {COOKIE}={value}".lstrip("; "))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start" and (_is_page(message) or is_api(scope) or is_mcp(scope)):
                line = cookie_line(value, scope["scheme"] == "https")
                message = {**message, "headers": [*message.get("headers", ()), (b"set-cookie", line.encode())]}
            await send(message)

        await self._app(scope, receive, send_with_cookie)


def cookie_line(value: str, secure: bool) -> str:
    """The Set-Cookie header. secure: over HTTPS, where it must also work inside a third-party frame (CHIPS)."""
    where = "Secure; SameSite=None; Partitioned" if secure else "SameSite=Lax"
    return f"{COOKIE}={value}; Path=/; Max-Age={_MAX_AGE}; HttpOnly; {where}"


def _is_page(message: Message) -> bool:
    return any(key.lower() == b"content-type" and value.startswith(b"text/html") for key, value in message["headers"])

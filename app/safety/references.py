"""Around everything: a reference id for every request, one log line for it, and a plain 500 for what nobody caught.

Logged are method, route pattern, status, milliseconds and a prefix of the visitor's hash: no query, no file name, no
id in a path, no content.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.answers import FAILED, refuse
from app.safety.scopes import is_api, state
from backends.core.digest import sha256

_LOG = structlog.get_logger("vitrine.request")
_QUIET = ("/static", "/assets", "/_stcore/health", "/api/health", "/api/metrics", "/api/ready")

Observe = Callable[[str, str, int, float], None]  # method, route, status, seconds


class References:
    """Gives each request its id (header X-Request-Id, state 'reference') and says how it ended.

    observe: told (method, route, status, seconds) of each request, for the metrics.
    """

    def __init__(self, app: ASGIApp, observe: Observe) -> None:
        self._app = app
        self._observe = observe

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        reference = secrets.token_hex(6)
        state(scope)["reference"] = reference
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(reference=reference)
        watch = _Watch(send, reference)
        began = time.perf_counter()
        try:
            await self._app(scope, receive, watch)
        except Exception:  # the last boundary: logged with the reference that the client is shown
            _LOG.exception("request_failed", route=route_of(scope))
            if watch.status and not watch.whole:
                raise  # the answer has begun: only cutting the connection says that it is not whole
            if not watch.status:
                await refuse(FAILED, scope, receive, watch)
        finally:
            self._tell(scope, watch.status, time.perf_counter() - began)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        method = scope.get("method", "WEBSOCKET")
        route = route_of(scope)
        self._observe(method, route, status, seconds)
        level = _LOG.debug if route.startswith(_QUIET) or route.endswith("/assets") else _LOG.info
        visitor = state(scope).get("visitor", "")
        level(
            "request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            visitor=sha256(visitor.encode())[:8] if visitor else "",
        )


class _Watch:
    """Passes messages on, adds the reference header, and remembers the status, and whether the answer is whole."""

    def __init__(self, send: Send, reference: str) -> None:
        self._send = send
        self._header = (b"x-request-id", reference.encode())
        self.status = 0
        self.whole = False

    async def __call__(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start":
                self.status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), self._header]}
            case "http.response.body":
                self.whole = not message.get("more_body", False)
            case "websocket.accept":
                self.status = 101
            case "websocket.close" if not self.status:
                self.status = 403
        await self._send(message)


def route_of(scope: Scope) -> str:
    """The pattern of the address, with nothing in it that names a person, a run, a session or a file."""
    pattern = getattr(scope.get("route"), "path_format", "")
    if is_api(scope) and pattern:  # a route of the API, which is mounted there
        return f"/api{pattern}"
    parts = [part for part in scope["path"].split("/") if part]
    match parts:
        case []:
            return "/"
        case ["api", *_]:
            return "/api/{unknown}"
        case ["play", _, "gradio_api", what, *_]:
            return f"/play/{{name}}/gradio_api/{_word(what)}"
        case ["play", _, what, *_]:
            return f"/play/{{name}}/{_word(what)}"
        case ["play", *_]:
            return "/play/{name}"
        case ["mcp"]:
            return "/mcp"
        case ["_stcore", what, *_]:
            return f"/_stcore/{_word(what)}"
        case ["static" | "media" | "component" as what, *_]:
            return f"/{what}"
        case _:
            return "/{page}"


_WORDS = frozenset(
    """assets static config theme.css queue upload upload_progress heartbeat info call cancel reset stream health
    host-config upload_file bidi-components component_server""".split()  # noqa: SIM905 - a list would be 17 lines
)


def _word(part: str) -> str:
    """The part, where it is one of a known few: else an address made up by a client would become a metric's label."""
    if part.startswith("file="):
        return "file"
    return part if part in _WORDS else "{other}"

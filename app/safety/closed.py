"""Stock routes that we do not need are closed; of Gradio's, only those that its page and its client use stay open.

Closed are, among others: deep_link (a snapshot of any session whose hash is known), monitoring, the reverse proxy,
run history, 'vibe' editing, `file=` with a web address (SSRF and open redirects), Streamlit's metrics and agent API.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from app.answers import Answer, refuse
from app.safety.scopes import path

_CLOSED = Answer(404, "not_found", "There is nothing at this address.", "See /api/openapi.json for what there is.")

_PLAY = re.compile(
    r"^/play/[a-z0-9_-]+"
    r"(/?|/(assets|static|svelte)/.+|/config/?|/theme\.css|/manifest\.json|/favicon\.ico|/robots\.txt|/pwa_icon(/\d+)?"
    r"|/gradio_api/(queue/(join|data|status)|upload|upload_progress|heartbeat/\w+|cancel|reset/?|info/?|app_id/?"
    r"|startup-events|theme\.css|call/[\w/.-]+|component_server/?|stream/[\w/.-]+|file=.+))$"
)
_SHELL = re.compile(r"^/_stcore/(metrics|agent|script-health-check)(/|$)|^/(auth|oauth2callback)(/|$)")
_ADDRESS = re.compile(r"^\s*(\w+:)?[/\\]{2}|^\s*\w{2,}:|://")  # //host, \\host, scheme:


class Closed:
    """Answers 404 (JSON) for closed routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] in ("http", "websocket") and is_closed(path(scope)):
            await refuse(_CLOSED, scope, receive, send)
            return
        await self._app(scope, receive, send)


def is_closed(asked: str) -> bool:
    """Whether nothing is served at this (decoded) path."""
    if "\0" in asked or asked == "/api":
        return True
    if asked == "/play" or asked.startswith("/play/"):
        return _PLAY.match(asked) is None or _names_an_address(asked)
    return _SHELL.match(asked) is not None


def _names_an_address(asked: str) -> bool:
    """Whether the part behind `file=` is a web or network address, however often it was escaped."""
    _, found, target = asked.partition("/gradio_api/file=")
    for _ in range(3):
        if found and _ADDRESS.search(target):
            return True
        target = unquote(target)
    return False

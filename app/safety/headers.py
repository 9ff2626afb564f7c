"""Security headers on every answer of both halves, and the nonce that lets a playground's own scripts run.

Four policies: the API's allows nothing; Streamlit's allows its bundle and the one inline script of its page, by hash;
that of the slides likewise, and no other address than our own; Gradio's allows inline scripts that the server itself
wrote, by a nonce that is new with every page.
Neither framework sets any of these headers. See https://www.w3.org/TR/CSP3/.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.safety.scopes import is_api, is_mcp, is_play, is_present, state

_COMMON = (
    "default-src 'self'",
    "style-src 'self' 'unsafe-inline'",  # both frameworks write style elements at run time
    "img-src 'self' data: blob:",
    "media-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
)
_API = ("default-src 'none'", "base-uri 'none'", "form-action 'none'", "sandbox")
_PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_SCRIPT = re.compile(rb"<script(?=[\s>])")


class Headers:
    """Adds the headers. frame_ancestors: origins that may show us in a frame, besides ourselves.

    shell_page: Streamlit's HTML. play_scripts: script elements of ours that Gradio's page adds once it runs.
    present_scripts: those of the slides.
    """

    def __init__(
        self,
        app: ASGIApp,
        frame_ancestors: tuple[str, ...],
        shell_page: str,
        play_scripts: str = "",
        present_scripts: str = "",
    ) -> None:
        self._app = app
        framed = " ".join(("frame-ancestors 'self'", *frame_ancestors))
        hashes = " ".join(inline_hashes(shell_page))
        self._play_hashes = " ".join(inline_hashes(play_scripts))
        self._api = "; ".join((*_API, "frame-ancestors 'none'"))
        # blob: Streamlit imports the script of a component of the second kind from a blob of its own.
        self._shell = "; ".join((*_COMMON, framed, f"script-src 'self' blob: {hashes}"))
        self._play = "; ".join((*_COMMON, framed))
        allowed = " ".join(("script-src 'self'", *inline_hashes(present_scripts)))
        self._present = "; ".join((*_COMMON, framed, "frame-src 'self'", allowed))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; WebSockets have no such headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        extra = [(name, value.encode()) for name, value in self._headers(scope)]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                ours = {name for name, _ in extra}
                kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in ours]
                message = {**message, "headers": [*kept, *extra]}
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _headers(self, scope: Scope) -> tuple[tuple[bytes, str], ...]:
        return (
            (b"content-security-policy", self._policy(scope)),
            (b"x-content-type-options", "nosniff"),
            (b"referrer-policy", "same-origin"),  # a session's link is a secret
            (b"permissions-policy", _PERMISSIONS),
            (b"cross-origin-resource-policy", "same-origin"),
        )

    def _policy(self, scope: Scope) -> str:
        if is_api(scope) or is_mcp(scope):
            return self._api
        if is_present(scope):
            return self._present
        if not is_play(scope):
            return self._shell
        nonce = state(scope)["nonce"] = secrets.token_urlsafe(16)
        # unsafe-eval: Gradio compiles the `js=` of an event with new Function.
        return f"{self._play}; script-src 'self' 'nonce-{nonce}' 'unsafe-eval' {self._play_hashes}"


class Nonces:
    """Writes the request's nonce into each script element of a playground's page, the only HTML behind this layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not is_page(scope["path"]):
            await self._app(scope, receive, send)
            return
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]  # we edit the text
        page = _Page(send, state(scope)["nonce"].encode())
        await self._app(scope, receive, page.receive)


class _Page:
    """Collects one HTML answer, edits it, and sends it on; anything that is not HTML passes."""

    def __init__(self, send: Send, nonce: bytes) -> None:
        self._send = send
        self._nonce = nonce
        self._start: Message = {}
        self._body = b""

    async def receive(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if (b"content-type", b"text/html; charset=utf-8") in message["headers"]:
                self._start = message
                return
        elif self._start:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._flush()
            return
        await self._send(message)

    async def _flush(self) -> None:
        body = _SCRIPT.sub(b'<script nonce="' + self._nonce + b'"', self._body)
        kept = [pair for pair in self._start["headers"] if pair[0] != b"content-length"]
        sized = [*kept, (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-store")]
        await self._send({**self._start, "headers": sized})
        await self._send({"type": "http.response.body", "body": body})


def is_page(asked: str) -> bool:
    """Whether the path is a playground's page: /play/<name>."""
    return re.fullmatch(r"/play/[a-z0-9_-]+/?", asked) is not None


def inline_hashes(page: str) -> list[str]:
    """The CSP hash of each inline script of an HTML page."""
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(page))
    return [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]

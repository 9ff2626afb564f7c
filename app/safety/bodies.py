"""How much a request may carry, enforced while it streams in: too much is answered 413 before it is kept."""

from __future__ import annotations

from contextlib import suppress

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.answers import Answer, refuse
from app.safety.scopes import header, path
from backends.core.limits import MIB

_MULTIPART = 1 * MIB  # boundaries, part headers and the file's name around the file itself
_SMALL = 4 * MIB  # JSON: control values, not pictures


class Bodies:
    """Refuses bodies over the cap. upload_bytes: the cap of one uploaded file; archive_bytes: of a session's archive.

    Other requests may carry 4 MiB.
    """

    def __init__(self, app: ASGIApp, upload_bytes: int, archive_bytes: int) -> None:
        self._app = app
        self._upload_bytes = upload_bytes
        self._archive_bytes = archive_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        cap = self._cap(scope)
        declared = header(scope, "content-length")
        if declared.isdecimal() and int(declared) > cap:
            await refuse(_too_large(cap), scope, receive, send)
            return
        count = _Count(receive, send, cap)
        with suppress(_BodyTooLarge):  # told below, whatever a framework makes of it
            await self._app(scope, count.receive, count.send)
        if count.over and not count.started:
            await refuse(_too_large(cap), scope, receive, send)

    def _cap(self, scope: Scope) -> int:
        if is_archive(scope):
            return self._archive_bytes  # streamed to disk; the visitor's quota decides what of it can stay
        return self._upload_bytes + _MULTIPART if is_upload(scope) else _SMALL


class _BodyTooLarge(OSError):
    """Raised into whoever reads the body; an OSError, because multipart parsers clean their files up on those."""


class _Count:
    """Counts what is read; once it is too much, nothing the application answers goes out."""

    def __init__(self, receive: Receive, send: Send, cap: int) -> None:
        self._receive = receive
        self._send = send
        self._left = cap
        self.over = False
        self.started = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.over = True
            raise _BodyTooLarge("the request's body is over its cap")
        return message

    async def send(self, message: Message) -> None:
        if not self.started and _is_bare_413(message):
            self.over = True  # Gradio's and Streamlit's own limit, told in plain text
        if self.over and not self.started:
            return
        self.started = True
        await self._send(message)


def _is_bare_413(message: Message) -> bool:
    return message.get("status") == 413 and (b"content-type", b"application/json") not in message["headers"]


def is_upload(scope: Scope) -> bool:
    """Whether the request brings a file: to the API, to a playground, or to Streamlit."""
    asked = path(scope)
    return (
        asked.rstrip("/") == "/api/inputs"
        or is_archive(scope)
        or asked.startswith("/_stcore/upload_file/")
        or (asked.startswith("/play/") and asked.endswith("/gradio_api/upload"))
    )


def is_archive(scope: Scope) -> bool:
    """Whether the request brings a session's archive."""
    return path(scope).rstrip("/") == "/api/sessions/archive"


def _too_large(cap: int) -> Answer:
    return Answer(413, "too_large", f"This is more than {cap // MIB} MiB.", "Choose a smaller file.")

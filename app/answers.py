"""The one shape of every JSON error: {"error": {code, message, hint, field, reference}}.

Routes raise errors of backends.core; guards refuse before any route is reached. Both are told the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from backends.core.errors import Busy, VitrineError


@dataclass(frozen=True)
class Answer:
    """What a client is told when something cannot be done.

    status: of HTTP. code: one word for programs. message, hint: one plain sentence each. field: the control it is
    about. retry_after: seconds, where trying again makes sense.
    """

    status: int
    code: str
    message: str
    hint: str = ""
    field: str = ""
    retry_after: float | None = None

    @classmethod
    def to(cls, error: VitrineError) -> Answer:
        """The answer to one of our errors."""
        wait = error.retry_after if isinstance(error, Busy) else None
        return cls(error.status, error.code, error.sentence, error.hint, error.field, wait)

    def body(self, reference: str) -> dict[str, Any]:
        """The JSON body."""
        told = {"code": self.code, "message": self.message, "hint": self.hint, "field": self.field}
        # A name that a client made up may hold half a character (a lone surrogate), which is no UTF-8.
        clean = {name: text.encode("utf-8", "replace").decode() for name, text in told.items()}
        return {"error": {**clean, "reference": reference}}

    def response(self, reference: str) -> JSONResponse:
        """The whole response."""
        headers = {"Cache-Control": "no-store"}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        return JSONResponse(self.body(reference), self.status, headers)


FAILED = Answer(
    500,
    "internal_error",
    "Something went wrong on our side.",
    "Try again; if it stays, tell the people who run this server the reference.",
)


async def refuse(answer: Answer, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer in place of the application: JSON for a request, a closed door (403) for a WebSocket."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": answer.message[:120]})
        return
    await answer.response(reference_of(scope))(scope, receive, send)


def reference_of(scope: Scope) -> str:
    """The reference id of the request that is being answered; empty outside of one."""
    reference: str = scope.get("state", {}).get("reference", "")
    return reference

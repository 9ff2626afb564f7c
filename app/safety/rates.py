"""How often one visitor may upload and submit: a token bucket each; beyond it 429 with Retry-After.

A visitor without a cookie is counted by address, or dropping the cookie would be a way around.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from app.answers import Answer, refuse
from app.safety.bodies import is_upload
from app.safety.scopes import is_mcp, path, state

_REMEMBERED = 20_000  # buckets; about 3 MB
_BURST_SECONDS = 5.0  # a bucket holds what comes in this time, and at least _BURST_LEAST
_BURST_LEAST = 20.0
_ADDRESS_SHARE = 50  # a classroom behind one address: as much as this many visitors
_SUBMITS = ("/gradio_api/queue/join", "/gradio_api/component_server")


@dataclass
class _Bucket:
    tokens: float
    seen: float


class Buckets:
    """Token buckets by key. per_second: how fast a bucket refills; clock: in seconds."""

    def __init__(self, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_second
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, share: float = 1.0) -> float:
        """Take one token; 0.0 when there was one, else seconds until there is. share: times the usual rate."""
        now = self._clock()
        rate = self._rate * share
        full = max(_BURST_LEAST, self._rate * _BURST_SECONDS) * share
        bucket = self._buckets.setdefault(key, _Bucket(full, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > _REMEMBERED:
            self._buckets.popitem(last=False)
        bucket.tokens = min(full, bucket.tokens + (now - bucket.seen) * rate)
        bucket.seen = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / rate
        bucket.tokens -= 1
        return 0.0


class Rates:
    """Counts uploads and submits per visitor and per address."""

    def __init__(self, app: ASGIApp, submits_per_second: float, uploads_per_minute: float) -> None:
        self._app = app
        self._submits = Buckets(submits_per_second)
        self._uploads = Buckets(uploads_per_minute / 60)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        buckets = self._which(scope)
        wait = _wait(buckets, scope) if buckets else 0.0
        if wait:
            hint = f"Try again in about {max(1, round(wait))} s."
            answer = Answer(429, "too_often", "You are asking faster than this server allows.", hint, retry_after=wait)
            await refuse(answer, scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _which(self, scope: Scope) -> Buckets | None:
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT"):
            return None
        if is_upload(scope):
            return self._uploads
        asked = path(scope)
        if (
            is_mcp(scope)
            or asked.startswith("/api/actions/")
            or asked.endswith(_SUBMITS)
            or "/gradio_api/call/" in asked
        ):
            return self._submits
        return None


def _wait(buckets: Buckets, scope: Scope) -> float:
    visitor, is_new = state(scope).get("visitor", ""), state(scope).get("visitor_is_new", True)
    address = (scope.get("client") or ("",))[0]
    by_visitor = 0.0 if is_new else buckets.take(f"visitor:{visitor}")
    return by_visitor or buckets.take(f"address:{address}", 1.0 if is_new else _ADDRESS_SHARE)

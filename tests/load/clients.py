"""One visitor as a browser is one: cookies, an origin, few connections. The tabs they open have files of their own.

Real HTTP to loopback only; every wait ends within PATIENCE.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Any
from urllib.parse import urlsplit

import httpx

PATIENCE = 60.0  # seconds until any wait is given up
LOOPBACK = ("127.0.0.1", "localhost")
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # loopback is plain HTTP; loading the CA store costs 20 ms a client
_ASSET = re.compile(r'(?:src|href)="([^"]+\.(?:js|css))"')


class Refused(Exception):
    """An answer that is not the one wanted: an HTTP status, an error event, an exception on the page."""


class Dropped(Exception):
    """A connection that ended before we ended it."""


class Visitor:
    """One browser profile: its cookies, its origin, its few connections."""

    def __init__(self, base: str) -> None:
        if urlsplit(base).hostname not in LOOPBACK:
            raise ValueError("load is only ever put on a server of this machine")
        self.base = base.rstrip("/")
        self.http = httpx.AsyncClient(
            base_url=self.base,
            verify=_NO_TLS,
            trust_env=False,
            timeout=PATIENCE,
            limits=httpx.Limits(max_connections=12, keepalive_expiry=2.0),  # the server closes after 5 s
            headers={"User-Agent": "Mozilla/5.0 (Vitrine load)", "Accept-Language": "en"},
        )

    async def __aenter__(self) -> Visitor:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.http.aclose()

    @property
    def cookies(self) -> str:
        """The Cookie header."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies.jar)

    async def get(self, path: str, **kwargs: Any) -> httpx.Response:
        """GET. Raises Refused unless the answer is a success, Dropped when the connection ends before it."""
        return await self._ask("GET", path, **kwargs)

    async def post(self, path: str, **kwargs: Any) -> httpx.Response:
        """POST with the Origin that a browser sends. Raises as `get`."""
        return await self._ask("POST", path, headers={"Origin": self.base}, **kwargs)

    async def page(self, path: str) -> str:
        """An HTML page and the scripts and style sheets that it names, as a browser with an empty cache asks for."""
        answer = await self.get(path, headers={"Accept": "text/html"})
        here = [str(answer.url.join(name)) for name in _ASSET.findall(answer.text)]
        await asyncio.gather(*(self.get(address) for address in here if address.startswith(self.base)))
        return answer.text

    async def _ask(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        try:
            answer = await self.http.request(method, path, **kwargs)
        except httpx.HTTPError as err:
            raise Dropped(f"{method} {path}: {err!r}") from err
        if not answer.is_success:
            raise Refused(f"{method} {answer.url.path}: {answer.status_code} {answer.text[:200]}")
        return answer

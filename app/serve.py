"""One uvicorn process for the application: tells it when the socket listens, and drains before it closes."""

from __future__ import annotations

import signal
import socket

import uvicorn

from app.server import Application
from app.settings import Settings

_CLOSE_WITHIN = 1  # seconds for open streams after the runs are drained; browsers connect again by themselves


class Server(uvicorn.Server):
    """A server whose stop is: take no more runs, let those that are going finish, then close."""

    def __init__(self, app: Application, settings: Settings, *, strict: bool) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # app.safety.forwarded does that, where a proxy is trusted
                server_header=False,
                timeout_graceful_shutdown=_CLOSE_WITHIN,
            )
        )
        self._application = app
        self._strict = strict
        self.failed = False

    @property
    def port(self) -> int:
        """The port that is listened on."""
        return int(self.servers[0].sockets[0].getsockname()[1])

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGTERM or Ctrl+C, then return: uvicorn raises the signal again, which would end us with it."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        super().run(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then let the application test itself."""
        await super().startup(sockets)
        if self.started:
            self._application.listening(self.port, self._on_failure)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain while pages still answer, then close."""
        await self._application.drain()
        await super().shutdown(sockets)

    def _on_failure(self) -> None:
        if self._strict:
            self.failed = True
            self.should_exit = True

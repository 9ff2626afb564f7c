"""Which Host names are answered: keeps a foreign name that points at this machine (DNS rebinding) outside."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.answers import Answer, refuse
from app.safety.scopes import header

_FOREIGN = Answer(
    403,
    "foreign_host",
    "This server does not answer to that host name.",
    "Open it under its own name, or add the name to VITRINE_ALLOWED_HOSTS.",
)


class Hosts:
    """Refuses requests whose Host is not in `allowed` (a leading '*.' stands for any subdomain; empty: any)."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        self._app = app
        self._allowed = tuple(name.lower() for name in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] in ("http", "websocket") and not self._is_ours(header(scope, "host")):
            await refuse(_FOREIGN, scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_ours(self, host: str) -> bool:
        if not self._allowed:
            return True
        name = host_name(host)
        return any(
            name == allowed or (allowed.startswith("*.") and name.endswith(allowed[1:])) for allowed in self._allowed
        )


def host_name(host: str) -> str:
    """The name in a Host header: lower case, without the port and without the brackets of IPv6."""
    if host.startswith("["):
        return host[1:].split("]", 1)[0].lower()
    return host.split(":", 1)[0].rstrip(".").lower()

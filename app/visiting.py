"""Who asks, and under which address, in a route of the HTTP API."""

from __future__ import annotations

from fastapi import Request


def visitor_of(request: Request) -> str:
    """The visitor that the guard (app.safety.visitors) found or made."""
    visitor: str = request.state.visitor
    return visitor


def origin_of(request: Request) -> str:
    """Scheme, host and port under which we were asked, for addresses that a program is given."""
    return f"{request.url.scheme}://{request.url.netloc}"

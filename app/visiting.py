"""Who asks, in a route of the HTTP API."""

from __future__ import annotations

from fastapi import Request


def visitor_of(request: Request) -> str:
    """The visitor that the guard (app.safety.visitors) found or made."""
    visitor: str = request.state.visitor
    return visitor

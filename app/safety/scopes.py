"""Reading and editing ASGI scopes: headers as text, state, and what kind of address is asked for."""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.types import Scope

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def header(scope: Scope, name: str) -> str:
    """The first header of that name (lower case), or an empty string."""
    wanted = name.encode("latin-1")
    for key, value in scope["headers"]:
        if key == wanted:
            return str(value.decode("latin-1"))
    return ""


def without(scope: Scope, *names: str) -> list[tuple[bytes, bytes]]:
    """The headers, less those of these names."""
    dropped = {name.encode("latin-1") for name in names}
    return [(key, value) for key, value in scope["headers"] if key not in dropped]


def replace(scope: Scope, name: str, value: str) -> None:
    """Set a header of the request, in place of those of that name."""
    scope["headers"] = [*without(scope, name), (name.encode("latin-1"), value.encode("latin-1"))]


def cookies(scope: Scope) -> dict[str, str]:
    """The cookies of the request by name; a header that is not one is no cookies."""
    try:
        jar = SimpleCookie(header(scope, "cookie"))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}


def state(scope: Scope) -> dict[str, Any]:
    """What the guards and the application tell one another about this request."""
    found: dict[str, Any] = scope.setdefault("state", {})
    return found


def path(scope: Scope) -> str:
    """The decoded path of the request, as it came in (mounts change `root_path`, not this)."""
    return str(scope["path"])


def is_play(scope: Scope) -> bool:
    """Whether a playground is asked for."""
    return path(scope).startswith("/play/")


def is_present(scope: Scope) -> bool:
    """Whether slides are asked for."""
    return path(scope).startswith("/present/")


def is_api(scope: Scope) -> bool:
    """Whether the HTTP API is asked for."""
    return path(scope) == "/api" or path(scope).startswith("/api/")


def is_mcp(scope: Scope) -> bool:
    """Whether the tools for other programs are asked for."""
    return path(scope).rstrip("/") == "/mcp"

"""Who is behind a Gradio event: the visitor of the signed cookie, as the shell sees them."""

from __future__ import annotations

import gradio as gr

from backends.core.identity import guest
from backends.runtime.lab import Lab


def visitor_of(request: gr.Request, lab: Lab) -> str:
    """The visitor's id. A client without cookies is a visitor of its own for as long as its Gradio session lasts.

    To such a client the guard gives a new cookie with every answer, which then counts for nothing.
    """
    known = lab.identity.read(request.cookies)
    if known and not _is_new(request):
        return known
    return guest(str(request.session_hash))


def _is_new(request: gr.Request) -> bool:
    """Whether the visitor's cookie was made for this very request (app.safety.visitors)."""
    scope = getattr(request.request, "scope", None) or {}
    return bool(scope.get("state", {}).get("visitor_is_new", False))


def origin_of(request: gr.Request) -> str:
    """Scheme and host of the page as the visitor sees it, for links that they copy."""
    return str(request.headers.get("origin") or str(request.request.base_url).split("/play/")[0]).rstrip("/")

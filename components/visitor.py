"""Who is behind a Gradio event: the visitor of the signed cookie, as the shell sees them."""

from __future__ import annotations

import hashlib

import gradio as gr

from backends.runtime.lab import Lab


def visitor_of(request: gr.Request, lab: Lab) -> str:
    """The visitor's id. A client without cookies is a visitor of its own for as long as its Gradio session lasts."""
    known = lab.identity.read(request.cookies)
    if known:
        return known
    return "guest-" + hashlib.sha256(str(request.session_hash).encode()).hexdigest()[:22]


def origin_of(request: gr.Request) -> str:
    """Scheme and host of the page as the visitor sees it, for links that they copy."""
    return str(request.headers.get("origin") or str(request.request.base_url).split("/play/")[0]).rstrip("/")

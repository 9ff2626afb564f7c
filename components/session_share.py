"""Share: the links that open a session, new ones with or without an end, and taking them back."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

import streamlit as st

from backends.store.values import Link, Session
from components.chrome import origin, owner, zone
from components.copying import copy_button
from components.lab import current
from components.pieces import chip, say
from components.toasts import telling, toast
from components.words import clock_time, time_ago

LASTING: dict[str, float | None] = {"Never": None, "1 hour": 1, "1 day": 24, "1 week": 168, "30 days": 720}


@st.dialog("Share", width="medium", on_dismiss="rerun")
def share(session_id: str) -> None:
    """The panel. Closing it draws the page again, whose address then is a link that is open."""
    session = current().store.sessions.get(session_id, owner())
    if session.link:
        st.html('<p class="vt-muted">Whoever has a link can look at the session. Only you can change it.</p>')
    else:
        say("No link is open: only you can open this session.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        lasts = st.selectbox("A new link expires", tuple(LASTING), key="vt-lasts", width=180)
        st.button("New link", key="vt-new-link", type="primary", on_click=_make, args=(session.id, LASTING[lasts]))
    now = datetime.now(UTC)
    for link in session.links:
        _link(session, link, now)


def link_said(link: Link, now: datetime) -> str:
    """How a link stands: open for good, until when, or how and when it was closed. In the visitor's own time."""
    if link.revoked:
        return f"Withdrawn {time_ago(link.revoked, now)}"
    if link.expires is None:
        return "Never expires"
    until = clock_time(link.expires, zone(), now)
    return f"Open until {until}" if link.is_open(now) else f"Expired {time_ago(link.expires, now)}"


def _link(session: Session, link: Link, now: datetime) -> None:
    is_open = link.is_open(now)
    address = f"{origin()}/sessions?session={link.id}"
    with st.container(key=f"vt-row-link-{link.id}", horizontal=True, vertical_alignment="center"):
        state = chip("Open", "on") if is_open else chip("Closed")
        st.html(
            f'<p class="vt-line vt-link-line">{state} <span>{escape(link_said(link, now))}. '
            f"Made {time_ago(link.created, now)}.</span> <code>{escape(address)}</code></p>"
        )
        if not is_open:
            return
        copy_button(address, "Copy", f"copy-link-{link.id}", name="Copy this link")
        st.button("Withdraw", key=f"revoke-{link.id}", on_click=_withdraw, args=(session.id, link.id))


def _make(session_id: str, hours: float | None) -> None:
    with telling():
        current().store.sessions.share(session_id, owner(), hours=hours)
        toast("This is the new link.")


def _withdraw(session_id: str, link_id: str) -> None:
    with telling():
        current().store.sessions.revoke(session_id, owner(), link_id)
        toast("Withdrawn. From now on this link opens nothing.")

"""One session: its head, what can be done with all of it, and its results; read-only for who was given a link."""

from __future__ import annotations

from html import escape

import streamlit as st

from backends.core.errors import LinkClosed, NotFound
from backends.store.values import Session
from components.chrome import owner, page_at, visitor
from components.lab import current
from components.pieces import chip, heading, notes_html, nothing_yet
from components.session_edit import edit_notes, edit_tags, edit_title
from components.session_runs import show_runs
from components.session_share import share
from components.session_undo import delete_session, show_undo
from components.toasts import telling, toast_next
from components.words import count, time_ago


def show_one(address: str) -> None:
    """The session that a link, or its id for its owner, names."""
    st.page_link(page_at("sessions"), label="All sessions", icon=":material/arrow_back:")
    try:
        session = current().store.sessions.open(address, visitor())
    except LinkClosed as err:
        heading(err.sentence, err.hint)
        return
    except NotFound:
        heading("This link leads nowhere", "The session was deleted, or the link is not complete.")
        show_undo(current().store.sessions.deleted(visitor()))
        return
    if session.address != address:
        st.query_params["session"] = session.address  # what is copied from the address bar is a link that is open
    _head(session)
    _acts(session)
    _notes(session)
    if session.items:
        show_runs(session)
    else:
        first = page_at(current().actions.playgrounds[0].name)
        words = "Run something in a playground and add it here, or add one of your recent runs."
        nothing_yet("This session is empty", words if session.mine else "Its results were removed.", first)
    if session.mine:
        show_undo(current().store.sessions.deleted(visitor()))


def about_html(session: Session) -> str:
    """The line below its title: whose it is, how many results it has, and from when."""
    whose = chip("Yours", "on") if session.mine else chip("Shared with you, read-only", "on")
    closed = chip("Only you can open it", "care") if session.mine and not session.link else ""
    tags = "" if session.mine else " ".join(chip(tag) for tag in session.tags)
    note = f"{count(len(session.runs), 'result')}, changed {time_ago(session.updated)}"
    return f'<p class="vt-muted vt-about">{whose} {closed} {tags} {escape(note)}</p>'


def _head(session: Session) -> None:
    heading(session.title)
    if session.mine:
        edit_title(session)
    st.html(about_html(session))


def _notes(session: Session) -> None:
    if session.mine:
        edit_tags(session)
        edit_notes(session)
    elif session.notes:
        st.html(notes_html(session.notes))


def _acts(session: Session) -> None:
    """What can be done with all of it."""
    with st.container(key="vt-acts", horizontal=True, vertical_alignment="center", gap="xsmall"):
        empty = not session.items
        st.link_button("Present", f"/present/{session.address}", type="primary", disabled=empty)
        if session.mine and st.button("Share", key="vt-share"):
            share(session.id)
        label = "Duplicate" if session.mine else "Make my own copy"
        st.button(label, key="vt-duplicate", on_click=_duplicate, args=(session,))
        base = f"/api/sessions/{session.address}"
        links = f'<a class="vt-copy" href="{base}/archive.zip" download>Download .zip</a>'
        if not empty:
            links += f'<a class="vt-copy" href="{base}/slides.html" download>Slides as HTML</a>'
        st.html(f'<div class="vt-together">{links}</div>', width="content")
        if session.mine:
            st.button("Delete", key="vt-delete", on_click=_delete, args=(session,))


def _duplicate(session: Session) -> None:
    with telling():
        made = current().store.sessions.duplicate(session.address, owner())
        toast_next("This is your own copy." if not session.mine else "This is the copy.")
        st.query_params["session"] = made.address


def _delete(session: Session) -> None:
    delete_session(session)
    st.query_params.clear()

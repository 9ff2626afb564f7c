"""A session's title, tags and notes, edited where they stand. What was typed is kept when the field is left; whoever
saves last wins, also between two tabs of the same person.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from backends.core.errors import VitrineError
from backends.store.texts import TAGS_MAX, TEXT_MAX, TITLE_MAX
from backends.store.values import Session
from components.chrome import owner
from components.lab import current
from components.pieces import notes_html
from components.session_list import KNOWN_TAGS
from components.toasts import toast, toast_next, toast_refusal


def edit_title(session: Session) -> None:
    """The title as a field that looks like the title. The page's heading beside it is for screen readers."""
    key = follow(f"vt-title-{session.id}", session.title)
    st.text_input(
        "Title",
        key=key,
        max_chars=TITLE_MAX,
        label_visibility="collapsed",
        on_change=_save,
        args=(session, key, "title"),
    )


def edit_tags(session: Session) -> None:
    """The tags; new ones are typed, those of other sessions are offered."""
    key = follow(f"vt-tags-{session.id}", list(session.tags))
    known = [*session.tags, *(tag for tag in st.session_state.get(KNOWN_TAGS, []) if tag not in session.tags)]
    st.multiselect(
        "Tags",
        known,
        key=key,
        accept_new_options=True,
        max_selections=TAGS_MAX,
        placeholder="Add a tag",
        label_visibility="collapsed",
        on_change=_save,
        args=(session, key, "tags"),
        width=560,
    )


def edit_notes(session: Session) -> None:
    """The notes as they read; a press opens the Markdown beside them."""

    def save(text: str) -> None:
        current().store.sessions.change(session.id, owner(), notes=text)

    edit_markdown(f"vt-notes-{session.id}", "notes", session.notes, save)


@st.fragment
def edit_markdown(key: str, what: str, stored: str, save: Callable[[str], None]) -> None:
    """Markdown as it reads, with a button that opens its source beside it. save: called when the field is left.

    key: of the field. what: for the button ('notes').
    """
    editing = f"{key}-open"
    text = str(st.session_state.get(f"{key}-kept", stored))
    if not st.session_state.get(editing):
        if text:
            st.html(notes_html(text))
        st.button(
            f"{'Edit' if text else 'Add'} {what}", key=f"{key}-edit", type="tertiary", on_click=_open, args=(key, text)
        )
        return

    def keep() -> None:
        try:
            save(st.session_state[key])
        except VitrineError as err:
            toast_refusal(err)
            return
        st.session_state[f"{key}-kept"] = st.session_state[key]
        toast("Saved.")

    left, right = st.columns(2, gap="large")
    with left:
        st.text_area(f"{what.capitalize()} (Markdown)", key=key, height=220, max_chars=TEXT_MAX, on_change=keep)
        st.button("Done", key=f"{key}-done", type="primary", on_click=_close, args=(key,))
    with right:
        st.html('<p class="vt-muted">As it reads</p>' + notes_html(st.session_state[key]))


def follow(key: str, stored: Any) -> str:
    """Let a field follow what is stored: it is set when that changed since the field was last drawn. Returns `key`."""
    seen = f"{key}-seen"
    if key not in st.session_state or st.session_state.get(seen) != stored:
        st.session_state[key] = stored
    st.session_state[seen] = stored
    return key


def _open(key: str, text: str) -> None:
    st.session_state[key] = text
    st.session_state[f"{key}-open"] = True


def _close(key: str) -> None:
    st.session_state.pop(f"{key}-open", None)


def _save(session: Session, key: str, field: str) -> None:
    """Keep a field of the session; what is refused leaves what was stored."""
    try:
        current().store.sessions.change(session.id, owner(), **{field: st.session_state[key]})
    except VitrineError as err:
        toast_refusal(err)
        st.session_state.pop(f"{key}-seen", None)  # the field shows again what is stored
        return
    toast_next("Saved.")

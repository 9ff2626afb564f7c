"""The list of one's own sessions: search, tags, order, and what can be done with each without opening it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from html import escape

import streamlit as st

from backends.store.texts import TITLE_MAX
from backends.store.values import Session
from components.chrome import origin, owner, page_at, visitor
from components.copying import copy_button, download
from components.lab import current
from components.pieces import chip, heading, nothing_found, nothing_yet, plain
from components.run_words import NO_THUMBNAIL, thumbnail
from components.session_import import show_import
from components.session_undo import delete_session, erase_session, restore_session, show_undo
from components.toasts import telling, toast_next
from components.words import count, time_ago

SHOWN = 20  # rows at first, and more with each press
KNOWN_TAGS = "vt-known-tags"  # session state: tags of all sessions, which a session's own page offers
_MENU = ("Rename", "Duplicate", "Download .zip", "Delete")
_BY_TIME, _BY_TITLE = "Last changed", "Title"
_SEARCH, _TAGS, _SORT, _MORE = "vt-search", "vt-tags", "vt-sort", "vt-more"


def show_list() -> None:
    """The page without an address of a session."""
    heading("Sessions", "What you saved. Whoever has a session's link can look at it; only you can change it.")
    sessions = current().store.sessions.list(visitor())
    deleted = current().store.sessions.deleted(visitor())
    if sessions:
        _show(sessions)
    else:
        first = page_at(current().actions.playgrounds[0].name)
        nothing_yet("Nothing saved yet", "Open a playground, run it, and press Save. It will be listed here.", first)
    show_import()
    if deleted:
        _recently_deleted(deleted)
    show_undo(deleted)


def matching(sessions: Sequence[Session], words: str, tags: Sequence[str]) -> list[Session]:
    """Those that have every word somewhere in title, tags or notes, in any case, and all of the tags."""
    wanted = words.casefold().split()
    return [
        session
        for session in sessions
        if set(tags) <= set(session.tags) and all(word in _text(session) for word in wanted)
    ]


def _text(session: Session) -> str:
    of_runs = (text for item in session.items for text in (item.title, item.note, item.speaker))
    return "\n".join((session.title, session.notes, *session.tags, *of_runs)).casefold()


def _show(sessions: list[Session]) -> None:
    uses = Counter(tag for session in sessions for tag in session.tags)
    st.session_state[KNOWN_TAGS] = sorted(uses, key=str.casefold)
    words, tags, order = _controls(uses)
    found = matching(sessions, words, tags)
    if order == _BY_TITLE:
        found.sort(key=lambda session: session.title.casefold())
    if not found:
        nothing_found("No session fits that.", "Show all sessions", _reset)
    shown = st.session_state.get(_MORE, SHOWN)
    for session in found[:shown]:
        _row(session)
    if len(found) > shown:
        st.button(f"Show {min(SHOWN, len(found) - shown)} more of {len(found)}", on_click=_show_more)


def _controls(uses: Counter[str]) -> tuple[str, list[str], str]:
    with st.container(key="vt-find", horizontal=True, vertical_alignment="bottom"):
        words = st.text_input(
            "Search", key=_SEARCH, type="search", live=True, placeholder="Search titles, tags and notes"
        )
        order = st.selectbox("Sort by", (_BY_TIME, _BY_TITLE), key=_SORT, width=170)
    tags: list[str] = []
    if uses:
        names = st.session_state[KNOWN_TAGS]
        kept = [tag for tag in st.session_state.get(_TAGS, []) if tag in uses]
        st.session_state[_TAGS] = kept
        tags = st.pills("Tags", names, selection_mode="multi", key=_TAGS, format_func=partial(_tag_label, uses))
    return words, tags, order


def _tag_label(uses: Counter[str], tag: str) -> str:
    return f"{plain(tag)} ({uses[tag]})"


def _reset() -> None:
    st.session_state[_SEARCH], st.session_state[_TAGS] = "", []


def _show_more() -> None:
    st.session_state[_MORE] = st.session_state.get(_MORE, SHOWN) + SHOWN


def _row(session: Session) -> None:
    with st.container(key=f"vt-row-{session.id}", horizontal=True, vertical_alignment="center"):
        note = f"{count(len(session.runs), 'result')}, {time_ago(session.updated)}"
        tags = " ".join(chip(tag) for tag in session.tags)
        closed = "" if session.link else chip("Only you")
        words = f'<p class="vt-line"><strong>{escape(session.title)}</strong> <span>{note}</span> {closed}{tags}</p>'
        first = thumbnail(session.runs[0], visitor()) if session.runs else NO_THUMBNAIL
        st.html(f'<div class="vt-with-thumb">{first}{words}</div>')
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            st.page_link(page_at("sessions"), label="Open", query_params={"session": session.address})
            st.link_button("Present", f"/present/{session.address}", disabled=not session.runs)
            if session.link:
                link = f"{origin()}/sessions?session={session.link}"
                copy_button(link, "Copy link", f"copy-{session.id}", name=f"Copy the link to {session.title}")
            _menu(session)


def _menu(session: Session) -> None:
    key = f"menu-{session.id}"
    st.menu_button(
        "More", _MENU, key=key, help=f"More for {plain(session.title)}", on_click=_chosen, args=(session, key)
    )
    if st.session_state.pop(f"vt-rename-{session.id}", False):
        _rename(session)
    fetching = f"vt-fetch-{session.id}"
    if times := st.session_state.get(fetching, 0):
        download(f"/api/sessions/{session.address}/archive.zip", key=f"{fetching}-{times}")


def _chosen(session: Session, key: str) -> None:
    """What was chosen in the menu of a session."""
    chosen = st.session_state[key]
    if chosen == "Rename":
        st.session_state[f"vt-rename-{session.id}"] = True
    elif chosen == "Duplicate":
        with telling():
            made = current().store.sessions.duplicate(session.id, owner())
            toast_next("Duplicated.", f"/sessions?session={made.address}", f"Open {made.title}")
    elif chosen == "Delete":
        delete_session(session)
    elif chosen:
        fetching = f"vt-fetch-{session.id}"
        st.session_state[fetching] = st.session_state.get(fetching, 0) + 1


@st.dialog("Rename this session")
def _rename(session: Session) -> None:
    with st.form(f"rename-{session.id}", border=False):
        title = st.text_input("New title", session.title, max_chars=TITLE_MAX, required=True)
        if st.form_submit_button("Rename", type="primary"):
            with telling():
                current().store.sessions.change(session.id, owner(), title=title)
                toast_next("Renamed.")
            st.rerun()


def _recently_deleted(deleted: Sequence[Session]) -> None:
    with st.expander(f"Recently deleted ({len(deleted)})", key="vt-deleted"):
        st.html('<p class="vt-muted">They stay here for 10 minutes, then they are gone.</p>')
        for session in deleted:
            with st.container(key=f"vt-row-gone-{session.id}", horizontal=True, vertical_alignment="center"):
                when = time_ago(session.deleted) if session.deleted else ""
                note = f"{count(len(session.runs), 'result')}, deleted {when}"
                st.html(f'<p class="vt-line"><strong>{escape(session.title)}</strong> <span>{note}</span></p>')
                st.button("Restore", key=f"restore-{session.id}", on_click=restore_session, args=(session,))
                st.button("Delete for good now", key=f"erase-{session.id}", on_click=erase_session, args=(session,))

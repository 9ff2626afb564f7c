"""A session's results in order: the first ones drawn, the rest a line each until opened; and what is compared."""

from __future__ import annotations

import streamlit as st

from backends.store.values import Item, Run, Session
from components.run_compare import compare_bar
from components.session_run import show_line, show_run

DRAWN = 3  # results drawn at once; the rest would cost a browser more than it shows on a screen


def show_runs(session: Session) -> None:
    """All results of the session."""
    several = len(session.items) > 1
    picked: list[Run] = []
    bar = st.container(key="vt-compare", horizontal=True, vertical_alignment="center") if several else None
    for index, item in enumerate(session.items, start=1):
        show = show_run if _is_open(session, item, index) else show_line
        if show(session, item, index):
            picked.append(item.run)
    if bar is not None:
        with bar:
            compare_bar(picked, session.link)


def _is_open(session: Session, item: Item, index: int) -> bool:
    """Whether it is drawn: as it was left in this tab, else the first few."""
    return bool(st.session_state.setdefault(opened_key(session, item), index <= DRAWN))


def opened_key(session: Session, item: Item) -> str:
    """Where this tab keeps whether a result is drawn."""
    return f"vt-opened-{session.id}-{item.run.id}"

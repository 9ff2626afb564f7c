"""Reproduce: compute a stored run anew and say whether the same came out. The page stays usable meanwhile."""

from __future__ import annotations

from html import escape

import streamlit as st

from backends.core.errors import VitrineError
from backends.experiments.replay import replay, verdict
from backends.store.values import Run
from components.chrome import owner, visitor
from components.lab import current
from components.pieces import bar, refuse
from components.toasts import telling
from components.verdict_html import verdict_html

_LOOKS_SECONDS = 0.5  # how often it is asked how far the new run is


def replay_button(run: Run) -> None:
    """The button; pressing it again computes once more."""
    st.button("Reproduce", key=f"vt-replay-{run.id}", on_click=_start, args=(run,))


def show_replay(run: Run) -> None:
    """How far the new run is, then the verdict; nothing before the button was pressed."""
    if again := st.session_state.get(_key(run)):
        st.fragment(_follow, run_every=_LOOKS_SECONDS if not _ended(again) else None)(run, again)


def _start(run: Run) -> None:
    with telling():
        st.session_state[_key(run)] = replay(current(), run.id, owner()).id


def _follow(run: Run, again: str) -> None:
    """Look once. The page is drawn anew at the end, so that nobody looks any longer."""
    lab, watched = current(), f"{_key(run)}-watched"
    try:
        new = lab.store.runs.get(again, visitor())
        if not new.ended:
            st.session_state[watched] = True
            told = lab.runtime.progress(again, visitor())
            fraction, sentence = (told.fraction, told.sentence) if told else (new.fraction, new.sentence)
            st.html(bar(((fraction, ""),), "Progress") + f'<p class="vt-muted">{escape(sentence or "Computing")}</p>')
            return
        if st.session_state.pop(watched, False):
            st.rerun()
        st.html(verdict_html(verdict(lab, run.id, again, visitor())))
    except VitrineError as err:
        refuse(err)


def _ended(run_id: str) -> bool:
    try:
        return current().store.runs.get(run_id, visitor()).ended
    except VitrineError:
        return True


def _key(run: Run) -> str:
    return f"vt-replayed-{run.id}"

"""Recent runs: what is going on, kept fresh, and what has ended, with what can be done with it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from backends.store.values import Run, Session
from components.chrome import owner, page_at, visitor, zone
from components.copying import copy_button
from components.lab import current
from components.pieces import chip, heading, nothing_yet, plain
from components.run_compare import compare_bar, pick
from components.run_going import show_going
from components.run_words import obstacle, playground_of, run_title, settings_brief, thumbnail
from components.toasts import telling, toast_next
from components.words import STATES, clock_time, seconds, time_ago

SHOWN = 25  # rows at first, and more with each press
LATEST = 5  # sessions offered for adding a run
_MORE = "vt-runs-more"
_MOST = 500
NEW = "A new session"


def show_runs_page() -> None:
    """All runs of the visitor that are still kept, newest first."""
    heading("Runs", "What you ran, also where the tab was closed. Add to a session what you want to keep.")
    shown = st.session_state.get(_MORE, SHOWN)
    runs = current().store.runs.recent(visitor(), min(shown + 1, _MOST))
    show_going([run for run in runs if not run.ended])
    ended = [run for run in runs if run.ended]
    if not runs:
        first = page_at(current().actions.playgrounds[0].name)
        nothing_yet("No runs yet", "Open a playground and press Run. It will be listed here while it goes on.", first)
    if ended:
        _show_ended(ended[:shown])
    if len(runs) > shown:
        st.button("Show older runs", on_click=_show_more)


def add_options(sessions: Sequence[Session]) -> dict[str, str]:
    """What the menu offers -> the session's id, empty for a new one. Equal titles are told apart."""
    options = {NEW: ""}
    for session in sessions[:LATEST]:
        title = name = f"Add to \u201c{session.title}\u201d"
        number = 2
        while name in options:
            name, number = f"{title} ({number})", number + 1
        options[name] = session.id
    return options


def _show_ended(ended: list[Run]) -> None:
    options = add_options(current().store.sessions.list(visitor()))
    bar = st.container(key="vt-compare", horizontal=True, vertical_alignment="center") if len(ended) > 1 else None
    picked = [run for run in ended if _row(run, options, several=len(ended) > 1)]
    if bar is not None:
        with bar:
            compare_bar(picked)


def _row(run: Run, options: dict[str, str], *, several: bool) -> bool:
    """One run that has ended. Returns whether it is chosen for comparing."""
    lab = current()
    title = run_title(lab, run)
    with st.container(key=f"vt-row-run-{run.id}", horizontal=True, vertical_alignment="center"):
        state = "" if run.state == "done" else chip(STATES[run.state], "" if run.state == "cancelled" else "care")
        saved = chip("Saved", "on") if run.saved else ""
        brief = escape(settings_brief(lab, run))
        words = f'<p class="vt-line"><strong>{escape(title)}</strong> {state}{saved}<span>{brief}</span></p>'
        words += f'<p class="vt-muted">{escape(_when(run))}</p>'
        st.html(f'<div class="vt-with-thumb">{thumbnail(run, visitor())}<div>{words}{_trouble(run)}</div></div>')
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            picked = several and pick(run, "Compare")
            if run.reference:
                copy_button(run.reference, "Copy the id", f"vt-ref-{run.id}", "Reference id copied.")
            _open(run)
            if run.state == "done":
                key = f"vt-add-{run.id}"
                st.menu_button(
                    "Add to session",
                    tuple(options),
                    format_func=plain,
                    key=key,
                    on_click=_add,
                    args=(run, options, key),
                )
    return picked


def _open(run: Run) -> None:
    playground = playground_of(current(), run)
    if playground and not obstacle(current(), run):
        st.page_link(page_at(playground), label="Open", query_params={"run": run.id})


def _when(run: Run) -> str:
    parts = [time_ago(run.finished or run.created)]
    if run.state == "done" and run.started and run.finished:
        parts.append(f"took {seconds((run.finished - run.started).total_seconds())}")
    if not run.saved and run.expires:
        parts.append(f"kept until {clock_time(run.expires, zone())} unless saved")
    return ", ".join(parts)


def _trouble(run: Run) -> str:
    """Why it failed, what to do, and the id under which the log tells more."""
    if run.state not in ("failed", "interrupted") or not run.error:
        return ""
    told = f"{run.error.get('message', '')} {run.error.get('hint', '')}".strip()
    quote = f" Reference: <code>{escape(run.reference)}</code>" if run.reference else ""
    return f'<p class="vt-trouble">{escape(told)}{quote}</p>'


def _add(run: Run, options: dict[str, str], key: str) -> None:
    """Put the run into the chosen session, for a callback."""
    chosen = st.session_state[key]
    if chosen not in options:
        return
    with telling():
        sessions, me = current().store.sessions, owner()
        home = options[chosen] or sessions.create(me, _new_title(run)).id
        session = sessions.add_run(home, me, run.id)
        toast_next(f"Saved in \u201c{session.title}\u201d.", f"/sessions?session={session.address}", "Open it")


def _new_title(run: Run) -> str:
    return f"{run_title(current(), run)}, {run.created.astimezone(zone()):%d %B %Y}"


def _show_more() -> None:
    st.session_state[_MORE] = min(st.session_state.get(_MORE, SHOWN) * 2, _MOST)

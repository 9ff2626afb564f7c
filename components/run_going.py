"""What is waiting or running now, looked at again every second while there is any, and the server's queue."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from backends.runtime.executor import Progressed, RuntimeStatus
from backends.store.values import Run
from components.chrome import owner, page_at, visitor
from components.lab import current
from components.pieces import bar, chip
from components.run_words import playground_of, run_title, settings_brief
from components.toasts import telling, toast
from components.words import STATES, count, seconds

FRESH_SECONDS = 1.0  # while something goes on
IDLE_SECONDS = 5.0  # else: what was begun in another tab is seen within that
_LOOKED_AT = 32  # newest runs among which those that go on are looked for: at most 16 wait and a few run


def show_going(going: Sequence[Run]) -> None:
    """The line about the server, and a row for each run that has not ended."""
    every = FRESH_SECONDS if going else IDLE_SECONDS
    st.fragment(_look, run_every=every)(frozenset(run.id for run in going))


def queue_said(status: RuntimeStatus) -> str:
    """What the whole server does, without anybody's name."""
    if not status.running and not status.queued:
        said = "This server is free now"
    else:
        said = f"On this server {count(status.running, 'run')} going and {status.queued:,} waiting"
    mean = status.mean_service_seconds
    return f"{said}." if mean is None else f"{said}. A run typically takes {seconds(mean)}."


def told_of(run: Run, told: Progressed | None) -> tuple[float, str]:
    """How far it is, in [0, 1], and a sentence with the time that it takes until it starts or ends, where known."""
    fraction, sentence = (told.fraction, told.sentence) if told else (run.fraction, run.sentence)
    left = told.seconds_left if told else None
    if left is None:
        return fraction, sentence
    until = "Starts in" if run.state == "queued" else "Ends in"
    return fraction, f"{sentence}. {until} about {seconds(max(1.0, round(left)))}."


def _look(known: frozenset[str]) -> None:
    """Look once. When a run has come or ended, the whole page is drawn anew: it moves to the other list."""
    lab, me = current(), visitor()
    going = [run for run in lab.store.runs.recent(me, _LOOKED_AT) if not run.ended]
    if frozenset(run.id for run in going) != known:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", key="vt-queue"):
        st.html(f'<p class="vt-muted">{escape(queue_said(lab.runtime.status()))}</p>')
        if len(going) > 1:
            st.button(f"Stop all {len(going)}", key="vt-stop-all", on_click=_stop, args=([run.id for run in going],))
    for run in going:
        _row(run, lab.runtime.progress(run.id, me))


def _row(run: Run, told: Progressed | None) -> None:
    fraction, sentence = told_of(run, told)
    with st.container(key=f"vt-row-going-{run.id}", horizontal=True, vertical_alignment="center"):
        title = escape(run_title(current(), run))
        brief = escape(settings_brief(current(), run))
        words = f'<p class="vt-line"><strong>{title}</strong> {chip(STATES[run.state], "on")}<span>{brief}</span></p>'
        st.html(f'{words}{bar(((fraction, ""),), sentence)}<p class="vt-muted">{escape(sentence)}</p>')
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            if playground := playground_of(current(), run):
                st.page_link(page_at(playground), label="Open", query_params={"run": run.id})
            st.button("Stop", key=f"vt-stop-{run.id}", on_click=_stop, args=([run.id],))


def _stop(run_ids: Sequence[str]) -> None:
    """Stop runs, the newest first: a worker that becomes free must not take up the next of them."""
    with telling():
        for run_id in run_ids:
            current().runtime.cancel(run_id, owner())
        toast("Stopped." if len(run_ids) == 1 else f"{len(run_ids)} runs were stopped.")

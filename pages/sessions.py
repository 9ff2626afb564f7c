"""Sessions: one's own saved work, and what a link opens (read-only when it is someone else's)."""

from __future__ import annotations

from html import escape

import streamlit as st

from backends.core.errors import NotFound, VitrineError
from backends.store.values import Run, Session
from components.chrome import origin, page_at, visitor
from components.lab import current
from components.pieces import chip, copy_button, facts, heading, nothing_yet, refuse, say
from components.settings_shown import settings_shown
from components.shell_results import show_outputs
from components.words import STATES, count, seconds, time_ago

LONGEST_TITLE = 120  # characters


def show_mine() -> None:
    """The list of the visitor's sessions."""
    heading("Sessions", "What you saved. Whoever has a session's link can look at it; only you can change it.")
    if told := st.session_state.pop("vt-told", ""):
        say(told)
    sessions = current().store.sessions.list(visitor())
    if not sessions:
        first = page_at(current().actions.playgrounds[0].name)
        nothing_yet("Nothing saved yet", "Open a playground, run it, and press Save. It will be listed here.", first)
        return
    for session in sessions:
        _row(session)


def show_one(link: str) -> None:
    """The session that a link names, with its results as they were stored."""
    st.page_link(page_at("sessions"), label="All sessions", icon=":material/arrow_back:")
    try:
        session = current().store.sessions.open_link(link, visitor())
    except NotFound:
        heading("This link leads nowhere", "The session was deleted, or the link is not complete.")
        say("Ask whoever gave it to you for a new one.")
        return
    heading(session.title, session.notes)
    owner = chip("Yours", "on") if session.mine else chip("Shared with you, read-only")
    note = f"{count(len(session.runs), 'result')}, saved {time_ago(session.updated)}"
    st.html(f'<p class="vt-muted">{owner} {escape(note)}</p>')
    for index, run in enumerate(session.runs, start=1):
        _run(session, run, index)
    if not session.runs:
        nothing_yet("This session is empty", "Its results were removed, or none was saved yet.")


def _row(session: Session) -> None:
    with st.container(key=f"vt-row-{session.id}", horizontal=True, vertical_alignment="center"):
        note = f"{count(len(session.runs), 'result')}, {time_ago(session.updated)}"
        st.html(f'<p class="vt-line"><strong>{escape(session.title)}</strong> <span>{escape(note)}</span></p>')
        with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
            if st.button("Open", key=f"open-{session.id}"):
                st.switch_page(page_at("sessions"), query_params={"session": session.link})
            copy_button(f"{origin()}/sessions?session={session.link}", "Copy link", key=f"copy-{session.id}")
            with st.popover("Rename"):
                _rename(session)
            with st.popover("Delete"):
                _delete(session)


def _rename(session: Session) -> None:
    with st.form(f"rename-{session.id}", border=False):
        title = st.text_input("New title", session.title, max_chars=LONGEST_TITLE)
        if st.form_submit_button("Rename", type="primary"):
            try:
                current().store.sessions.rename(session.id, visitor(), title)
            except VitrineError as err:
                refuse(err)
                return
            st.session_state["vt-told"] = "Renamed."
            st.rerun()


def _delete(session: Session) -> None:
    what = f" and its {count(len(session.runs), 'result')}" if session.runs else ""
    st.write(f"Delete this session{what}? Its link stops working. This cannot be undone.")
    if st.button("Delete for good", key=f"delete-{session.id}", type="primary"):
        try:
            current().store.sessions.delete(session.id, visitor())
        except VitrineError as err:
            refuse(err)
            return
        st.session_state["vt-told"] = "Deleted."
        st.rerun()


def _run(session: Session, run: Run, index: int) -> None:
    lab = current()
    playground = run.experiment.action.partition("/")[0]
    with st.container(key=f"vt-card-{run.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            state = "" if run.state == "done" else chip(STATES[run.state], "care")
            st.html(f'<h2 class="vt-line">{index}. {escape(_title(run))} {state}</h2>')
            if playground in {item.name for item in lab.actions.playgrounds}:
                params = {"session": session.link, "run": run.id}
                st.page_link(page_at(playground), label="Open in the playground", query_params=params)
        if run.error:
            say(f"{run.error.get('message', '')} {run.error.get('hint', '')}".strip(), care=True)
        show_outputs(lab, run, visitor())
        with st.expander("Settings and provenance"):
            st.html(facts(settings_shown(lab.actions, run.experiment)))
            st.html(facts(_provenance(run)))


def _title(run: Run) -> str:
    try:
        return current().actions.get(run.experiment.action).title
    except NotFound:
        return run.experiment.action


def _provenance(run: Run) -> dict[str, str]:
    told = {"Experiment": run.experiment.digest[:16], "Run": f"{run.created:%d %B %Y, %H:%M} UTC"}
    for name, value in run.provenance.items():
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            shown = seconds(float(value)) if name.startswith("seconds") else str(value)
            told[name.replace("_", " ").capitalize()] = shown
    return told


_link = st.query_params.get("session", "")
try:
    show_one(_link) if _link else show_mine()
except VitrineError as _err:
    refuse(_err)

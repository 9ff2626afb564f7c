"""One result of a session: a line while it is folded, else everything about it, with what its owner can change."""

from __future__ import annotations

from html import escape

import streamlit as st

from backends.store.values import Item, Run, Session
from components.chrome import owner, page_at, visitor
from components.lab import current
from components.pieces import chip, facts, notes_html, say
from components.run_compare import pick
from components.run_replay import replay_button, show_replay
from components.run_words import obstacle, playground_of, run_title, settings_brief, thumbnail
from components.session_slide import edit_slide
from components.session_undo import remove_run
from components.settings_shown import provenance_shown, settings_shown
from components.shell_results import show_outputs
from components.toasts import telling
from components.words import STATES


def show_line(session: Session, item: Item, index: int) -> bool:
    """The result as one line with its thumbnail. Returns whether it is chosen for comparing."""
    with st.container(key=f"vt-row-run-{item.run.id}", horizontal=True, vertical_alignment="center"):
        first = item.note.strip().partition("\n")[0][:120] or settings_brief(current(), item.run)
        note = f"<span>{escape(first)}</span>" if first else ""
        words = f'<p class="vt-line"><strong>{index}. {_title(item)}</strong> {_chip(item.run)}{note}</p>'
        st.html(f'<div class="vt-with-thumb">{thumbnail(item.run, visitor())}{words}</div>')
        return _places(session, item, index, "Show")


def show_run(session: Session, item: Item, index: int) -> bool:
    """The result with all that was stored. Returns whether it is chosen for comparing."""
    lab, run = current(), item.run
    with st.container(key=f"vt-card-{run.id}"):
        with st.container(horizontal=True, vertical_alignment="center", key=f"vt-head-{run.id}"):
            st.html(f'<h2 class="vt-line">{index}. {_title(item)} {_chip(run)}</h2>')
            picked = _places(session, item, index, "Hide")
        if run.error:
            say(f"{run.error.get('message', '')} {run.error.get('hint', '')}".strip(), care=True)
        if missing := obstacle(lab, run):
            say(missing)
        show_outputs(lab, run, visitor())
        if item.note and not session.mine:
            st.html(notes_html(item.note))
        _acts(session, item, runnable=not missing)
        show_replay(run)
        if session.mine:
            edit_slide(session, item)
        with st.expander("Settings and provenance"):
            st.html(facts(settings_shown(lab.actions, run.experiment)))
            st.html(facts(provenance_shown(run)))
    return picked


def _title(item: Item) -> str:
    return escape(item.title or run_title(current(), item.run))


def _chip(run: Run) -> str:
    return "" if run.state == "done" else chip(STATES[run.state], "care")


def _places(session: Session, item: Item, index: int, fold: str) -> bool:
    """Choose it, move it, hide or show it, remove it."""
    run_id, ids = item.run.id, [run.id for run in session.runs]
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
        picked = len(ids) > 1 and pick(item.run, f"Compare result {index}")
        if session.mine and len(ids) > 1:
            up, down = moved(ids, run_id, -1), moved(ids, run_id, 1)
            _icon(f"Move result {index} up", "arrow_upward", f"up-{run_id}", up == ids, session, up)
            _icon(f"Move result {index} down", "arrow_downward", f"down-{run_id}", down == ids, session, down)
        if len(ids) > 1:
            st.button(fold, key=f"vt-fold-{run_id}", on_click=_turn, args=(f"vt-opened-{session.id}-{run_id}",))
        if session.mine:
            st.button("Remove", key=f"vt-remove-{run_id}", on_click=remove_run, args=(session, item))
    return picked


def _icon(label: str, icon: str, key: str, disabled: bool, session: Session, ids: list[str]) -> None:
    """A button that shows its icon; its label is what screen readers say."""
    st.button(
        label, key=f"vt-icon-{key}", icon=f":material/{icon}:", disabled=disabled, on_click=_order, args=(session, ids)
    )


def moved(ids: list[str], run_id: str, by: int) -> list[str]:
    """The ids with one of them `by` places later (earlier where negative); at an end it stays."""
    place = ids.index(run_id)
    rest = [other for other in ids if other != run_id]
    rest.insert(min(max(place + by, 0), len(rest)), run_id)
    return rest


def _order(session: Session, ids: list[str]) -> None:
    with telling():
        current().store.sessions.order(session.id, owner(), ids)


def _turn(key: str) -> None:
    st.session_state[key] = not st.session_state[key]


def _acts(session: Session, item: Item, *, runnable: bool) -> None:
    """Open it where it can be changed, compute it anew, take it away as code."""
    lab, run = current(), item.run
    if not runnable:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        params = {"session": session.address, "run": run.id}
        st.page_link(page_at(playground_of(lab, run)), label="Open in the playground", query_params=params)
        if run.state == "done":
            replay_button(run)
            with st.popover("Code"):
                st.html(_code(run))


def _code(run: Run) -> str:
    """Where its code is: both scripts with the inputs, or one of them."""
    base = f"/api/runs/{run.id}"
    kinds = (
        ("code.zip", "Everything to run it, as .zip"),
        ("code/http.py", "Script that asks this server"),
        ("code/local.py", "Script that computes by itself"),
    )
    links = (f'<li><a href="{base}/{path}" download>{words}</a></li>' for path, words in kinds)
    return f'<ul class="vt-links">{"".join(links)}</ul>'

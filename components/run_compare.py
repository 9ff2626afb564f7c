"""Choosing two to four runs of one kind, and the button that compares them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backends.store.values import Run
from components.chrome import page_at

FEWEST, MOST = 2, 4


def pick(run: Run, label: str) -> bool:
    """A box to choose the run by. label: tells it from the others."""
    return run.state == "done" and st.checkbox(label, key=f"vt-pick-{run.id}")


def compare_bar(picked: Sequence[Run], link: str = "") -> None:
    """The button, with what is missing said beside it. link: of the session that lets a reader see the runs."""
    missing = refusal(picked)
    if st.button(f"Compare ({len(picked)})" if picked else "Compare", key="vt-compare-go", disabled=bool(missing)):
        params = {"runs": ",".join(run.id for run in picked)} | ({"session": link} if link else {})
        st.switch_page(page_at("compare"), query_params=params)
    if picked:
        st.button("Clear", key="vt-compare-clear", type="tertiary", on_click=_clear, args=([run.id for run in picked],))
    st.html(f'<p class="vt-muted" role="status">{missing}</p>')


def refusal(picked: Sequence[Run]) -> str:
    """Why these cannot be compared; empty where they can."""
    if len({run.experiment.action for run in picked}) > 1:
        return "Only results of one kind can be compared. Leave out those of another."
    if len(picked) < FEWEST:
        return "Tick two to four results of one kind to see them side by side."
    if len(picked) > MOST:
        return f"At most {MOST} results can be compared. Leave out {len(picked) - MOST}."
    return ""


def _clear(run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        st.session_state[f"vt-pick-{run_id}"] = False

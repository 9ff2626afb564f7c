"""A stored sweep on the shell's pages: the same grid as in its playground, with the same menus of what is shown."""

from __future__ import annotations

import streamlit as st

from backends.core.errors import NotFound
from backends.core.results import Grid
from backends.core.sweep import base_of
from backends.runtime.lab import Lab
from backends.store.values import Run
from components.grid_html import Look, grid_html, lines_html, outputs_of, usual_look, with_names

_LARGEST, _SMALLEST, _NOTHING = "the largest", "the smallest", "Nothing"


@st.fragment  # another choice draws the grid anew, not the page
def show_grid(lab: Lab, run: Run, grid: Grid) -> None:
    """Menus, grid, lines and numbers. It opens on what the sweep was judged by."""
    grid = with_names(grid, {card.id: card.title for card in lab.catalogue})
    asked = run.experiment.parameters
    wanted = Look("", str(asked.get("sweep_best", "")), asked.get("sweep_goal") != "smallest")
    look = _chosen(run.id, grid, usual_look(grid, wanted), _titles(lab, run))
    st.html(f'<div class="vt-stored">{grid_html(grid, look)}</div>')
    st.html(f'<div class="vt-stored">{lines_html(grid, look.measure, image=True)}</div>')


def _chosen(run_id: str, grid: Grid, usual: Look, titles: dict[str, str]) -> Look:
    outputs = {name: title for title, name in outputs_of(grid, titles)}
    measures = {"": _NOTHING, **grid.measures}
    show, judge, goal = st.columns(3)
    output = show.selectbox(
        "Show",
        list(outputs),
        index=list(outputs).index(usual.output) if usual.output in outputs else None,
        format_func=lambda name: outputs[name],
        key=f"grid-show-{run_id}",
    )
    measure = judge.selectbox(
        "Judge by",
        list(measures),
        index=list(measures).index(usual.measure),
        format_func=lambda name: measures[name],
        key=f"grid-judge-{run_id}",
    )
    goals = [_LARGEST, _SMALLEST]
    best = goal.selectbox("Best is", goals, index=0 if usual.largest else 1, key=f"grid-goal-{run_id}")
    return Look(output or "", measure or "", best == _LARGEST)


def _titles(lab: Lab, run: Run) -> dict[str, str]:
    """Output -> its title, as the swept action declares them."""
    try:
        return {spec.name: spec.title for spec in base_of(lab.actions.get(run.experiment.action)).outputs}
    except NotFound:
        return {}

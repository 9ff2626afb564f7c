"""Which runs to compare: the visitor's latest ones with a result, grouped by what was done."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from backends.runtime.lab import Lab
from backends.store.values import Run
from components.chrome import page_at
from components.pieces import nothing_yet, section
from components.run_compare import compare_bar, pick
from components.run_words import run_title, thumbnail
from components.settings_shown import settings_shown
from components.words import time_ago

_LOOKED_AT = 60  # recent runs
_OFFERED = 8  # of one kind


def choose_runs(lab: Lab, visitor: str) -> None:
    """Offer them with boxes to tick; where there are not two of a kind, say how to come by them."""
    groups: dict[str, list[Run]] = {}
    for run in lab.store.runs.recent(visitor, _LOOKED_AT):
        if run.state == "done" and run.outputs:
            groups.setdefault(run.experiment.action, []).append(run)
    offered = {action: runs[:_OFFERED] for action, runs in groups.items() if len(runs) > 1}
    if not offered:
        first = next(iter(lab.actions.playgrounds), None)
        nothing_yet(
            "Nothing to compare yet",
            "Press Run in a playground, change a setting, press Run again: then both results can be chosen here.",
            page_at(first.name) if first else None,
        )
        return
    picked: list[Run] = []
    for runs in offered.values():
        section(run_title(lab, runs[0]))
        picked += [run for run in runs if _offer(lab, run, runs, visitor)]
    compare_bar(picked)


def _offer(lab: Lab, run: Run, beside: Sequence[Run], visitor: str) -> bool:
    """One run as a line: a box, its picture, when it was made, and what is set differently from the others."""
    settings = settings_shown(lab.actions, run.experiment)
    others = [settings_shown(lab.actions, other.experiment) for other in beside]
    own = [f"{name} {value}" for name, value in settings.items() if any(one.get(name) != value for one in others)]
    words = ", ".join(own) or "the same settings as the others"
    with st.container(key=f"vt-row-pick-{run.id}", horizontal=True, vertical_alignment="center"):
        st.html(thumbnail(run, visitor), width="content")
        return pick(run, f"{time_ago(run.created)}: {words}")

"""What is said of a run in one line: its title, what stands in the way of running it again, its thumbnail."""

from __future__ import annotations

from html import escape

import streamlit as st

from backends.core.errors import NotFound, VitrineError
from backends.runtime.lab import Lab
from backends.store.values import Run, StoredOutput
from components.lab import current
from components.settings_shown import value_shown
from components.shell_results import address

NO_THUMBNAIL = '<span class="vt-thumb" aria-hidden="true"></span>'  # a quiet place
_BRIEF = 60  # characters of one setting
_THERE_SECONDS = 60  # how long a look at an artifact's file holds; each costs about a millisecond


def run_title(lab: Lab, run: Run) -> str:
    """What was done, as its action calls it; the action's name where it is no longer known."""
    try:
        return lab.actions.get(run.experiment.action).title
    except NotFound:
        return run.experiment.action or "An experiment of a newer Vitrine"


def playground_of(lab: Lab, run: Run) -> str:
    """The name of the playground that can open it; empty where there is none, or where its action is unknown."""
    try:
        run.experiment.check_form()
        return lab.actions.playground_of(run.experiment.action).name
    except VitrineError:
        return ""


def settings_brief(lab: Lab, run: Run) -> str:
    """What was set otherwise than usual, a few words: what tells it from its neighbours in a list."""
    try:
        declared = lab.actions.get(run.experiment.action).parameters()
    except NotFound:
        return ""
    given = run.experiment.parameters
    told = [
        f"{item.title} {value_shown(item, given[item.name])}"[:_BRIEF]
        for item in declared
        if item.name in given and given[item.name] != item.default and given[item.name] not in ("", None)
    ]
    return ", ".join(told[:3]) + (" and more" if len(told) > 3 else "")


def obstacle(lab: Lab, run: Run) -> str:
    """Why it can be looked at but not run again, in a sentence; empty where it can."""
    try:
        run.experiment.check_form()
        lab.actions.get(run.experiment.action)
        for model, _ in run.experiment.models.values():
            lab.catalogue.get(model)
    except NotFound:
        known = playground_of(lab, run)
        what = "a model" if known else "an action"
        return (
            f"It was made with {what} that is not here any more. This is what was stored; it cannot be run again here."
        )
    except VitrineError as err:
        return f"{err.sentence} {err.hint}".strip()
    return ""


def thumbnail(run: Run, visitor: str) -> str:
    """Its last picture, small, as HTML; a quiet place where it has none. It is fetched when it comes into sight."""
    pictures = [output for output in run.outputs if output.kind == "image" and is_there(output.digest, visitor)]
    if not pictures:
        return NO_THUMBNAIL
    picture: StoredOutput = pictures[-1]
    return f'<img class="vt-thumb" src="{escape(address(run, picture))}" alt="" loading="lazy" decoding="async">'


@st.cache_data(ttl=_THERE_SECONDS, max_entries=2_000, show_spinner=False)
def is_there(digest: str, visitor: str) -> bool:
    """Whether an artifact's bytes can be had, whole."""
    try:
        current().store.artifacts.open_path(digest, visitor)
    except VitrineError:
        return False
    return True

"""The words of a slide: its title, its note, the settings that matter, and what is said where a result is missing."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt

from backends.core.errors import NotFound, VitrineError
from backends.core.parameters import Parameter, Value
from backends.core.playground import Actions
from backends.store.values import Item, Run
from components.playgrounds import own_code
from components.settings_shown import value_shown
from components.slides.material import Material, Results

SETTINGS_MAX = 6  # on the quiet line below a slide; the rest is counted
# No pictures in notes: one from elsewhere would be a request that leaves the machine, and tell its owner who reads.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
_DAY = re.compile(r" \(\d\d \w{3} \d{4}\)$")


def note_html(text: str) -> str:
    """Markdown as HTML: no HTML of its own, no pictures; links open beside the slides."""
    shown: str = _MARKDOWN.render(text.strip())
    return shown.replace("<a href=", '<a target="_blank" rel="noopener noreferrer" href=')


def opening(notes: str, characters: int = 700) -> str:
    """The first paragraphs of a session's notes, as far as they fit a title slide, and an ellipsis where cut."""
    kept: list[str] = []
    for paragraph in re.split(r"\n\s*\n", notes.strip()):
        if sum(map(len, kept)) + len(paragraph) > characters:
            kept += ["\u2026"] if kept else [f"{paragraph[:characters].rsplit(' ', 1)[0]} \u2026"]
            break
        kept.append(paragraph)
    return "\n\n".join(kept)


def title_of(item: Item, material: Material) -> str:
    """What the owner called it, else what its playground usually says, else what was done."""
    return item.title or _usual(item.run, material) or action_title(material.actions, item.run)


def action_title(actions: Actions, run: Run) -> str:
    """The title of the action; its name where it is no longer known."""
    try:
        return actions.get(run.experiment.action).title
    except NotFound:
        return run.experiment.action


def settings_line(actions: Actions, run: Run) -> list[str]:
    """'Overlay opacity 0.8' for each setting that is not the usual one; all of them where the action is unknown."""
    values = run.experiment.values()
    try:
        action = actions.get(run.experiment.action)
    except NotFound:
        told = [f"{name.replace('_', ' ')} {value}" for name, value in values.items() if value not in (None, "")]
    else:
        told = [
            f"{one.title} {value_shown(one, values.get(one.name))}"
            for one in action.parameters()
            if _matters(one, values.get(one.name), values)
        ]
        told += [f"Seed {run.experiment.seed}"] if action.seeded and run.experiment.seed else []
    rest = len(told) - SETTINGS_MAX
    return told if rest <= 0 else [*told[:SETTINGS_MAX], f"{rest} more"]


def what_happened(run: Run) -> str:
    """Why a run has nothing, or not all, to show; empty for one that is done."""
    match run.state:
        case "done":
            return ""
        case "queued" | "running":
            return "This run has not finished yet. Reload the slides once it has."
        case "cancelled":
            return "This run was stopped before it had finished."
        case _:
            error = run.error or {}
            said = error.get("message") or "This run was interrupted when the server stopped."
            return f"{said} {error.get('hint', '')}".strip()


def _usual(run: Run, material: Material) -> str:
    """The playground's own title for a finished run, without the day: that stands on the title slide."""
    declared = run.experiment.action in {action.name for action in material.actions}  # a sweep is named as what it is
    if run.state != "done" or not declared:
        return ""
    own = getattr(own_code(run.experiment.action.partition("/")[0]), "title", None)
    try:
        return _DAY.sub("", own(run, Results(material, run))) if own else ""
    except VitrineError:
        return ""  # the result that it takes its words from is gone: the slide itself says so


def _matters(one: Parameter, value: Value, values: dict[str, Value]) -> bool:
    swept = (values.get("sweep_x"), values.get("sweep_y"))  # a sweep's grid says itself what it went over
    if one.kind == "image" or value in (None, "") or value == one.default:
        return False
    if one.name in swept or one.name.startswith("sweep_"):
        return False
    return one.visible_if is None or values.get(one.visible_if.parameter) in one.visible_if.values

"""The head of a comparison: which runs they are, and the settings in which they differ; nothing else."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from urllib.parse import urlencode

import numpy as np
import streamlit as st
from PIL import Image as Pillow

from backends.core.action import Action
from backends.core.errors import NotFound, VitrineError
from backends.core.parameters import Parameter, Value
from backends.core.pictures import read_picture
from backends.experiments.compare import Comparison, Setting
from backends.runtime.lab import Lab
from backends.store.values import Run
from components.compare.parts import named, table
from components.lab import current
from components.run_words import playground_of
from components.settings_shown import value_shown
from components.shell_results import address
from components.words import time_ago

_SIDE = 96  # px of a thumbnail


def head_html(lab: Lab, comparison: Comparison, visitor: str, link: str) -> str:
    """The table of what differs, and under it what is equal, folded. link: of the session that lets a reader see it."""
    runs = comparison.runs
    head = ["Setting", *(_run_head(lab, index, run, link) for index, run in enumerate(runs))]
    differing = [item for item in comparison.settings if not item.same]
    equal = [item for item in comparison.settings if item.same]
    rows = [[escape(item.title), *_values(lab, comparison, item, visitor)] for item in differing]
    if not rows:
        rows = [["No setting differs", *([""] * len(runs))]]
    body = table(head, rows, "Settings that differ")
    if not equal:
        return body
    names = "All other settings are equal" if differing else "All settings are equal"
    pairs = "".join(
        f"<div><dt>{escape(item.title)}</dt><dd>{_value(lab, comparison.action, item, 0)}</dd></div>" for item in equal
    )
    return f'{body}<details class="vt-fold"><summary>{names}</summary><dl class="vt-facts">{pairs}</dl></details>'


def _run_head(lab: Lab, index: int, run: Run, link: str) -> str:
    when = f'<time datetime="{run.created.isoformat()}">{escape(time_ago(run.created))}</time>'
    playground = playground_of(lab, run)
    if not playground:
        return f"{named(index)}{when}"
    query = urlencode({"run": run.id} if run.visitor else {"session": link, "run": run.id})
    return f'{named(index)}{when}<a href="/{playground}?{escape(query)}" target="_self">Open in the playground</a>'


def _values(lab: Lab, comparison: Comparison, setting: Setting, visitor: str) -> list[str]:
    if setting.kind == "image":
        return [_thumbnail(run, setting, index, visitor) for index, run in enumerate(comparison.runs)]
    return [_value(lab, comparison.action, setting, index) for index in range(len(comparison.runs))]


def _value(lab: Lab, action: str, setting: Setting, index: int) -> str:
    """One value as HTML: with its unit; a model by its title and the digest of its weights; an input by its hash."""
    value = setting.values[index]
    if setting.kind == "model":
        title = _model_title(lab, str(value)) if value else "none"
        return f"{escape(title)} <small>weights {escape(setting.revisions[index][:12])}</small>"
    if setting.kind == "image":
        return f"<small>sha256 {escape(str(value)[:12])}</small>"
    declared = _declared(lab, action, setting.name)
    return escape(value_shown(declared, value) if declared else _plain(value))


def _plain(value: Value) -> str:
    return "not set" if value is None else str(value)


def _declared(lab: Lab, action: str, name: str) -> Parameter | None:
    try:
        found: type[Action] = lab.actions.get(action)
    except NotFound:
        return None
    return next((item for item in found.parameters() if item.name == name), None)


def _model_title(lab: Lab, model: str) -> str:
    try:
        return lab.catalogue.get(model).title
    except VitrineError:
        return model


def _thumbnail(run: Run, setting: Setting, index: int, visitor: str) -> str:
    """The input, small; of one that is no plain picture (a DICOM study, say) the run's first picture instead."""
    digest = str(setting.values[index])
    source = _input_thumbnail(digest, visitor)
    if not source:
        shown: Sequence[str] = [address(run, item) for item in run.outputs if item.kind == "image"]
        source = shown[0] if shown else ""
    picture = f'<img class="vt-input-thumb" src="{escape(source)}" alt="{escape(setting.title)}">' if source else ""
    return f"{picture}<small>sha256 {escape(digest[:12])}</small>"


@st.cache_data(max_entries=64, show_spinner=False)
def _input_thumbnail(digest: str, visitor: str) -> str:
    """A data address of at most 96 x 96 pixels; empty where the input is gone or no plain picture."""
    try:
        picture = Pillow.fromarray(np.ascontiguousarray(read_picture(current().store.artifacts.read(digest, visitor))))
    except VitrineError:
        return ""
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"

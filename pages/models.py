"""Models: what the registry holds now, its memory budgets, and each model's card; load and unload by hand."""

from __future__ import annotations

import re
from html import escape

import streamlit as st

from backends.core.errors import VitrineError
from backends.registry.catalogue import Hub, ModelCard
from backends.registry.status import MemoryStatus, ModelStatus
from components.lab import current
from components.pieces import bar, chip, facts, heading, nothing_yet, refuse, say
from components.words import byte_size, seconds, short

FRESH_SECONDS = 3.0  # how often the figures are read again; one reading costs well under a millisecond
_HERE = frozenset(("resident", "leased", "retiring"))
_STATES = {
    "absent": ("Not loaded", ""),
    "waiting": ("Waiting for memory", "care"),
    "loading": ("Loading", "on"),
    "resident": ("Ready", "on"),
    "leased": ("In use", "on"),
    "retiring": ("In use, then leaves", "on"),
    "releasing": ("Leaving", ""),
    "failed": ("Failed to load", "care"),
}


@st.fragment(run_every=FRESH_SECONDS)
def show_registry() -> None:
    """Budgets and models, kept fresh."""
    status = current().registry.status()
    budgets = [memory for memory in (status.ram, status.vram) if memory.budget]
    for place, memory in zip(st.columns(2), budgets, strict=False):
        with place, st.container(key=f"vt-card-{memory.name}"):
            _budget(memory)
    if not status.models:
        nothing_yet("No models", "No playground brings one.")
    for model in status.models:
        _model(model, current().catalogue.get(model.id))


def below_the_page(markdown: str) -> str:
    """A card's Markdown without its own title, and with its headings two levels deeper: the page has the first two."""
    text = re.sub(r"\A\s*# [^\n]*\n", "", markdown)
    return re.sub(r"^(#{1,4}) ", r"\1## ", text, flags=re.MULTILINE)


def _budget(memory: MemoryStatus) -> None:
    used, coming = memory.resident / memory.budget, memory.loading / memory.budget
    words = f"{byte_size(memory.resident)} of {byte_size(memory.budget)} used by models"
    name = "Memory (RAM)" if memory.name == "RAM" else "GPU memory (VRAM)"
    st.html(
        f'<div class="vt-budget"><h2>{name}</h2><p>{escape(words)}</p>'
        f"{bar(((used, ''), (coming, 'vt-coming')), words)}"
        f'<p class="vt-muted">{escape(byte_size(memory.free))} free for more models</p></div>'
    )


def _model(model: ModelStatus, card: ModelCard) -> None:
    with st.container(key=f"vt-card-{model.id.replace('/', '-').replace('.', '-')}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            label, kind = _STATES[model.state]
            where = "" if not isinstance(card.source, Hub) else chip("Needs a network")
            st.html(f'<h2 class="vt-line">{escape(model.title)} {chip(label, kind)} {where}</h2>')
            with st.container(horizontal=True, width="content"):
                _buttons(model)
        st.html(facts(_facts(model, card)))
        if model.download_total and model.download_done < model.download_total:
            words = f"{byte_size(model.download_done)} of {byte_size(model.download_total)} fetched"
            st.html(bar(((model.download_done / model.download_total, ""),), words) + f"<p>{escape(words)}</p>")
        if model.error:
            say(model.error, care=True)
        if told := st.session_state.pop(f"vt-told-{model.id}", ""):
            say(told)
        if refused := st.session_state.pop(f"vt-refused-{model.id}", None):
            refuse(refused)
        if card.text:
            with st.expander("Model card"):
                st.markdown(below_the_page(card.text))


def _facts(model: ModelStatus, card: ModelCard) -> dict[str, str]:
    told = {
        "Network": card.family,
        "Weights": short(card.parameters),
        "Memory": byte_size(model.bytes or model.declared_bytes),
        "Device": model.device,
        "In use by": f"{model.leases:,}" if model.leases else "",
        "Uses": f"{model.hits + model.misses:,}",
        "Loads": f"{model.loads:,}",
    }
    if model.loads:
        told["Last load"] = seconds(model.last_load_seconds)
    told["Licence"] = card.licence
    if model.revision:
        told["Digest, verified"] = model.revision[:12]
    return {name: value for name, value in told.items() if value}


def _buttons(model: ModelStatus) -> None:
    here = model.state in _HERE
    if here and st.button("Unload", key=f"unload-{model.id}", disabled=model.leases > 0):
        _do(model.id, "unload")
    busy = model.state in ("loading", "waiting")
    if not here and st.button("Load", key=f"load-{model.id}", disabled=busy):
        _do(model.id, "load")
    if st.button("Verify", key=f"verify-{model.id}", help="Read the weight files again and compare their sha256."):
        _do(model.id, "verify")


def _do(model_id: str, verb: str) -> None:
    """Load, unload or verify, then draw the figures anew; what went wrong is shown in the model's own place."""
    registry = current().registry
    told = {"load": "Loaded.", "unload": "Unloaded.", "verify": "The weight files match their digest."}[verb]
    try:
        with st.spinner({"load": "Loading", "unload": "Unloading", "verify": "Reading the weight files"}[verb]):
            getattr(registry, verb)(model_id)
        st.session_state[f"vt-told-{model_id}"] = told
    except VitrineError as err:
        st.session_state[f"vt-refused-{model_id}"] = err
    st.rerun()


heading(
    "Models",
    "Models are loaded when they are first used, and leave memory again when others need the room. "
    "Each is checked against its digest before it runs.",
)
show_registry()

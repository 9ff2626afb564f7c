"""Import: a session's archive, from the browser straight to the HTTP API, which checks it all before it keeps any."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from components.toasts import toast_next

_HERE = Path(__file__).parent
ADDRESS = "/api/sessions/archive"


def show_import() -> None:
    """The control; when an archive has come in, its session is opened."""
    shown = _component()(key="vt-import", data={"address": ADDRESS}, on_imported_change=_nothing)
    if shown.imported:
        toast_next("Imported.")
        st.query_params["session"] = str(shown.imported)
        st.rerun()


def _nothing() -> None:
    """Streamlit hands out a trigger only where something listens to it."""


@cache
def _component() -> Any:
    return st.components.v2.component(
        "vitrine_import",
        html=_HTML,
        js=(_HERE / "session_import.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )


_HTML = """
<div class="vt-import">
  <span>Import a session that was downloaded as .zip, here or elsewhere.</span>
  <button type="button" class="vt-copy">Choose a file</button>
  <input type="file" accept=".zip,application/zip" hidden aria-label="Session archive">
  <progress max="1" value="0" hidden aria-label="Upload"></progress>
  <p role="status" hidden></p>
</div>
"""

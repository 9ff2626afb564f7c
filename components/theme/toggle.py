"""System, light or dark: a small switch in the shell's header. It changes the theme in place; nothing is reloaded."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent


def theme_toggle(paths: Sequence[str]) -> None:
    """Show the switch. paths: of all pages ('/', '/sessions'), since Streamlit remembers a theme for each."""
    _component()(key="vt-theme", data={"paths": list(paths)}, width="content", height="content")


@cache
def _component() -> Any:
    return st.components.v2.component(
        "vitrine_theme",
        html=(_HERE / "toggle.html").read_text(encoding="utf-8"),
        css=(_HERE / "toggle.css").read_text(encoding="utf-8"),
        js=(_HERE / "toggle.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )

"""'?' in the shell: the keys that do something, on the shell's pages and in playgrounds."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent

# Title -> (keys, what they do). Only what exists: each is held by a browser test of its page.
KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("Everywhere", (("?", "Show these keys"), ("Esc", "Close what is open"))),
    ("Sessions", (("/", "Search your sessions"), ("Enter", "Keep a title"))),
    ("In a playground", (("Ctrl Enter", "Run"), ("Esc", "Stop what runs"), ("S", "Save"), ("C", "Copy the link"))),
    (
        "While presenting",
        (("\u2190 \u2192", "Slide before, slide after"), ("F", "Full screen"), ("N", "Speaker notes")),
    ),
)


def keys_help() -> None:
    """The button in the header, and the list behind it."""
    _component()(key="vt-keys", data={"groups": [list(group) for group in KEYS]}, width="content", height="content")


@cache
def _component() -> Any:
    return st.components.v2.component(
        "vitrine_keys", html=_HTML, js=(_HERE / "keys_help.js").read_text(encoding="utf-8"), isolate_styles=False
    )


_HTML = """
<button type="button" class="vt-keys-open" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)">?</button>
<dialog class="vt-keys" aria-labelledby="vt-keys-title">
  <div>
    <header><h2 id="vt-keys-title">Keyboard shortcuts</h2>
    <button type="button" class="vt-keys-close" aria-label="Close">&times;</button></header>
    <div class="vt-keys-list"></div>
  </div>
</dialog>
"""

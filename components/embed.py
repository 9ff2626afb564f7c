"""The shell's side of a playground: its page in a frame that keeps its state, follows the theme and fits its content.

The other side is components/theme/playground.js; they talk by postMessage within our own origin only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import streamlit as st

from components.address import TOO_LONG, passed_on, too_long
from components.lab import current
from components.pieces import say

_HERE = Path(__file__).parent
FIRST_HEIGHT = 860  # px, before the frame has said how tall it is; about what a playground takes at 1280 px


def show_playground(name: str) -> None:
    """The page of a playground: its frame, with what the page's own address asks for."""
    playground = next(item for item in current().actions.playgrounds if item.name == name)
    asked = passed_on(playground, st.query_params.to_dict())
    if too_long(asked):
        say(TOO_LONG, care=True)
        asked = {}
    playground_frame(name, playground.title, asked)


def playground_address(name: str, params: Mapping[str, str] | None = None) -> str:
    """The address of a playground's own page. params: of the shell's page (components/address.py)."""
    return f"/play/{quote(name, safe='')}/" + (f"?{urlencode(params)}" if params else "")


def playground_frame(name: str, title: str, params: Mapping[str, str] | None = None) -> None:
    """Show a playground. Reruns and theme switches leave the frame as it is; other `params` load it anew.

    title: what screen readers call the frame. The theme of the first paint goes with the address, as `__theme`.
    """
    data = {"address": playground_address(name, params), "name": name, "title": title, "height": FIRST_HEIGHT}
    _component()(key=f"playground-{name}", data=data, height="content")


@cache
def _component() -> Any:
    """The page's element that holds the frame; registered with Streamlit when first used."""
    return st.components.v2.component(
        "vitrine_playground",
        html='<div class="vt-frame"></div>',
        css=(_HERE / "embed.css").read_text(encoding="utf-8"),
        js=(_HERE / "embed.js").read_text(encoding="utf-8"),
        isolate_styles=False,  # the frame lives in the page itself: one document, one set of tokens
    )

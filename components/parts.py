"""What stands under every result besides the frame's own tools: the sweep of the action, and its code.

A part is built where it is made, in the current Gradio block, and joins the frame's events once the frame stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import gradio as gr

from backends.core.action import Action
from backends.core.playground import Playground
from backends.runtime.lab import Lab
from components.coding import CodePart
from components.conduct import Stored
from components.sweeping import SweepPart

if TYPE_CHECKING:
    from components.frame import ActionFrame


class Part(Protocol):
    """places: components that opening the page sets."""

    places: list[Any]

    def opened(self, stored: Stored | None, request: gr.Request) -> list[Any]:
        """Updates of `places` for what the page opens on; None for what was not stored."""

    def wire(self, frame: ActionFrame) -> None:
        """Join the frame's events. Called once, when all of the frame is there."""


def build_parts(playground: Playground, action: type[Action], lab: Lab) -> list[Part]:
    """The parts of one action, built here."""
    return [SweepPart(playground, action, lab), CodePart(playground, action, lab)]

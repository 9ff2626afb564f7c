"""What stands under every result besides the frame's own tools: the sweep of the action, and its code.

A part is built where it is made, in the current Gradio block, and joins the frame's events once the frame stands.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Protocol

from backends.core.action import Action
from backends.core.playground import Playground
from backends.runtime.lab import Lab
from components.conduct import Stored

if TYPE_CHECKING:
    from components.frame import ActionFrame

_PARTS = (("components.sweeping", "SweepPart"), ("components.coding", "CodePart"))


class Part(Protocol):
    """places: components that opening the page sets."""

    places: list[Any]

    def opened(self, stored: Stored | None) -> list[Any]:
        """Updates of `places` for what the page opens on; None for what was not stored."""

    def wire(self, frame: ActionFrame) -> None:
        """Join the frame's events. Called once, when all of the frame is there."""


def build_parts(playground: Playground, action: type[Action], lab: Lab) -> list[Part]:
    """The parts of one action, built here."""
    modules = [(importlib.import_module(module), name) for module, name in _PARTS if importlib.util.find_spec(module)]
    return [getattr(module, name)(playground, action, lab) for module, name in modules if hasattr(module, name)]

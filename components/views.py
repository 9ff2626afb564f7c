"""How results stand on the page: derived from the declared outputs, unless a playground has its own view."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import gradio as gr

from backends.core.action import Action, OutputSpec
from backends.core.results import Figure, Result
from components.figures.drawing import drawing
from components.results_html import result_html

EMPTY = '<p class="vt-empty">Nothing here yet.</p>'


class View(Protocol):
    """The place where results are shown, built inside the current Gradio block."""

    @property
    def components(self) -> list[Any]:
        """The components that `show` updates, in order."""

    def show(self, results: Mapping[str, Result]) -> list[Any]:
        """One update a component for what has been found so far."""


class DerivedView:
    """One place an output, in the order of the declaration."""

    def __init__(self, action: type[Action]) -> None:
        self._specs = action.outputs
        self.components = [self._place(spec) for spec in self._specs]

    def show(self, results: Mapping[str, Result]) -> list[Any]:
        """One update a component; an optional output that is absent is hidden."""
        return [self._update(spec, results.get(spec.name)) for spec in self._specs]

    @staticmethod
    def _place(spec: OutputSpec) -> Any:
        if spec.kind == "figure":
            return gr.Plot(label=spec.title, visible=not spec.optional)
        return gr.HTML(EMPTY, label=spec.title, visible=not spec.optional, elem_classes="vt-result")

    @staticmethod
    def _update(spec: OutputSpec, result: Result | None) -> Any:
        if result is None:
            return gr.update(visible=False) if spec.optional else gr.skip()
        if isinstance(result, Figure):
            return gr.update(value=drawing(result.spec), visible=True)
        return gr.update(value=result_html(result), visible=True)

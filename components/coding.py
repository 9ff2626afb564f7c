"""Code: what the page shows as a program to take away, as a folded section under every action's result.

The program follows the controls while it is seen (theme/code.js asks for it). Once the run that it describes is
recorded, it also carries the digests to compare with, and comes with its inputs as one file.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.core.action import Action
from backends.core.errors import VitrineError
from backends.core.playground import Playground
from backends.experiments import code
from backends.experiments.code import Recipe
from backends.runtime.lab import Lab
from components import status
from components.conduct import Stored
from components.program_html import program_html
from components.visitor import origin_of, visitor_of

if TYPE_CHECKING:
    from components.frame import ActionFrame

_WAYS: dict[str, tuple[str, Callable[[Recipe, str], str]]] = {
    "By HTTP": ("Asks this server. Needs Python and nothing else.", code.by_http),
    "By gradio_client": ("Asks this server, with Gradio's client for Python.", code.by_gradio),
    "Here, in Python": (
        "Computes it with Vitrine's own library, without a server.",
        lambda recipe, _: code.by_import(recipe),
    ),
    "curl": ("Asks this server from a terminal.", code.by_curl),
}
_FIRST = next(iter(_WAYS))


class CodePart:
    """Built inside the current Gradio block. places: nothing that opening the page would set; it asks by itself."""

    def __init__(self, playground: Playground, action: type[Action], lab: Lab) -> None:
        del playground
        self._action = action
        self._lab = lab
        self.places: list[Any] = []
        with gr.Accordion("Code", open=False, elem_classes="vt-code", elem_id="vt-code"):
            self._way = gr.Radio(list(_WAYS), value=_FIRST, label="Program", show_label=False, elem_classes="vt-ways")
            self._program = gr.HTML(
                '<p class="vt-empty">Writing it down ...</p>',
                js_on_load="window.vitrine.code(element, trigger)",
                elem_classes="vt-program-place",
            )

    def opened(self, stored: Stored | None, request: gr.Request) -> list[Any]:
        """Nothing to set."""
        del stored, request
        return []

    def wire(self, frame: ActionFrame) -> None:
        """Show the program when it is asked for."""
        panel = frame.conductor.panel

        def show(request: gr.Request, way: str, run_id: str, *raw: Any) -> str:
            try:
                return self._shown(way, run_id, panel.values(raw), request)
            except VitrineError as err:
                return status.failed(err)

        gr.on(
            [self._program.select, self._way.input],
            show,
            [self._way, frame.run_id, *frame.controls],
            self._program,
            preprocess=False,
            show_progress="hidden",
            api_visibility="private",
            concurrency_limit=None,
            trigger_mode="always_last",
        )

    def _shown(self, way: str, run_id: str, set_to: tuple[dict[str, Any], int], request: gr.Request) -> str:
        """The program for the controls as they stand. Raises BadParameter, NotFound, ModelError."""
        words, write = _WAYS.get(way, _WAYS[_FIRST])
        values, seed = set_to
        recipe = code.recipe_for(self._lab, self._lab.experiment(self._action.parse(values), seed))
        run_id = self._recorded(run_id, recipe, request)
        if run_id:
            run = self._lab.store.runs.get(run_id, visitor_of(request, self._lab))
            recipe = code.recipe_of(self._lab, run)
        return _section(words, write(recipe, origin_of(request)), run_id)

    def _recorded(self, run_id: str, recipe: Recipe, request: gr.Request) -> str:
        """The run's id, if it is of this experiment and done; else empty."""
        try:
            run = self._lab.store.runs.get(run_id, visitor_of(request, self._lab)) if run_id else None
        except VitrineError:  # it has expired meanwhile
            return ""
        is_this = run is not None and run.state == "done" and run.experiment.digest == recipe.experiment.digest
        return run_id if is_this else ""


def _section(words: str, program: str, run_id: str) -> str:
    note = "It compares what it finds with this run." if run_id else "After Run, it also compares what it finds."
    buttons = '<button type="button" data-copy-program>Copy</button>'
    if run_id:
        buttons += f'<a href="/api/runs/{escape(run_id)}/code.zip" download>Download with inputs (.zip)</a>'
    head = f'<div class="vt-program-head"><p>{escape(words)} <span>{note}</span></p><div>{buttons}</div></div>'
    return head + program_html(program)

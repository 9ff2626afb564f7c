"""One action on a page: controls left, result right, wired to its conductor. The same for every playground.

Every change of a control runs a live action at once (the latest wins, nothing is stored); Run records it; Save keeps
it and gives a link.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from backends.core.action import Action
from backends.core.errors import VitrineError
from backends.core.playground import Playground
from backends.runtime.lab import Lab
from components import status
from components.conduct import Conductor, Stored
from components.controls import Panel
from components.parts import build_parts
from components.picture_input import PictureInput
from components.saving import SavePart, Title
from components.views import View
from components.visitor import visitor_of

# Values are judged by the action, so Gradio's own conversion is off; the page has its own status line.
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
_RAW: dict[str, Any] = {"preprocess": False, **_QUIET}


class ActionFrame:
    """Controls, buttons, status and view of one action. Built inside the current Gradio block."""

    def __init__(
        self,
        playground: Playground,
        action: type[Action],
        lab: Lab,
        make_view: Callable[[type[Action]], View],
        title_of: Title,
    ) -> None:
        self.lab, self.playground, self.action = lab, playground, action
        with gr.Row(elem_classes="vt-bench"):
            with gr.Column(elem_classes="vt-input"):
                examples = playground.examples()
                pictures = tuple(PictureInput(p, action, examples) for p in action.parameters() if p.kind == "image")
            with gr.Column(elem_classes="vt-right"):
                with gr.Row(elem_classes="vt-buttons"):
                    self.run_button = gr.Button("Run", variant="primary", elem_id="vt-run")
                    self.stop_button = gr.Button("Stop", interactive=False, elem_id="vt-stop")
                    save_button = gr.Button("Save", elem_id="vt-save")
                    self.status = gr.HTML(status.quiet("Loading"), elem_id="vt-status")
                self.saving = SavePart(playground.name, title_of, save_button)
                view = make_view(action)
                self.parts = build_parts(playground, action, lab)
            with gr.Column(elem_classes="vt-left"):
                panel = Panel(action, lab.catalogue)
        self.run_id = gr.State("")
        self.conductor = Conductor(action, lab, panel, view, pictures)
        self._wire()
        for part in self.parts:
            part.wire(self)

    @property
    def controls(self) -> list[Any]:
        """The components whose values make the action, as `conductor.panel.values` reads them."""
        return self.conductor.panel.inputs

    @property
    def answer(self) -> list[Any]:
        """The components of an answer, in the conductor's order."""
        return [*self.conductor.panel.problems, self.status, *self.conductor.view.components]

    @property
    def everything(self) -> list[Any]:
        """What opening the page sets, in the conductor's order."""
        places = [place for part in self.parts for place in part.places]
        return [*self.controls, *self._going, *places]

    def open(self, stored: Stored | None, request: gr.Request) -> Iterator[list[Any]]:
        """Updates of `everything` when the page opens."""
        parts = [update for part in self.parts for update in part.opened(stored)]
        for updates in self.conductor.open(stored, request):
            yield [*updates, *parts]
            parts = [gr.skip()] * len(parts)

    @property
    def _going(self) -> list[Any]:
        return [*self.answer, self.run_id, self.run_button, self.stop_button]

    def _wire(self) -> None:
        self._wire_controls()
        for picture in self.conductor.pictures:
            self._wire_picture(picture)
        inputs, conductor = self.conductor.panel.inputs, self.conductor

        def run(request: gr.Request, *raw: Any) -> Iterator[list[Any]]:
            yield from conductor.run(raw, request)

        def stop(request: gr.Request, run_id: str) -> None:
            conductor.stop(run_id, request)

        self.run_button.click(run, inputs, self._going, **_RAW)
        self.stop_button.click(stop, self.run_id, None, **_QUIET)
        saved = [*self._going, *self.saving.components]
        self.saving.button.click(self._save, [self.saving.session, *inputs], saved, **_RAW)

    def _wire_controls(self) -> None:
        conductor, inputs = self.conductor, self.conductor.panel.inputs

        def live(request: gr.Request, *raw: Any) -> list[Any]:
            return conductor.live(raw, request)

        def choose_model(request: gr.Request, *raw: Any) -> list[Any]:
            return conductor.choose_model(raw, request)

        changes = []
        for control in conductor.panel.controls:
            if control.parameter.kind == "model":
                everything = [*inputs, *self.answer]
                control.component.input(choose_model, inputs, everything, trigger_mode="always_last", **_RAW)
            elif control.parameter.kind != "image":
                changes.append(control.component.input)
        if conductor.action.live and changes:
            gr.on(changes, live, inputs, self.answer, trigger_mode="always_last", **_RAW)

    def _wire_picture(self, picture: PictureInput) -> None:
        conductor, inputs = self.conductor, self.conductor.panel.inputs

        def dropped(request: gr.Request, path: str | None, *raw: Any) -> list[Any]:
            if not path:
                return [gr.skip()] * (2 + len(inputs) + len(self.answer))
            return [None, picture.unpressed(), *conductor.upload(picture, path, raw, request)]

        def chosen(request: gr.Request, event: gr.EventData, *raw: Any) -> list[Any]:
            return conductor.example(picture, str(event.value), raw, request)

        everything = [*inputs, *self.answer]
        picture.file.upload(dropped, [picture.file, *inputs], [picture.file, picture.strip, *everything], **_QUIET)
        picture.strip.select(chosen, inputs, everything, **_RAW)

    def _save(self, request: gr.Request, session_id: str, *raw: Any) -> Iterator[list[Any]]:
        """Run what the controls say (at once if it was run before), keep it, and give its link."""
        run_id, updates = "", []
        for updates in self.conductor.run(raw, request):
            run_id = updates[-3]
            yield [*updates, *self.saving.stays()]
        try:
            run = self.lab.store.runs.get(run_id, visitor_of(request, self.lab)) if run_id else None
            if run and run.state == "done":
                yield [*([gr.skip()] * len(updates)), *self.saving.keep(run, session_id, self.lab, request)]
        except VitrineError as err:
            yield [*self.conductor.refusal(err), *([gr.skip()] * 3), *self.saving.stays()]

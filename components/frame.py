"""One action on a page: controls left, result right, wired to its conductor. The same for every playground.

Every change of a control runs a live action at once (the latest wins, nothing is stored); Run records it; Save keeps
it and gives a link.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

import gradio as gr

from backends.core.action import Action
from backends.core.errors import VitrineError
from backends.core.playground import Playground
from backends.runtime.lab import Lab
from backends.store.values import Run
from components import status
from components.address import address_of
from components.conduct import Conductor, Stored
from components.controls import Panel
from components.opening import open_on
from components.parts import build_parts
from components.picture_input import PictureInput
from components.saving import SavePart, Title
from components.streaming import streamed
from components.tools import ToolRow
from components.views import View
from components.visitor import visitor_of

# Values are judged by the action, so Gradio's own conversion is off; the page has its own status line.
_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
_RAW: dict[str, Any] = {"preprocess": False, **_QUIET}


class ActionFrame:
    """Controls, buttons, status, view and tools of one action. Built inside the current Gradio block.

    run_id: the last recorded run. state: what the page's address carries (theme/address.js).
    """

    def __init__(
        self,
        playground: Playground,
        action: type[Action],
        lab: Lab,
        make_view: Callable[[type[Action]], View],
        title_of: Title,
    ) -> None:
        self.lab, self.playground, self.action = lab, playground, action
        with gr.Row(elem_classes=["vt-bench", "vt-live"] if action.live else "vt-bench"):
            with gr.Column(elem_classes="vt-input"):
                examples = playground.examples()
                pictures = tuple(PictureInput(p, action, examples) for p in action.parameters() if p.kind == "image")
            with gr.Column(elem_classes="vt-right"):
                with gr.Row(elem_classes="vt-buttons"):
                    self.run_button = gr.Button("Run", variant="primary", elem_id="vt-run")
                    self.stop_button = gr.Button("Stop", interactive=False, elem_id="vt-stop")
                    self.saving = SavePart(playground.name, title_of)
                    self.status = gr.HTML(status.loading(), elem_id="vt-status")
                self.saving.place()
                view = make_view(action)
                self.tools = ToolRow(action.name)
                with gr.Column(elem_classes="vt-parts"):
                    self.parts = build_parts(playground, action, lab)
            with gr.Column(elem_classes="vt-left"):
                panel = Panel(action, lab.catalogue)
        address = address_of(playground, action)
        self.state = _state(address.verb)
        self.run_id = gr.State("")
        self.conductor = Conductor(action, lab, panel, view, pictures, address)
        self._wire()
        self.tools.wire(self, _QUIET, _RAW)
        for part in self.parts:
            part.wire(self)

    @property
    def controls(self) -> list[Any]:
        """The components whose values make the action, as `conductor.panel.values` reads them."""
        return self.conductor.panel.inputs

    @property
    def answer(self) -> list[Any]:
        """The components of an answer, in the conductor's order."""
        return [*self.conductor.panel.problems, self.status, *self.conductor.view.components, self.state]

    @property
    def going(self) -> list[Any]:
        """What a run that is followed sets: the answer, then the run's id and the buttons."""
        return [*self.answer, self.run_id, self.run_button, self.stop_button, self.tools.reproduce]

    @property
    def everything(self) -> list[Any]:
        """What opening the page sets, in the conductor's order, then the places of the parts."""
        places = [place for part in self.parts for place in part.places]
        return [*self.controls, *self.going, *places]

    def open(self, stored: Stored | None, query: Mapping[str, str], request: gr.Request) -> Iterator[list[Any]]:
        """Updates of `everything` when the page opens. query: of its address."""
        parts = [update for part in self.parts for update in part.opened(stored, request)]
        for updates in open_on(self.conductor, stored, query, request):
            yield [*updates, *parts]
            parts = [gr.skip()] * len(parts)

    def recorded(
        self, run_id: str, raw: Sequence[Any], request: gr.Request, tail: list[Any]
    ) -> Generator[list[Any], None, Run | None]:
        """Make sure that what the controls say is a finished run of the visitor's own; returns that run.

        Yields updates of `going` with `tail` behind. What is shown already as a stored run is taken as it is, be its
        model still here or not.
        """
        updates: list[Any] = []
        try:
            run = self._shown(run_id, raw, request)
            if run is None:
                for updates in self.conductor.run(raw, request):
                    yield [*updates, *tail]
                if isinstance(updates[-4], str):
                    run = self.lab.store.runs.get(updates[-4], visitor_of(request, self.lab))
        except VitrineError as err:
            yield [*self.conductor.refusal(err), *([gr.skip()] * 4), *tail]
            return None
        if run is None or run.state != "done":
            return None
        yield [*self.conductor.answer_stays(), run.id, *([gr.skip()] * 3), *tail]
        return run

    def _shown(self, run_id: str, raw: Sequence[Any], request: gr.Request) -> Run | None:
        """The run that is on the page, as the visitor's own, if the controls still say what it was made with."""
        if not run_id:
            return None
        values, seed = self.conductor.panel.values(raw)
        try:
            run = self.lab.store.runs.get(run_id, visitor_of(request, self.lab))
        except VitrineError:
            return None  # expired or erased meanwhile: it is run again
        experiment = run.experiment
        asked = (self.action.name, seed, self.action.parse(values).model_dump())
        if run.state != "done" or (experiment.action, experiment.seed, experiment.values()) != asked:
            return None
        return self.saving.copy(run, self.lab, request)

    def _wire(self) -> None:
        self._wire_controls()
        for picture in self.conductor.pictures:
            self._wire_picture(picture)
        conductor = self.conductor

        def run(request: gr.Request, *raw: Any) -> Iterator[list[Any]]:
            yield from streamed(conductor.run(raw, request))

        def save(request: gr.Request, session_id: str, run_id: str, *raw: Any) -> Iterator[list[Any]]:
            yield from streamed(self._save(request, session_id, run_id, *raw))

        def stop(request: gr.Request, run_id: str) -> None:
            conductor.stop(run_id, request)

        def choices(request: gr.Request) -> Any:
            return self.saving.choices(request, self.lab)

        self.run_button.click(run, self.controls, self.going, **_RAW)
        self.stop_button.click(stop, self.run_id, None, **_QUIET)
        saved = [*self.going, *self.saving.components]
        self.saving.button.click(save, [self.saving.session, self.run_id, *self.controls], saved, **_RAW)
        self.saving.session.focus(choices, None, self.saving.session, **_QUIET)

    def _wire_controls(self) -> None:
        conductor, inputs = self.conductor, self.controls

        def change(request: gr.Request, *raw: Any) -> list[Any]:
            return conductor.live(raw, request) if conductor.action.live else conductor.judge(raw, request)

        def choose_model(request: gr.Request, *raw: Any) -> list[Any]:
            return conductor.choose_model(raw, request)

        changes = [conductor.panel.seed.input] if conductor.panel.seed else []
        for control in conductor.panel.controls:
            if control.parameter.kind == "model":
                everything = [*inputs, *self.answer]
                control.component.input(choose_model, inputs, everything, trigger_mode="always_last", **_RAW)
            elif control.parameter.kind != "image":
                changes.append(control.component.input)
        if changes:
            gr.on(changes, change, inputs, self.answer, trigger_mode="always_last", **_RAW)

    def _wire_picture(self, picture: PictureInput) -> None:
        conductor, inputs = self.conductor, self.controls

        def dropped(request: gr.Request, path: str | None, *raw: Any) -> list[Any]:
            if not path:
                return [gr.skip()] * (1 + len(inputs) + len(self.answer))
            return [None, *conductor.upload(picture, path, raw, request)]

        def chosen(request: gr.Request, event: gr.EventData, *raw: Any) -> list[Any]:
            return conductor.example(picture, str(event.value), raw, request)

        everything = [*inputs, *self.answer]
        picture.file.upload(dropped, [picture.file, *inputs], [picture.file, *everything], **_QUIET)
        picture.strip.select(chosen, inputs, everything, **_RAW)

    def _save(self, request: gr.Request, session_id: str, run_id: str, *raw: Any) -> Iterator[list[Any]]:
        """Record what the controls say (at once where it is known), keep it, and give its link."""
        kept = yield from self.recorded(run_id, raw, request, self.saving.stays())
        try:
            if kept:
                stay = [gr.skip()] * len(self.going)
                yield [*stay, *self.saving.keep(kept, session_id, self.lab, request)]
        except VitrineError as err:
            yield [*self.conductor.refusal(err), *([gr.skip()] * 4), *self.saving.stays()]


def _state(verb: str) -> Any:
    """The hidden place whose value is the state that the address carries."""
    return gr.HTML(
        "",
        html_template=f'<i data-verb="{html.escape(verb)}"></i>',
        js_on_load="window.vitrine.state(element, props, watch)",
        visible="hidden",
        elem_classes="vt-state",
    )

"""Sweep: one or two settings over lists of values, as a folded section under every action's result.

A sweep is an ordinary run of the action's derived sweep: here it is asked for, followed while its grid grows, looked at
in several ways without computing anything again, and saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from backends.core.action import Action, Suggestion
from backends.core.errors import VitrineError
from backends.core.experiment import Experiment
from backends.core.parameters import Value
from backends.core.playground import Playground
from backends.core.results import Grid
from backends.core.sweep import SEEDS_MAX, sweep_of
from backends.runtime.lab import Lab
from backends.store.values import Run
from components import status
from components.conduct import Stored, Updates
from components.grid_html import Look
from components.opening import controls_of
from components.streaming import streamed
from components.sweep_axis import Axis
from components.sweep_conduct import NO_MEASURE, SEEN, SweepConductor, cell_experiment, cell_results, cell_told
from components.visitor import visitor_of

if TYPE_CHECKING:
    from components.frame import ActionFrame

_QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "concurrency_limit": None}
_RAW: dict[str, Any] = {"preprocess": False, **_QUIET}
_GOALS = [("the largest", "largest"), ("the smallest", "smallest")]
_LEAD = '<p class="vt-sweep-lead">Computes this for every value in a list, all else as it is set now.</p>'


class SweepPart:
    """The section of one action, built inside the current Gradio block. Nothing is there for one without settings."""

    def __init__(self, playground: Playground, action: type[Action], lab: Lab) -> None:
        del playground
        self._action, self._lab = action, lab
        self.places: list[Any] = []
        sweep = sweep_of(action)
        if sweep is None:
            return
        self._conductor = SweepConductor(sweep, lab)
        with gr.Accordion("Sweep", open=False, elem_classes="vt-sweep", elem_id="vt-sweep") as self._box:
            gr.HTML(_LEAD)
            with gr.Row(elem_classes="vt-sweep-axes"):
                self._axes = [Axis(name, action, lab.catalogue) for name in ("x", "y")]
            with gr.Row(elem_classes="vt-sweep-axes"):
                self._build_judging()
            with gr.Row(elem_classes="vt-sweep-buttons"):
                self._run = gr.Button("Run sweep", variant="primary", elem_id="vt-sweep-run")
                self._stop = gr.Button("Stop", interactive=False, elem_id="vt-sweep-stop")
                self._save = gr.Button("Save sweep", interactive=False, elem_id="vt-sweep-save")
                self._status = gr.HTML("", elem_classes="vt-sweep-status", elem_id="vt-sweep-status")
            self._grid = gr.HTML(
                "",
                js_on_load="window.vitrine.grid(element, trigger)",
                elem_classes="vt-sweep-grid",
                elem_id="vt-sweep-grid",
            )
            self._lines = gr.HTML("", elem_classes="vt-sweep-chart", elem_id="vt-sweep-chart")
        self._run_id, self._filled = gr.State(""), gr.State("")
        self._to_follow = gr.State("")  # a sweep that was going when the page opened: setting it starts following
        axes = [place for axis in self._axes for place in axis.places]
        seeds = [self._seeds] if self._seeds else []
        self.places = [self._to_follow, self._box, self._filled, *axes, *seeds, self._goal, *self._going[2:]]

    def _build_judging(self) -> None:
        self._show = gr.Dropdown([], label="Show", visible=False, filterable=False, elem_id="vt-sweep-show")
        self._judge = gr.Dropdown([NO_MEASURE], value="", label="Judge by", filterable=False, elem_id="vt-sweep-judge")
        self._goal = gr.Dropdown(_GOALS, value="largest", label="Best is", filterable=False, elem_id="vt-sweep-goal")
        self._seeds = None
        if self._action.seeded:
            self._seeds = gr.Slider(
                1,
                SEEDS_MAX,
                1,
                step=1,
                label="Seeds",
                info="Each cell is computed with so many; two or more give 95 % intervals.",
                buttons=[],
                elem_id="vt-sweep-seeds",
            )

    @property
    def _going(self) -> list[Any]:
        """What a sweep updates, in the conductor's order."""
        problems = [axis.problem for axis in self._axes]
        seen = [self._grid, self._lines, self._show, self._judge]
        return [*problems, self._status, self._run_id, self._run, self._stop, self._save, *seen]

    def opened(self, stored: Stored | None, request: gr.Request) -> Updates:
        """Updates of `places` for what the page opens on: a stored sweep stands as it was saved."""
        if not self.places:
            return []
        going = self._still_going(request)
        follow = going.id if going else gr.skip()
        run, results = stored or (None, {})
        grid = results.get("grid")
        if run is None or run.experiment.action != self._conductor.sweep.name or not isinstance(grid, Grid):
            return [follow, *([gr.skip()] * (len(self.places) - 1))]
        told = run.experiment.values()
        axes = []
        for axis in self._axes:
            name, values = (str(told.get(f"sweep_{axis.name}{part}", "")) for part in ("", "_values"))
            axes += axis.show(name, values, told)
        seeds = [gr.update(value=told.get("sweep_seeds", 1))] if self._seeds else []
        goal = gr.update(value=told.get("sweep_goal", "largest"))
        seen = self._conductor.stored(run, grid)[2:]
        return [follow, gr.update(open=True), _inputs_key(told, self._action), *axes, *seeds, goal, *seen]

    def wire(self, frame: ActionFrame) -> None:
        """Join the frame's events. Called once, when all of the frame is there."""
        if not self.places:
            return
        self._wire_filling(frame)
        self._wire_running(frame)
        self._wire_looking(frame)

    def _wire_filling(self, frame: ActionFrame) -> None:
        axes = [place for axis in self._axes for place in axis.places]

        def opened(request: gr.Request, filled: str, run_id: str, x: str, y: str, *raw: Any) -> Updates:
            return self._fill(frame, filled, run_id, (x, y), raw, request)

        settings = [axis.parameter for axis in self._axes]
        inputs = [self._filled, frame.run_id, *settings, *frame.controls]
        self._box.expand(opened, inputs, [self._filled, *axes, self._judge], **_RAW)
        for axis in self._axes:

            def chosen(request: gr.Request, wanted: str, *raw: Any, axis: Axis = axis) -> Updates:
                values = _values(frame, raw)[0]
                return axis.fill(str(wanted or ""), values, self._hints(values, request))

            axis.parameter.input(chosen, [axis.parameter, *frame.controls], axis.places, **_RAW)

    def _wire_running(self, frame: ActionFrame) -> None:
        seeds = [self._seeds] if self._seeds else []
        asked = [*(item for axis in self._axes for item in axis.inputs), self._show, self._judge, self._goal, *seeds]

        def sweep(request: gr.Request, *raw: Any) -> Iterator[Updates]:
            yield from streamed(self._start(frame, raw[: len(asked)], raw[len(asked) :], request))

        def stop(request: gr.Request, run_id: str) -> None:
            frame.conductor.stop(run_id, request)

        def attach(request: gr.Request, run_id: str) -> Iterator[Updates]:
            yield from streamed(self._attach(run_id, request))

        def save(request: gr.Request, run_id: str, session_id: str) -> Updates:
            try:
                run = self._lab.store.runs.get(run_id, visitor_of(request, self._lab))
                own = frame.saving.copy(run, self._lab, request)
                return [gr.skip(), *frame.saving.keep(own, session_id, self._lab, request)]
            except VitrineError as err:
                return [status.failed(err), *frame.saving.stays()]

        self._run.click(sweep, [*asked, *frame.controls], self._going, **_RAW)
        self._stop.click(stop, self._run_id, None, **_QUIET)
        saved = [self._status, *frame.saving.components]
        self._save.click(save, [self._run_id, frame.saving.session], saved, **_RAW)
        self._to_follow.change(attach, self._to_follow, [self._box, *self._going], **_QUIET)

    def _wire_looking(self, frame: ActionFrame) -> None:
        def look(request: gr.Request, run_id: str, *chosen: Any) -> Updates:
            try:
                seen = self._conductor.look(run_id, _look(chosen), visitor_of(request, self._lab), _tab(request))
                return [gr.skip(), *seen]
            except VitrineError as err:
                return [status.failed(err) if run_id else gr.skip(), gr.skip(), gr.skip()]

        def press(request: gr.Request, event: gr.EventData, run_id: str) -> Updates:
            return self._press(frame, run_id, str(event.value), request)

        menus = [self._show, self._judge, self._goal]
        seen = [self._status, self._grid, self._lines]
        gr.on([menu.input for menu in menus], look, [self._run_id, *menus], seen, **_RAW)
        self._grid.select(press, self._run_id, [*frame.controls, *frame.answer], **_RAW)

    # What the page calls ----------------------------------------------------------------------------------------

    def _fill(
        self,
        frame: ActionFrame,
        filled: str,
        run_id: str,
        chosen: tuple[str, str],
        raw: Sequence[Any],
        request: gr.Request,
    ) -> Updates:
        """The section was unfolded: lists that fit the picture, once for each, and the numbers to judge by."""
        values, seed = _values(frame, raw)
        key = _inputs_key(values, self._action)
        places = sum(len(axis.places) for axis in self._axes)
        if filled == key:
            return [gr.skip()] * (places + 2)
        hints = self._hints(values, request)
        lists = []
        for axis, name in zip(self._axes, chosen, strict=True):
            lists += axis.fill(str(name or ""), values, hints)
        experiment: Experiment | None
        try:
            experiment = frame.conductor.experiment(values, seed)
        except VitrineError:
            experiment = None  # the frame says what is wrong beside its control
        visitor, tab = visitor_of(request, self._lab), _tab(request)
        known = self._conductor.known_measures(experiment, run_id, visitor, tab)
        numbers = [NO_MEASURE, *((title, name) for name, title in known.items())]
        judge = gr.update(choices=numbers, value=next(iter(known), "")) if known else gr.skip()
        return [key, *lists, judge]

    def _start(
        self, frame: ActionFrame, asked: Sequence[Any], raw: Sequence[Any], request: gr.Request
    ) -> Iterator[Updates]:
        """Ask for the sweep that the section and the frame's controls say, and follow it."""
        lists, (show, judge, goal, *seeds) = asked[:6], asked[6:]
        try:
            values, seed = frame.conductor.panel.values(raw)
            told: dict[str, Any] = {"sweep_best": judge or "", "sweep_goal": goal or "largest"}
            told |= self._axes[0].told(*lists[:3]) | self._axes[1].told(*lists[3:])
            told |= {"sweep_seeds": seeds[0]} if seeds else {}
            experiment = self._lab.experiment(self._conductor.sweep.parse({**values, **told}), seed)
            look = _look((show, judge, goal))
            yield from self._conductor.run(experiment, look, visitor_of(request, self._lab), _tab(request))
        except VitrineError as err:
            yield self._refusal(err)

    def _still_going(self, request: gr.Request) -> Run | None:
        """A sweep of this visitor to be followed again; none where the page opens what was saved."""
        opens_session = request.query_params.get("session")
        return None if opens_session else self._conductor.going(visitor_of(request, self._lab))

    def _attach(self, run_id: str, request: gr.Request) -> Iterator[Updates]:
        """The page opened while this sweep of the visitor was going: it is followed again."""
        try:
            visitor = visitor_of(request, self._lab)
            run = self._lab.store.runs.get(run_id, visitor)
            best, goal = (str(run.experiment.parameters.get(name, "")) for name in ("sweep_best", "sweep_goal"))
            for updates in self._conductor.follow(run, _look(("", best, goal)), visitor, _tab(request)):
                yield [gr.update(open=True), *updates]
        except VitrineError as err:
            yield [gr.skip(), *self._refusal(err)]

    def _press(self, frame: ActionFrame, run_id: str, told: str, request: gr.Request) -> Updates:
        """A cell was chosen: the controls as it had them, and all of its results in the main view."""
        conductor = frame.conductor
        controls = conductor.controls_stay()
        try:
            visitor = visitor_of(request, self._lab)
            run, sheet, place = self._conductor.cell(run_id, told, visitor, _tab(request))
            action, experiment = cell_experiment(self._conductor.sweep, run, sheet.grid, place)
            controls = controls_of(conductor, replace(run, experiment=experiment), request)
            results = cell_results(sheet, place)
        except VitrineError as err:
            return [*controls, *conductor.refusal(err)]
        state = conductor.state(action.model_dump(), experiment.seed, request)
        return [*controls, *conductor.answer(cell_told(sheet.grid, place), results, state)]

    # Helpers ----------------------------------------------------------------------------------------------------

    def _refusal(self, err: VitrineError) -> Updates:
        beside = [axis.explain(err) for axis in self._axes]
        line = status.quiet("Not run: see the note beside the list.") if any(beside) else status.failed(err)
        return [*beside, line, *([gr.skip()] * (4 + SEEN))]

    def _hints(self, values: Mapping[str, Value], request: gr.Request) -> dict[str, Suggestion]:
        """What the pictures that are given now suggest."""
        hints: dict[str, Suggestion] = {}
        for item in self._action.parameters():
            if item.kind == "image" and values.get(item.name):
                try:
                    data = self._lab.store.artifacts.read(str(values[item.name]), visitor_of(request, self._lab))
                except VitrineError:
                    continue  # it is gone; the run will say so
                hints |= dict(self._action.suggest(item.name, data))
        return hints


def _values(frame: ActionFrame, raw: Sequence[Any]) -> tuple[dict[str, Value], int]:
    """The controls' values; none where one of them cannot be read, which the frame says beside it."""
    try:
        return frame.conductor.panel.values(raw)
    except VitrineError:
        return {}, 0


def _inputs_key(values: Mapping[str, Value], action: type[Action]) -> str:
    """What the lists were filled for: the pictures and models of these values."""
    wanted = [item.name for item in action.parameters() if item.kind in ("image", "model")]
    return " ".join(str(values.get(name)) for name in wanted) or "filled"


def _look(chosen: Sequence[Any]) -> Look:
    """What the menus say. chosen: output, number, goal."""
    show, judge, goal = chosen
    return Look(str(show or ""), str(judge or ""), goal != "smallest")


def _tab(request: gr.Request) -> str:
    return str(request.session_hash)

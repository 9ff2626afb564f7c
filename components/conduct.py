"""What happens when a visitor uses an action: events in, updates of the page out. No layout here.

Updates come in a fixed order: the panel's controls, then the answer (problems, status line, view), then the run's id
and buttons. Every VitrineError ends as a sentence beside its control or in the status line; results stay on the page.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.core.action import Action, Suggestion
from backends.core.errors import Cancelled, VitrineError
from backends.core.events import Output
from backends.core.experiment import Experiment
from backends.core.parameters import Value
from backends.core.results import Result
from backends.runtime.executor import Final, Produced, Progressed
from backends.runtime.lab import Lab
from backends.store.values import Run
from components import status
from components.controls import SEED, Panel
from components.picture_input import PictureInput
from components.views import View
from components.visitor import visitor_of

PREVIEW = "Preview. Run keeps it among your recent runs; Save gives it a link."
_SETTLED = 1.0  # seconds: what is replayed comes in one burst, of which the browser may draw the last only
_RECENT = 24  # how many recent runs are looked at to find one that is still going

Stored = tuple[Run, Mapping[str, Result]]
Updates = list[Any]


@dataclass(frozen=True)
class Conductor:
    """The handlers of one action on one page."""

    action: type[Action]
    lab: Lab
    panel: Panel
    view: View
    pictures: tuple[PictureInput, ...]

    # What the page calls ----------------------------------------------------------------------------------------

    def live(self, raw: Sequence[Any], request: gr.Request) -> Updates:
        """Run without keeping anything -> answer."""
        values, seed = self.panel.values(raw)
        return self._look(values, seed, request)

    def run(self, raw: Sequence[Any], request: gr.Request) -> Iterator[Updates]:
        """Record a run and follow it -> answer, run id, buttons."""
        try:
            visitor = visitor_of(request, self.lab)
            run = self.lab.runtime.submit(self._experiment(*self.panel.values(raw)), visitor)
        except VitrineError as err:
            yield [*self.refusal(err), "", *_buttons(going=False)]
            return
        yield from self.follow(run.id, visitor, known=run.ended)

    def stop(self, run_id: str, request: gr.Request) -> None:
        """Ask the run to stop; whoever follows it says so."""
        try:
            if run_id:
                self.lab.runtime.cancel(run_id, visitor_of(request, self.lab))
        except VitrineError as err:
            gr.Info(f"{err.sentence} {err.hint}")

    def upload(self, picture: PictureInput, path: str, raw: Sequence[Any], request: gr.Request) -> Updates:
        """A file was dropped: prepare and keep it, move the controls to it -> controls, answer."""
        try:
            data = picture.from_upload(path, self.lab)
        except VitrineError as err:
            return [*self._controls_stay(), *self.refusal(_beside(err, picture))]
        return self._take(picture, data, {}, raw, request)

    def example(self, picture: PictureInput, example_id: str, raw: Sequence[Any], request: gr.Request) -> Updates:
        """An example was chosen -> controls, answer."""
        try:
            example, data = picture.example(example_id)
        except VitrineError as err:
            return [*self._controls_stay(), *self.refusal(_beside(err, picture))]
        return self._take(picture, data, example.values, raw, request)

    def choose_model(self, raw: Sequence[Any], request: gr.Request) -> Updates:
        """Another model was chosen: its labels replace the old ones -> controls, answer."""
        values, seed = self.panel.values(raw)
        values |= {item.name: item.default for item in self.action.parameters() if item.kind == "label"}
        return [*self.panel.show(values), *self._look(values, seed, request)]

    def open(self, stored: Stored | None, request: gr.Request) -> Iterator[Updates]:
        """What the page shows first: a stored run, one that is still going, or the first example -> all updates."""
        if stored and stored[0].experiment.action == self.action.name:
            yield [*self._controls_of(stored[0], request), *self.answer(told(stored[0]), stored[1]), *_idle(stored[0])]
            return
        visitor = visitor_of(request, self.lab)
        for run in self.lab.store.runs.recent(visitor, _RECENT):
            if run.state in ("queued", "running") and run.experiment.action == self.action.name:
                controls, came = self._controls_of(run, request), time.monotonic()
                for updates in self.follow(run.id, visitor):
                    settled = time.monotonic() - came > _SETTLED
                    yield [*(self._controls_stay() if settled else controls), *updates]
                return
        yield [*self._first(request), *_idle(None)]

    def follow(self, run_id: str, visitor: str, *, known: bool = False) -> Iterator[Updates]:
        """Attach to a run, from its beginning to its end -> answer, run id, buttons.

        known: the same experiment had been run before, so nothing was computed this time.
        """
        results: dict[str, Result] = {}
        line = status.running("Waiting for its turn", 0.0)
        for event in self.lab.runtime.watch(run_id, visitor):
            match event:
                case Final():
                    yield [*self._ending(event.run, results, known), run_id, *_buttons(going=False)]
                    return
                case Produced():
                    results[event.name] = event.result
                    continue
                case Progressed():
                    line = status.running(event.sentence, event.fraction, event.seconds_left)
            yield [*self.panel.explain(None), line, *self._view_stays(), run_id, *_buttons(going=True)]

    def refusal(self, err: VitrineError) -> Updates:
        """The error beside its control, or in the status line when it belongs to none -> answer."""
        line = status.quiet("Not run: see the note beside the control.") if self.panel.owns(err) else status.failed(err)
        return [*self.panel.explain(err), line, *self._view_stays()]

    def answer(self, line: str, results: Mapping[str, Result]) -> Updates:
        """Results with a status line, and no complaints -> answer."""
        return [*self.panel.explain(None), line, *self.view.show(results)]

    # Helpers, in the order they are used ------------------------------------------------------------------------

    def _look(self, values: Mapping[str, Value], seed: int, request: gr.Request) -> Updates:
        results: dict[str, Result] = {}
        channel = f"{request.session_hash}:{self.action.name}"
        try:
            experiment = self._experiment(values, seed)
            for event in self.lab.runtime.live(experiment, visitor_of(request, self.lab), channel):
                if isinstance(event, Output):
                    results[event.name] = event.result
        except Cancelled:  # a newer change has taken over and will answer
            return [gr.skip()] * (len(self.panel.problems) + 1 + len(self.view.components))
        except VitrineError as err:
            return self.refusal(err)
        return self.answer(status.quiet(PREVIEW), results)

    def _experiment(self, values: Mapping[str, Value], seed: int) -> Experiment:
        return self.lab.experiment(self.action.parse(values), seed)

    def _take(
        self,
        picture: PictureInput,
        data: bytes,
        values: Mapping[str, Value],
        raw: Sequence[Any],
        request: gr.Request,
    ) -> Updates:
        name = picture.parameter.name
        try:
            visitor, keep = visitor_of(request, self.lab), self.lab.actions.playground_of(self.action.name).keep_hours
            digest = self.lab.store.artifacts.put(visitor, data, "application/octet-stream", keep_hours=keep)
        except VitrineError as err:
            return [*self._controls_stay(), *self.refusal(_beside(err, picture))]
        hints = self.action.suggest(name, data)
        now, seed = self.panel.values(raw)
        if "model" in values and values["model"] != now.get("model"):
            now |= {item.name: item.default for item in self.action.parameters() if item.kind == "label"}
        wanted = {**now, **{key: hint.value for key, hint in hints.items()}, **values, name: digest}
        shown = self.panel.show(wanted, hints)
        if not self.action.live:
            return [*shown, *self.answer(status.quiet("Ready. Press Run."), {})]
        return [*shown, *self._look(wanted, seed, request)]

    def _controls_of(self, run: Run, request: gr.Request) -> Updates:
        values: dict[str, Value] = {**run.experiment.values(), SEED: run.experiment.seed}
        hints: dict[str, Suggestion] = {}
        for picture in self.pictures:
            name = picture.parameter.name
            try:
                data = self.lab.store.artifacts.read(run.experiment.inputs[name], visitor_of(request, self.lab))
            except (KeyError, VitrineError):
                continue  # the picture is gone: the stored result is still shown
            hints |= dict(self.action.suggest(name, data))
        return self.panel.show(values, hints)

    def _first(self, request: gr.Request) -> Updates:
        raw = [item.parameter.default for item in self.panel.controls]
        for picture in self.pictures:
            for example_id in picture.examples:
                return self.example(picture, example_id, raw, request)
        if self.action.live and not self.pictures:
            return [*self._controls_stay(), *self.live(raw, request)]
        return [*self._controls_stay(), *self.answer(status.quiet("Set the controls, then press Run."), {})]

    def _ending(self, run: Run, results: Mapping[str, Result], known: bool) -> Updates:
        if run.state == "done":
            return self.answer(told(run, known=known), results)
        return [*self.panel.explain(None), told(run), *self._view_stays()]

    def _controls_stay(self) -> Updates:
        return [gr.skip()] * len(self.panel.inputs)

    def _view_stays(self) -> Updates:
        return [gr.skip()] * len(self.view.components)


def told(run: Run, *, known: bool = False) -> str:
    """The status line of a run that has ended. known: its result was there before it was asked for."""
    if run.state == "done":
        seconds = run.provenance.get("seconds_running")
        took = f" in {seconds:.2g} s" if isinstance(seconds, int | float) else ""
        return status.done("Known from before: nothing had to be computed." if known else f"Done{took}.")
    if run.state == "cancelled":
        return status.quiet("Stopped. What was on the page before is still there.")
    error = run.error or {}
    sentence = error.get("message") or "This run was interrupted when the server stopped."
    return status.failed(VitrineError(sentence, hint=error.get("hint") or "Press Run again."), run.reference or "")


def _idle(run: Run | None) -> Updates:
    return [run.id if run else "", *_buttons(going=False)]


def _buttons(*, going: bool) -> Updates:
    return [gr.update(interactive=not going), gr.update(interactive=going)]


def _beside(err: VitrineError, picture: PictureInput) -> VitrineError:
    err.field = err.field or picture.parameter.name
    return err

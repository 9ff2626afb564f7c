"""What happens when a visitor uses an action: events in, updates of the page out. No layout here.

Updates come in a fixed order: the panel's controls, then the answer (problems, status line, view, the state that the
address carries), then the run's id and buttons. Every VitrineError ends as a sentence beside its control or in the
status line; results stay on the page.
"""

from __future__ import annotations

import json
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
from components.address import Address
from components.controls import Panel
from components.picture_input import PictureInput
from components.views import View
from components.visitor import visitor_of

PREVIEW = "Preview. Run keeps it among your recent runs; Save gives it a link."
NOTE = "Not run: see the note beside the control."
ANY_PICTURE = "0" * 64  # stands for the picture while the other controls are judged without one

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
    address: Address

    # What the page calls ----------------------------------------------------------------------------------------

    def live(self, raw: Sequence[Any], request: gr.Request) -> Updates:
        """Run without keeping anything -> answer."""
        try:
            values, seed = self.panel.values(raw)
        except VitrineError as err:
            return self.refusal(err)
        return self.look(values, seed, request)

    def judge(self, raw: Sequence[Any], request: gr.Request) -> Updates:
        """A control of an action that is not live was moved: is its value one that can be run? -> answer."""
        try:
            return self._judged(*self.panel.values(raw), request)
        except VitrineError as err:
            return self.refusal(err)

    def run(self, raw: Sequence[Any], request: gr.Request) -> Iterator[Updates]:
        """Record a run and follow it -> answer, run id, buttons."""
        try:
            visitor = visitor_of(request, self.lab)
            run = self.lab.runtime.submit(self.experiment(*self.panel.values(raw)), visitor)
        except VitrineError as err:
            yield [*self.refusal(err), gr.skip(), *buttons(going=False)]
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
            return self._take(picture, data, {}, raw, request, True)
        except VitrineError as err:
            return [*self.controls_stay(), *self.refusal(_beside(err, picture))]

    def example(
        self, picture: PictureInput, example_id: str, raw: Sequence[Any], request: gr.Request, *, moved: bool = True
    ) -> Updates:
        """An example was chosen -> controls, answer. moved: whether the visitor chose it."""
        try:
            example, data = picture.example(example_id)
            return self._take(picture, data, example.values, raw, request, moved)
        except VitrineError as err:
            return [*self.controls_stay(), *self.refusal(_beside(err, picture))]

    def choose_model(self, raw: Sequence[Any], request: gr.Request) -> Updates:
        """Another model was chosen: its labels replace the old ones -> controls, answer."""
        try:
            values, seed = self.panel.values(raw)
        except VitrineError as err:
            return [*self.controls_stay(), *self.refusal(err)]
        values |= {item.name: item.default for item in self.action.parameters() if item.kind == "label"}
        answer = self.look if self.action.live else self._judged
        return [*self.panel.show(values), *answer(values, seed, request)]

    def follow(self, run_id: str, visitor: str, *, known: bool = False) -> Iterator[Updates]:
        """Attach to a run, from its beginning to its end -> answer, run id, buttons.

        known: the same experiment had been run before, so nothing was computed this time.
        """
        results: dict[str, Result] = {}
        line = status.running("Waiting for its turn", 0.0)
        for event in self.lab.runtime.watch(run_id, visitor):
            match event:
                case Final():
                    yield [*self._ending(event.run, results, known), run_id, *buttons(going=False, run_id=run_id)]
                    return
                case Produced():
                    results[event.name] = event.result
                    continue
                case Progressed():
                    line = status.running(event.sentence, event.fraction, event.seconds_left)
            answer = [*self.panel.explain(None), line, *self.view_stays(), gr.skip()]
            yield [*answer, run_id, *buttons(going=True)]

    # Answers ----------------------------------------------------------------------------------------------------

    def look(self, values: Mapping[str, Value], seed: int, request: gr.Request, *, moved: bool = True) -> Updates:
        """Run live with these values -> answer. moved: whether a visitor's change led here."""
        try:
            results = self.glance(values, seed, request)
        except Cancelled:  # a newer change has taken over and will answer
            return self.answer_stays()
        except VitrineError as err:
            return self.refusal(err)
        return self.answer(status.quiet(PREVIEW), results, self.state(values, seed, request, moved=moved))

    def glance(self, values: Mapping[str, Value], seed: int, request: gr.Request) -> dict[str, Result]:
        """The results of a live run. Raises what refuses it, and Cancelled when a newer change took over."""
        channel = f"{request.session_hash}:{self.action.name}"
        experiment = self.experiment(values, seed)
        events = self.lab.runtime.live(experiment, visitor_of(request, self.lab), channel)
        return {event.name: event.result for event in events if isinstance(event, Output)}

    def refusal(self, err: VitrineError) -> Updates:
        """The error beside its control, or in the status line when it belongs to none -> answer."""
        line = status.quiet(NOTE) if self.panel.owns(err) else status.failed(err)
        return [*self.panel.explain(err), line, *self.view_stays(), gr.skip()]

    def answer(self, line: str, results: Mapping[str, Result], state: Any = None) -> Updates:
        """Results with a status line, and no complaints -> answer. state: of the address; None leaves it."""
        return [*self.panel.explain(None), line, *self.view.show(results), gr.skip() if state is None else state]

    def answer_stays(self) -> Updates:
        """No change of the answer."""
        return [gr.skip()] * (len(self.panel.problems) + len(self.view.components) + 2)

    def controls_stay(self) -> Updates:
        """No change of the controls."""
        return [gr.skip()] * len(self.panel.inputs)

    def view_stays(self) -> Updates:
        """No change of the view."""
        return [gr.skip()] * len(self.view.components)

    # Values -----------------------------------------------------------------------------------------------------

    def experiment(self, values: Mapping[str, Value], seed: int) -> Experiment:
        """What the controls ask for. Raises BadParameter, NotFound or ModelError, each beside its control."""
        return self.lab.experiment(self.action.parse(values), seed)

    def state(self, values: Mapping[str, Value], seed: int, request: gr.Request, *, moved: bool = True) -> str:
        """What the page's address carries for these values, as theme/address.js reads it."""
        usual: dict[str, Value] = {}
        examples: dict[str, str] = {}
        for picture in self.pictures:
            digest = str(values.get(picture.parameter.name) or "")
            usual |= self._suggested(picture, digest, request)
            if example_id := picture.example_of(digest):
                examples[picture.parameter.name] = example_id
        own = any(values.get(p.parameter.name) for p in self.pictures if p.parameter.name not in examples)
        query = self.address.write(values, seed, usual, examples)
        return json.dumps({"query": query, "moved": moved, "own": own})

    def place(self, picture: PictureInput, data: bytes, request: gr.Request) -> tuple[str, Mapping[str, Suggestion]]:
        """Keep a prepared picture for the visitor -> its digest, what it suggests. Raises VitrineError."""
        visitor, keep = visitor_of(request, self.lab), self.lab.actions.playground_of(self.action.name).keep_hours
        digest = self.lab.store.artifacts.put(visitor, data, "application/octet-stream", keep_hours=keep)
        hints = self.action.suggest(picture.parameter.name, data)
        example_id = picture.example_of(digest)
        its_own = picture.examples[example_id].values if example_id else {}
        picture.remember(digest, {**{name: hint.value for name, hint in hints.items()}, **its_own})
        return digest, hints

    def with_own_labels(self, values: Mapping[str, Value], now: Mapping[str, Value]) -> dict[str, Value]:
        """`now` with the labels at their defaults where `values` bring another model: those are not its labels."""
        changed = any(
            item.kind == "model" and item.name in values and values[item.name] != now.get(item.name)
            for item in self.action.parameters()
        )
        labels = {item.name: item.default for item in self.action.parameters() if item.kind == "label"}
        return {**now, **labels} if changed else dict(now)

    # Helpers, in the order they are used ------------------------------------------------------------------------

    def _judged(self, values: Mapping[str, Value], seed: int, request: gr.Request) -> Updates:
        try:
            self.action.parse({picture.parameter.name: ANY_PICTURE for picture in self.pictures} | dict(values))
        except VitrineError as err:
            return self.refusal(err)
        state = self.state(values, seed, request)
        return [*self.panel.explain(None), gr.skip(), *self.view_stays(), state]

    def _take(
        self,
        picture: PictureInput,
        data: bytes,
        values: Mapping[str, Value],
        raw: Sequence[Any],
        request: gr.Request,
        moved: bool,
    ) -> Updates:
        digest, hints = self.place(picture, data, request)
        now, seed = self.panel.values(raw)
        suggested = {key: hint.value for key, hint in hints.items()}
        wanted = {**self.with_own_labels(values, now), **suggested, **values, picture.parameter.name: digest}
        shown = self.panel.show(wanted, hints)
        if not self.action.live:
            state = self.state(wanted, seed, request, moved=moved)
            return [*shown, *self.answer(status.quiet("Ready. Press Run."), {}, state)]
        return [*shown, *self.look(wanted, seed, request, moved=moved)]

    def _suggested(self, picture: PictureInput, digest: str, request: gr.Request) -> Mapping[str, Value]:
        found = picture.suggested(digest)
        if found is not None or not digest:
            return found or {}
        try:
            data = self.lab.store.artifacts.read(digest, visitor_of(request, self.lab))
        except VitrineError:
            return {}  # the picture is gone: what it would suggest plays no part any more
        hints = self.action.suggest(picture.parameter.name, data)
        return picture.remember(digest, {name: hint.value for name, hint in hints.items()})

    def _ending(self, run: Run, results: Mapping[str, Result], known: bool) -> Updates:
        if run.state == "done":
            return self.answer(status.ended(run, known=known), results)
        return [*self.panel.explain(None), status.ended(run), *self.view_stays(), gr.skip()]


def idle(run: Run | None) -> Updates:
    """The run's id and buttons while nothing is going on."""
    run_id = run.id if run else ""
    return [run_id, *buttons(going=False, run_id=run_id)]


def buttons(*, going: bool, run_id: str = "") -> Updates:
    """Run, Stop and Reproduce. run_id: of the run that could be reproduced, where it is known now."""
    again = gr.update(interactive=False) if going else gr.update(interactive=True) if run_id else gr.skip()
    return [gr.update(interactive=not going), gr.update(interactive=going), again]


def _beside(err: VitrineError, picture: PictureInput) -> VitrineError:
    err.field = err.field or picture.parameter.name
    return err

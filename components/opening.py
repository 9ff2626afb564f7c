"""What a page shows first: a stored run, one that is still going, what the address asks for, or the first example.

Same updates in the same order as conduct.py. An address restores controls only; nothing it says is recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import gradio as gr

from backends.core.action import Suggestion
from backends.core.errors import BadParameter, Cancelled, NotFound, VitrineError
from backends.core.parameters import Value
from backends.core.sweep import base_of
from backends.runtime.lab import Lab
from backends.store.values import Run
from components import status
from components.address import LINK, Wanted
from components.conduct import ANY_PICTURE, PREVIEW, Conductor, Stored, Updates, idle
from components.controls import SEED, read_seed
from components.visitor import visitor_of

_RECENT = 24  # how many recent runs are looked at to find one that is still going


def open_on(
    conductor: Conductor, stored: Stored | None, query: Mapping[str, str], request: gr.Request
) -> Iterator[Updates]:
    """Updates of everything: controls, answer, run id, buttons. query: of the page's address; a stored run wins."""
    if stored and stored[0].experiment.action == conductor.action.name and stored[0].ended:
        run, results = stored
        yield [*controls_of(conductor, run, request), *conductor.answer(status.ended(run), results), *idle(run)]
        return
    if stored and _is_sweep_of(stored[0], conductor):
        yield [*_under_sweep(conductor, stored[0], request), *idle(None)]
        return
    going = stored[0] if stored and stored[0].experiment.action == conductor.action.name else None
    wanted = conductor.address.read(query)
    going = going or (None if wanted else _going(conductor, conductor.lab, request))
    if going:
        yield from _follow(conductor, going, request)
    elif wanted:
        moved = not any(key in query for key in LINK)  # a link that opens nothing keeps its sentence
        yield [*restored(conductor, wanted, request, moved=moved), *idle(None)]
    else:
        yield [*_first(conductor, request), *idle(None)]


def controls_of(conductor: Conductor, run: Run, request: gr.Request) -> Updates:
    """The controls as the run had them, a sweep's base controls too."""
    values: dict[str, Value] = {**run.experiment.values(), SEED: run.experiment.seed}
    hints: dict[str, Suggestion] = {}
    for picture in conductor.pictures:
        name = picture.parameter.name
        try:
            data = conductor.lab.store.artifacts.read(run.experiment.inputs[name], visitor_of(request, conductor.lab))
        except (KeyError, VitrineError):
            continue  # the picture is gone: the stored result is still shown
        hints |= dict(conductor.action.suggest(name, data))
    return conductor.panel.show(values, hints)


@dataclass
class _Restoring:
    """The values that an address comes to, with what was wrong with it by control."""

    values: dict[str, Value]
    given: set[str]
    seed: int = 0
    hints: dict[str, Suggestion] = field(default_factory=dict)
    problems: dict[str, VitrineError] = field(default_factory=dict)
    usual: dict[str, Value] = field(default_factory=dict)

    def refuse(self, err: VitrineError, name: str) -> bool:
        """Put the usual value in the place of a given one and keep the sentence. False if it was not given."""
        if name not in self.given:
            return False
        err.field = name
        self.problems.setdefault(name, err)
        self.given.discard(name)
        self.values[name] = self.usual[name]
        return True


def restored(conductor: Conductor, wanted: Wanted, request: gr.Request, *, moved: bool = True) -> Updates:
    """Controls and answer as an address asks for; what cannot be had keeps its default, with a sentence beside it.

    moved: whether the address is then written anew, with what was taken of it.
    """
    usual = {item.name: item.default for item in conductor.action.parameters()}
    found = _Restoring({}, set(wanted.values), usual=usual)
    _place_pictures(conductor, wanted, found, request)
    now = conductor.with_own_labels(wanted.values, found.usual)
    found.usual |= {name: value for name, value in now.items() if name not in wanted.values}
    found.values = {**found.usual, **wanted.values, **{name: found.values[name] for name in found.values}}
    try:
        found.seed = read_seed(wanted.seed) if wanted.seed is not None else 0
    except BadParameter as err:
        found.problems[SEED] = err
    _judge(conductor, found)
    answer, more = _answered(conductor, found, request, moved)
    shown = conductor.panel.show({**found.values, SEED: found.seed}, found.hints)
    told = conductor.panel.explain(*found.problems.values(), *more)
    return [*shown, *told, *answer[len(told) :]]


def _place_pictures(conductor: Conductor, wanted: Wanted, found: _Restoring, request: gr.Request) -> None:
    """The picture that the address names, else the first example."""
    for picture in conductor.pictures:
        name = picture.parameter.name
        first = next(iter(picture.examples), "")
        chosen = wanted.examples.get(name, "" if name in wanted.values else first)
        try:
            if chosen:
                _take_example(conductor, found, name, chosen, request)
            else:
                _take_digest(conductor, found, name, str(wanted.values.get(name, "")), request)
        except VitrineError as err:
            err.field = name
            found.problems[name] = err
            found.values[name] = None
            if first and first != chosen:
                _take_example(conductor, found, name, first, request)
        found.given.discard(name)


def _take_example(conductor: Conductor, found: _Restoring, name: str, example_id: str, request: gr.Request) -> None:
    picture = next(item for item in conductor.pictures if item.parameter.name == name)
    example, data = picture.example(example_id)
    digest, hints = conductor.place(picture, data, request)
    found.hints |= hints
    found.usual |= {key: hint.value for key, hint in hints.items()} | dict(example.values)
    found.values[name] = digest


def _take_digest(conductor: Conductor, found: _Restoring, name: str, digest: str, request: gr.Request) -> None:
    if not digest:
        return
    try:
        data = conductor.lab.store.artifacts.read(digest, visitor_of(request, conductor.lab))
    except VitrineError as err:
        raise NotFound("The picture of this address is not here for you.", hint="Give it again.") from err
    hints = conductor.action.suggest(name, data)
    found.hints |= hints
    found.usual |= {key: hint.value for key, hint in hints.items()}
    found.values[name] = digest


def _judge(conductor: Conductor, found: _Restoring) -> None:
    """Leave only values that the action takes and the catalogue has."""
    panel = conductor.panel
    for item in conductor.action.parameters():
        if item.kind == "model" and found.values[item.name] not in [value for _, value in panel.models(item)]:
            found.refuse(NotFound("There is no such model here.", hint="Choose another one."), item.name)
    for item in conductor.action.parameters():
        if item.kind == "label":
            labels = [value for _, value in panel.labels(item, str(found.values[item.of]))]
            if found.values[item.name] not in labels:
                found.refuse(BadParameter("This model has no such class.", hint="Choose one of its own."), item.name)
    pictures = {picture.parameter.name: ANY_PICTURE for picture in conductor.pictures}
    for _ in range(len(found.given) + 1):
        try:
            conductor.action.parse(found.values | pictures)
            return
        except BadParameter as err:
            if not found.refuse(err, err.field):
                return


def _answered(
    conductor: Conductor, found: _Restoring, request: gr.Request, moved: bool
) -> tuple[Updates, tuple[VitrineError, ...]]:
    """The answer for the restored values; what only a run can tell to be wrong is put aside as well."""
    while True:
        values = {name: value for name, value in found.values.items() if value is not None}
        try:
            results = conductor.glance(values, found.seed, request) if conductor.action.live else {}
        except Cancelled:
            return conductor.answer_stays(), ()
        except VitrineError as err:
            if not found.refuse(err, err.field):
                return conductor.refusal(err), (err,)
            continue
        line = PREVIEW if conductor.action.live else "Set the controls, then press Run."
        state = conductor.state(values, found.seed, request, moved=moved)
        return conductor.answer(status.quiet(line), results, state), ()


def _is_sweep_of(run: Run, conductor: Conductor) -> bool:
    try:
        action = conductor.lab.actions.get(run.experiment.action)
    except NotFound:
        return False
    return action is not conductor.action and base_of(action) is conductor.action


def _under_sweep(conductor: Conductor, run: Run, request: gr.Request) -> Updates:
    """The base controls of a stored sweep, with the answer that they give by themselves."""
    shown = controls_of(conductor, run, request)
    if not conductor.action.live:
        return [*shown, *conductor.answer(status.quiet("The sweep is below. Run computes one result."), {})]
    names = {item.name for item in conductor.action.parameters()}
    values = {name: value for name, value in run.experiment.values().items() if name in names}
    answer = conductor.look(values, run.experiment.seed, request)
    return [*shown, *answer[:-1], gr.skip()]


def _going(conductor: Conductor, lab: Lab, request: gr.Request) -> Run | None:
    for run in lab.store.runs.recent(visitor_of(request, lab), _RECENT):
        if run.state in ("queued", "running") and run.experiment.action == conductor.action.name:
            return run
    return None


def _follow(conductor: Conductor, run: Run, request: gr.Request) -> Iterator[Updates]:
    controls = controls_of(conductor, run, request)
    for updates in conductor.follow(run.id, visitor_of(request, conductor.lab)):
        yield [*controls, *updates]
        controls = conductor.controls_stay()


def _first(conductor: Conductor, request: gr.Request) -> Updates:
    raw = [item.parameter.default for item in conductor.panel.controls] + [0]
    for picture in conductor.pictures:
        for example_id in picture.examples:
            return conductor.example(picture, example_id, raw, request, moved=False)
    if conductor.action.live and not conductor.pictures:
        return [*conductor.controls_stay(), *conductor.look(*conductor.panel.values(raw), request, moved=False)]
    return [*conductor.controls_stay(), *conductor.answer(status.quiet("Set the controls, then press Run."), {})]

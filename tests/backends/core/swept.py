"""A small playground to sweep, and a laboratory for it and for the medical viewer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import numpy as np

from backends.core.action import Action, Job, OutputSpec
from backends.core.errors import BadInput, OutOfMemory, VitrineError
from backends.core.events import Event, Output, Progress
from backends.core.identity import Identity
from backends.core.limits import Limits
from backends.core.parameters import choice, integer, label, number, text, toggle
from backends.core.playground import Actions, Playground
from backends.core.results import File, Grid, Number, Result, Text
from backends.core.seeds import generator
from backends.medical.playground import PLAYGROUND as MEDICAL
from backends.registry.catalogue import Catalogue
from backends.registry.registry import Registry
from backends.runtime.executor import Final, Produced, RunEvent
from backends.runtime.lab import Lab
from backends.runtime.local import LocalRuntime
from backends.store.store import Store
from backends.store.values import Run


class Dice(Action):
    """Throw dice, or fail as asked."""

    name: ClassVar[str] = "dice/throw"
    title: ClassVar[str] = "Throw"
    seeded: ClassVar[bool] = True
    outputs: ClassVar[tuple[OutputSpec, ...]] = (
        OutputSpec("mean", "number", "Mean"),
        OutputSpec("blob", "file", "Bytes", optional=True),
    )
    sides: int = integer(6, title="Sides", minimum=2, maximum=100, help="Of each.")
    bias: float = number(0, title="Bias", minimum=-5, maximum=5, step=0.5, unit="points", help="Added to each.")
    how: str = choice(
        "sum",
        title="How",
        options=[("The sum", "sum"), ("The product, squared", "product"), ("3", "three"), ("three", "3")],
        help="What is told.",
    )
    lucky: bool = toggle(False, title="Lucky", help="At least three.")
    word: str = label("any", title="Word", help="Of the label.", of="how")
    fails: str = text("", title="Fails", help="Values of bias that fail: 'sides' or 'memory' first.", max_length=50)
    size: int = integer(0, title="Size", minimum=0, maximum=2**27, help="Of the file, in bytes.")

    def run(self, job: Job) -> Iterator[Event]:
        yield Progress(0.5, "Throwing")
        if self.word == "unknown":
            raise BadInput("There is no such word.", hint="Choose another.")
        if self.fails == "memory" and self.bias > 0:
            raise OutOfMemory("Not enough memory.", needed=2, free=1, held_by={})
        if self.fails == "all" or (self.fails == "some" and self.bias > 0):
            raise BadInput("The die fell off the table.", hint="Throw again.")
        thrown = generator(job.seed, "dice").integers(3 if self.lucky else 1, self.sides, endpoint=True, size=5)
        name = f"Mean of {self.sides} sides" if self.fails == "titles" else "Mean"
        yield Output("mean", Number(float(np.mean(thrown)) + self.bias, name, "points"))
        yield Output("note", Text(f"{thrown.tolist()}"))
        if self.size:
            yield Output("blob", File("blob.bin", "application/octet-stream", bytes(self.size)))


DICE = Playground("dice", "Dice", "For tests.", (Dice,))


@contextmanager
def swept_lab(folder: Path, workers: int = 1) -> Iterator[Lab]:
    """Both playgrounds, really running."""
    actions, limits = Actions([DICE, MEDICAL]), Limits()
    from backends.medical.models import models

    registry = Registry(Catalogue(models()))
    store = Store.open(f"sqlite:///{folder / 'lab.db'}", folder / "artifacts", limits)
    runtime = LocalRuntime(actions, registry, store, workers=workers, version="test")
    runtime.start()
    yield Lab(actions, registry.catalogue, registry, store, runtime, Identity("a secret of some length"), limits, "t")
    runtime.close(0)
    registry.close()
    store.close()


def follow(lab: Lab, action: Action, seed: int = 0, visitor: str = "ann", *, fresh: bool = False) -> list[RunEvent]:
    """Submit and watch to the end."""
    run = lab.runtime.submit(lab.experiment(action, seed), visitor, fresh=fresh)
    return list(lab.runtime.watch(run.id, visitor))


def ended(events: list[RunEvent]) -> Run:
    """How it ended."""
    assert isinstance(events[-1], Final)
    return events[-1].run


def results(events: list[RunEvent]) -> dict[str, Result]:
    """What was found; the run must be done."""
    run = ended(events)
    assert run.state == "done", run.error
    return {event.name: event.result for event in events if isinstance(event, Produced)}


def grid_of(events: list[RunEvent]) -> Grid:
    """The grid that was found."""
    grid = results(events)["grid"]
    assert isinstance(grid, Grid)
    return grid


def refusal(do) -> VitrineError:
    """The error that `do` raises."""
    try:
        do()
    except VitrineError as err:
        return err
    raise AssertionError("nothing was refused")

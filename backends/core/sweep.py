"""A sweep: one or two parameters of an action over lists of values, the rest as it stands, as an action of its own.

Because it is an action, a sweep is run, stopped, saved, replayed, shared and called like any other. It is derived from
the base action's declaration; nothing is written for it in a playground.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Self

from pydantic import create_model

from backends.core.action import Action, Job, OutputSpec
from backends.core.cancellation import Cancellation
from backends.core.encoding import encode
from backends.core.errors import BadParameter, TooLarge
from backends.core.events import Event, Output, Progress
from backends.core.experiment import Experiment
from backends.core.grids import best_sentence, grid_table, values_at, words_at
from backends.core.measures import measures
from backends.core.parameters import Parameter, choice, integer, text
from backends.core.results import Axis, Encoded, Grid, GridCell, Result, Text
from backends.core.seeds import SEED_MAX
from backends.core.sweep_values import read_values, shown

SUFFIX = "/sweep"
SWEPT = ("number", "integer", "choice", "toggle", "label", "model")  # kinds of parameter that can be an axis
CELLS_MAX = 100
RUNS_MAX = 400
BYTES_MAX = 128 * 2**20  # of a grid: it is held in memory while it is computed and shown
_VALUES_MAX = 4000  # characters


@dataclass(frozen=True)
class Plan:
    """What a sweep will run. cells: (place, action) in reading order."""

    x: Axis
    y: Axis | None
    cells: tuple[tuple[tuple[int, int], Action], ...]
    seeds: int


class Sweep(Action):
    """Base of every derived sweep. base: the action that is swept."""

    base: ClassVar[type[Action]]
    sweep_x: str
    sweep_x_values: str
    sweep_y: str
    sweep_y_values: str
    sweep_seeds: int
    sweep_best: str
    sweep_goal: str

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Build the sweep, and each of its cells. Raises BadParameter beside the list of values that is wrong.

        A swept parameter's own value plays no part, so it becomes the first of the list: equal sweeps are equal.
        """
        first = super().parse(values)
        plan = first.plan()
        fixed = values_at(Grid(plan.x, plan.y, {}, {}, plan.seeds), (0, 0))
        return super().parse({**values, **fixed})

    @classmethod
    def from_experiment(cls, experiment: Experiment) -> Self:
        """Build the sweep that an experiment names. Raises BadParameter, NewerSchema."""
        experiment.check_form()
        return cls.parse({name: value for name, value in experiment.values().items() if "." not in name})

    def models(self) -> dict[str, str]:
        """The models it needs: those of the base, and each value of a swept one as '<axis>.<place in the list>'."""
        found = super().models()
        kinds = {item.name: item.kind for item in self.base.parameters()}
        plan = self.plan()
        for name, axis in (("sweep_x_values", plan.x), ("sweep_y_values", plan.y)):
            if axis is not None and kinds[axis.parameter] == "model":
                found |= {f"{name}.{index}": str(value) for index, value in enumerate(axis.values)}
        return found

    def plan(self) -> Plan:
        """Axes and cells. Raises BadParameter."""
        x = self._axis("sweep_x")
        y = self._axis("sweep_y") if self.sweep_y else None
        if y is not None and y.parameter == x.parameter:
            raise BadParameter("Both axes are the same setting.", hint="Choose another one.", field="sweep_y")
        count = len(x.values) * (len(y.values) if y else 1)
        if count > CELLS_MAX or count * self.sweep_seeds > RUNS_MAX:
            raise BadParameter(
                f"This sweep has {count} cells with {self.sweep_seeds} seeds each.",
                hint=f"At most {CELLS_MAX} cells and {RUNS_MAX} runs in all can be swept: shorten a list.",
                field="sweep_x_values",
            )
        shared = {name: getattr(self, name) for name in self.base.model_fields}
        empty = Grid(x, y, {}, {}, self.sweep_seeds)
        places = [(column, row) for row in range(len(y.values) if y else 1) for column in range(len(x.values))]
        cells = tuple((place, self._cell(shared | values_at(empty, place), y is not None)) for place in places)
        return Plan(x, y, cells, self.sweep_seeds)

    def run(self, job: Job) -> Iterator[Event]:
        """Yields the grid after each cell, then its table and the best cell. Raises what the base raises, TooLarge."""
        plan = self.plan()
        total, done, size = len(plan.cells) * plan.seeds, 0, 0
        names: dict[str, str] = {}
        grid = Grid(plan.x, plan.y, {}, names, plan.seeds, f"Sweep of {self.base.title}")
        for place, action in plan.cells:
            kept: dict[str, Encoded] = {}
            found: dict[str, list[float]] = {}
            for repeat in range(plan.seeds):
                yield Progress(done / total, f"{done + 1} of {total}: {words_at(grid, place)}")
                results = _found(action, _Seeded(job, (job.seed + repeat) % (SEED_MAX + 1)))
                done += 1
                for key, measure in measures(results).items():
                    names[key] = measure.title
                    found.setdefault(key, []).append(measure.value)
                if repeat == 0:
                    kept = {name: encode(result) for name, result in results.items()}
            size += sum(len(item.data) for item in kept.values())
            if size > BYTES_MAX:
                raise TooLarge(
                    f"This grid would have more than {BYTES_MAX // 2**20} MiB.", hint="Sweep fewer values at a time."
                )
            cell = GridCell(kept, {key: tuple(values) for key, values in found.items()})
            grid = Grid(grid.x, grid.y, {**grid.cells, place: cell}, dict(names), plan.seeds, grid.title)
            yield Output("grid", grid)
        yield Output("table", grid_table(grid))
        if self.sweep_best and self.sweep_best in names:
            yield Output("best", Text(best_sentence(grid, self.sweep_best, largest=self.sweep_goal == "largest")))

    def _cell(self, values: Mapping[str, Any], two: bool) -> Action:
        try:
            return self.base.parse(values)
        except BadParameter as err:
            axis = {self.sweep_x: "sweep_x_values"} | ({self.sweep_y: "sweep_y_values"} if two else {})
            raise BadParameter(err.sentence, hint=err.hint, field=axis.get(err.field, err.field)) from err

    def _axis(self, name: str) -> Axis:
        wanted = getattr(self, name)
        parameter = next(item for item in self.base.parameters() if item.name == wanted)
        values = read_values(parameter, getattr(self, f"{name}_values"), f"{name}_values")
        labels = tuple(shown(parameter, value) for value in values)
        return Axis(parameter.name, parameter.title, parameter.unit, values, labels)


@cache
def sweep_of(base: type[Action]) -> type[Sweep] | None:
    """The sweep over an action's parameters; None where it has none that can be swept."""
    swept = [item for item in base.parameters() if item.kind in SWEPT]
    if not swept or issubclass(base, Sweep):
        return None
    bases: Any = (Sweep, base)
    make: Any = create_model
    made: type[Sweep] = make(
        f"{base.__name__}Sweep", __base__=bases, __module__=base.__module__, **_fields(base, swept)
    )
    made.__doc__ = f"{base.title} with one or two settings over lists of values; every cell is a run of its own."
    made.name, made.title, made.base = base.name + SUFFIX, f"Sweep: {base.title}", base
    made.live, made.seeded = False, base.seeded
    made.outputs = (
        OutputSpec("grid", "grid", "Grid"),
        OutputSpec("best", "text", "Best cell", optional=True),
        OutputSpec("table", "table", "Numbers of all cells"),
    )
    return made


def base_of(action: type[Action]) -> type[Action]:
    """The action that a sweep is over; any other action itself."""
    return action.base if issubclass(action, Sweep) else action


class _Seeded:
    """The job of one cell: the sweep's own, with another seed."""

    def __init__(self, job: Job, seed: int) -> None:
        self._job = job
        self.seed = seed

    @property
    def cancellation(self) -> Cancellation:
        return self._job.cancellation

    def read(self, digest: str) -> bytes:
        return self._job.read(digest)

    def lease(self, model_id: str) -> AbstractContextManager[Any]:
        return self._job.lease(model_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)  # what a runtime offers beyond the protocol: batching


def _found(action: Action, job: Job) -> dict[str, Result]:
    results: dict[str, Result] = {}
    for event in action.run(job):
        job.cancellation.check()
        if isinstance(event, Output):
            results[event.name] = event.result
    return results


def _fields(base: type[Action], swept: Sequence[Parameter]) -> dict[str, Any]:
    """The sweep's own settings, as `create_model` takes them."""
    options = [(item.title, item.name) for item in swept]
    listed = "Values with commas between; 0..1:5 means five values from 0 to 1."
    return {
        "sweep_x": (str, choice(swept[0].name, title="Across", options=options, help="Changes from column to column.")),
        "sweep_x_values": (str, text("", title="Values across", max_length=_VALUES_MAX, help=listed)),
        "sweep_y": (
            str,
            choice("", title="Down", options=[("Nothing", ""), *options], help="Changes from row to row."),
        ),
        "sweep_y_values": (str, text("", title="Values down", max_length=_VALUES_MAX, help=listed)),
        "sweep_seeds": (
            int,
            integer(
                1,
                title="Seeds",
                minimum=1,
                maximum=20 if base.seeded else 1,
                help="How many seeds each cell is computed with; two or more give 95 % intervals.",
            ),
        ),
        "sweep_best": (
            str,
            text("", title="Judge by", max_length=200, help="The result's number by which the best cell is chosen."),
        ),
        "sweep_goal": (
            str,
            choice(
                "largest",
                title="Best is",
                options=[("the largest", "largest"), ("the smallest", "smallest")],
                help="Whether more or less of that number is better.",
            ),
        ),
    }

"""A sweep: one or two parameters of an action over lists of values, the rest as it stands, as an action of its own.

Because it is an action, a sweep is run, stopped, saved, replayed, shared and called like any other. It is derived from
the base action's declaration; nothing is written for it in a playground.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar, Self

from pydantic import create_model

from backends.core.action import Action, Job, OutputSpec
from backends.core.encoding import encode
from backends.core.errors import BadParameter, Cancelled, OutOfMemory, VitrineError
from backends.core.events import Event, Output, Progress
from backends.core.experiment import Experiment
from backends.core.grids import best_sentence, grid_table, places, values_at, words_at
from backends.core.measures import measures
from backends.core.parameters import Parameter, choice, integer, text
from backends.core.results import Axis, Encoded, Grid, GridCell, Result, Text
from backends.core.seeds import SEED_MAX
from backends.core.sweep_cells import SeededJob, Tally
from backends.core.sweep_values import read_values, shown, usual_values, write_values

SUFFIX = "/sweep"
SWEPT = ("number", "integer", "choice", "toggle", "label", "model")  # kinds of parameter that can be an axis
CELLS_MAX = 100
RUNS_MAX = 400
SEEDS_MAX = 20
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
    long: ClassVar[bool] = True
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

        Equal sweeps are equal however they were written: lists get one spelling, and what plays no part (a swept
        setting's own value, a list without an axis, a goal without a number) its usual value.
        """
        first = super().parse(values)
        plan = first.plan()
        fixed = values_at(Grid(plan.x, plan.y, {}, {}, plan.seeds), (0, 0))
        lists = {"sweep_x_values": write_values(plan.x.values)}
        lists["sweep_y_values"] = write_values(plan.y.values) if plan.y else ""
        goal = {} if first.sweep_best else {"sweep_goal": "largest"}
        return super().parse({**values, **fixed, **lists, **goal})

    @classmethod
    def from_experiment(cls, experiment: Experiment) -> Self:
        """Build the sweep that an experiment names. Raises BadParameter, NewerSchema."""
        experiment.check_form()
        return cls.parse({name: value for name, value in experiment.values().items() if "." not in name})

    def models(self) -> dict[str, str]:
        """The models it needs: those of the base, and each value of a swept one as '<axis>.<place in the list>'."""
        found = super().models()
        kinds = {item.name: item.kind for item in self.base.parameters()}
        for name in ("sweep_x", "sweep_y"):
            if kinds.get(getattr(self, name)) == "model":
                values = self._axis(name).values
                found |= {f"{name}_values.{index}": str(value) for index, value in enumerate(values)}
        return found

    def plan(self) -> Plan:
        """Axes and cells. Raises BadParameter."""
        x = self._axis("sweep_x")
        y = self._axis("sweep_y") if self.sweep_y else None
        if y is not None and y.parameter == x.parameter:
            raise BadParameter("Both axes are the same setting.", hint="Choose another one.", field="sweep_y")
        empty = Grid(x, y, {}, {}, self.sweep_seeds)
        every = places(empty)
        if len(every) > CELLS_MAX or len(every) * self.sweep_seeds > RUNS_MAX:
            raise BadParameter(
                f"This sweep has {len(every)} cells and {len(every) * self.sweep_seeds} runs.",
                hint=f"At most {CELLS_MAX} cells and {RUNS_MAX} runs in all can be swept: shorten a list.",
                field="sweep_x_values",
            )
        shared = {name: getattr(self, name) for name in self.base.model_fields}
        cells = tuple((place, self._cell(shared | values_at(empty, place))) for place in every)
        return Plan(x, y, cells, self.sweep_seeds)

    def run(self, job: Job) -> Iterator[Event]:
        """Yields the grid after each cell, then its table and the best cell.

        A cell that cannot be computed says why and the rest goes on. Raises the first problem where there is nothing
        else, Cancelled, OutOfMemory, and TooLarge as soon as the grid is bound to be too large.
        """
        plan = self.plan()
        tally = Tally(len(plan.cells) * plan.seeds, {spec.name: spec.title for spec in self.base.outputs})
        grid = Grid(plan.x, plan.y, {}, {}, plan.seeds, f"Sweep of {self.base.title}")
        for place, action in plan.cells:
            cell = yield from self._compute(action, job, tally, words_at(grid, place))
            grid = replace(grid, cells={**grid.cells, place: cell}, measures=dict(tally.titles))
            tally.add(cell, len(grid.cells), len(plan.cells))
            yield Output("grid", grid)
        if tally.problem is not None and all(cell.problem for cell in grid.cells.values()):
            raise tally.problem
        yield Output("table", grid_table(grid))
        if self.sweep_best:
            yield Output("best", Text(best_sentence(grid, self.sweep_best, largest=self.sweep_goal == "largest")))

    def _compute(self, action: Action, job: Job, tally: Tally, words: str) -> Generator[Event, None, GridCell]:
        """One cell with all its seeds; its results are those of the first."""
        kept: dict[str, Encoded] = {}
        found: dict[str, list[float]] = {}
        for repeat in range(self.sweep_seeds):
            seeded = SeededJob(job, (job.seed + repeat) % (SEED_MAX + 1))
            try:
                results = yield from _results(action, seeded, tally, words)
            except (Cancelled, OutOfMemory):
                raise
            except VitrineError as err:
                tally.failed(err)
                tally.done += self.sweep_seeds - repeat
                return GridCell({}, {}, f"{err.sentence} {err.hint}".strip())
            tally.done += 1
            for key, measure in measures(results).items():
                tally.name(key, measure)
                found.setdefault(key, []).append(measure.value)
            kept = kept or {name: encode(result) for name, result in results.items()}
        return GridCell(kept, {key: tuple(values) for key, values in found.items()})

    def _cell(self, values: Mapping[str, Any]) -> Action:
        try:
            return self.base.parse(values)
        except BadParameter as err:
            lists = {self.sweep_y: "sweep_y_values", self.sweep_x: "sweep_x_values"}
            raise BadParameter(err.sentence, hint=err.hint, field=lists.get(err.field, err.field)) from err

    def _axis(self, name: str) -> Axis:
        wanted = getattr(self, name)
        parameter = next(item for item in self.base.parameters() if item.name == wanted)
        told = getattr(self, f"{name}_values") or usual_values(parameter)
        values = read_values(parameter, told, f"{name}_values")
        labels = tuple(shown(parameter, value) for value in values)
        return Axis(parameter.name, parameter.title, parameter.unit, values, labels)


def _results(action: Action, job: Job, tally: Tally, words: str) -> Generator[Event, None, dict[str, Result]]:
    """Run one cell once, telling how far the whole sweep is."""
    results: dict[str, Result] = {}
    sentence = f"{tally.done + 1} of {tally.total}: {words}"
    yield Progress(tally.done / tally.total, sentence)
    events = action.run(job)
    try:
        for event in events:
            job.cancellation.check()
            if isinstance(event, Output):
                results[event.name] = event.result
            else:
                within = min(1.0, max(0.0, event.fraction))
                yield Progress((tally.done + within) / tally.total, sentence)
    finally:
        close = getattr(events, "close", None)  # generators have it: their leases end here
        if close is not None:
            close()
    return results


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


def first_axis(swept: Sequence[Parameter]) -> Parameter:
    """What one would sweep first: a number that is not among the advanced settings, else whatever comes first."""
    numbers = [item for item in swept if item.kind in ("number", "integer")]
    return next((item for item in numbers if not item.advanced), (numbers or list(swept))[0])


def _fields(base: type[Action], swept: Sequence[Parameter]) -> dict[str, Any]:
    """The sweep's own settings, as `create_model` takes them."""
    options = [(item.title, item.name) for item in swept]
    first = first_axis(swept).name
    listed = "Values with commas between; 0..1:5 means five values from 0 to 1. Empty: five values over the range."
    seeds = "How many seeds each cell is computed with; two or more give 95 % intervals."
    judge = "Name of the result's number by which the best cell is chosen: a number's own, or <table>:<row>."
    goals = [("the largest", "largest"), ("the smallest", "smallest")]
    return {
        "sweep_x": (str, choice(first, title="Across", options=options, help="Changes from column to column.")),
        "sweep_x_values": (str, text("", title="Values across", max_length=_VALUES_MAX, help=listed)),
        "sweep_y": (
            str,
            choice("", title="Down", options=[("Nothing", ""), *options], help="Changes from row to row."),
        ),
        "sweep_y_values": (str, text("", title="Values down", max_length=_VALUES_MAX, help=listed)),
        "sweep_seeds": (
            int,
            integer(1, title="Seeds", minimum=1, maximum=SEEDS_MAX if base.seeded else 1, help=seeds),
        ),
        "sweep_best": (str, text("", title="Judge by", max_length=200, help=judge)),
        "sweep_goal": (
            str,
            choice("largest", title="Best is", options=goals, help="Whether more or less of that number is better."),
        ),
    }

"""A sweep: one or two parameters of an action over lists of values, the rest as it stands, as an action of its own.

Because it is an action, a sweep is run, stopped, saved, replayed, shared and called like any other. It is derived from
the base action's declaration; nothing is written for it in a playground.
"""

from __future__ import annotations

import json
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
from backends.core.grids import best_place, estimate, values_at, words_at
from backends.core.measures import measures
from backends.core.parameters import Parameter, Value, choice, integer, text
from backends.core.results import Axis, Cell, Encoded, Grid, GridCell, Result, Table, Text
from backends.core.seeds import SEED_MAX

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
            shown: dict[str, Encoded] = {}
            found: dict[str, list[float]] = {}
            for repeat in range(plan.seeds):
                yield Progress(done / total, f"{done + 1} of {total}: {words_at(grid, place)}")
                results = _results(action, _Seeded(job, (job.seed + repeat) % (SEED_MAX + 1)))
                done += 1
                for key, measure in measures(results).items():
                    names[key] = measure.title
                    found.setdefault(key, []).append(measure.value)
                if repeat == 0:
                    shown = {name: encode(result) for name, result in results.items()}
            size += sum(len(item.data) for item in shown.values())
            if size > BYTES_MAX:
                raise TooLarge(
                    f"This grid would have more than {BYTES_MAX // 2**20} MiB.", hint="Sweep fewer values at a time."
                )
            cell = GridCell(shown, {key: tuple(values) for key, values in found.items()})
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
        labels = tuple(_label(parameter, value) for value in values)
        return Axis(parameter.name, parameter.title, parameter.unit, values, labels)


@cache
def sweep_of(base: type[Action]) -> type[Sweep] | None:
    """The sweep over an action's parameters; None where it has none that can be swept."""
    swept = [item for item in base.parameters() if item.kind in SWEPT]
    if not swept or issubclass(base, Sweep):
        return None
    options = [(item.title, item.name) for item in swept]
    listed = "Values separated by commas, or 'from, to, steps' written as 0..1:5."
    fields: dict[str, Any] = {
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
    made: type[Sweep] = create_model(
        f"{base.__name__}Sweep", __base__=(Sweep, base), __module__=base.__module__, **fields
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


def read_values(parameter: Parameter, told: str, field: str) -> tuple[Cell, ...]:
    """A list of values as people write it: '1, 2, 5', '0..1:5' (five values from 0 to 1), names or labels of options.

    Raises BadParameter with `field` as its control.
    """
    parts = _parts(told)
    if not parts:
        raise BadParameter(
            f"There are no values for {parameter.title}.", hint="Write them with commas between.", field=field
        )
    values: list[Cell] = []
    for part in parts:
        values += _span(part, parameter, field) if ".." in part else [_value(part, parameter, field)]
    if len(set(values)) != len(values):
        raise BadParameter(f"A value of {parameter.title} is there twice.", hint="Remove one of them.", field=field)
    return tuple(values)


def write_values(values: Sequence[Cell]) -> str:
    """The inverse of `read_values`, as canonical text."""
    return ", ".join(json.dumps(value) if isinstance(value, bool) else str(value) for value in values)


def grid_table(grid: Grid) -> Table:
    """A row a cell: its settings, then each measure; with several seeds its mean and 95 % interval."""
    axes = [grid.x, *([grid.y] if grid.y else [])]
    columns = [f"{axis.title} ({axis.unit})" if axis.unit else axis.title for axis in axes]
    for title in grid.measures.values():
        columns += [title] if grid.seeds == 1 else [title, "low", "high"]
    rows: list[tuple[Cell, ...]] = []
    for place, cell in sorted(grid.cells.items(), key=lambda item: (item[0][1], item[0][0])):
        row: list[Cell] = [axis.labels[index] for axis, index in zip(axes, place, strict=False)]
        for key in grid.measures:
            told = estimate(cell.measures[key]) if key in cell.measures else None
            row += [told.mean if told else None]
            row += [told.low if told else None, told.high if told else None] if grid.seeds > 1 else []
        rows.append(tuple(row))
    return Table(tuple(columns), tuple(rows), "Numbers of all cells")


def best_sentence(grid: Grid, measure: str, *, largest: bool) -> str:
    """'Window centre 40, Window width 300 has the largest Evidence: 0.83 (95 % interval 0.8 to 0.9, n 5 seeds).'"""
    place = best_place(grid, measure, largest=largest)
    if place is None:
        return "No cell has that number."
    told = estimate(grid.cells[place].measures[measure])
    interval = ""
    if told.low is not None and told.high is not None:
        interval = f" (95 % interval {told.low:.4g} to {told.high:.4g}, n {told.n} seeds)"
    goal = "largest" if largest else "smallest"
    return f"{words_at(grid, place)} has the {goal} {grid.measures[measure]}: {told.mean:.4g}{interval}."


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


def _results(action: Action, job: Job) -> dict[str, Result]:
    results: dict[str, Result] = {}
    for event in action.run(job):
        job.cancellation.check()
        if isinstance(event, Output):
            results[event.name] = event.result
    return results


def _parts(told: str) -> list[str]:
    return [part.strip() for part in told.split(",") if part.strip()]


def _span(part: str, parameter: Parameter, field: str) -> list[Cell]:
    """'0..1:5' -> five values from 0 to 1, ends included."""
    if parameter.kind not in ("number", "integer"):
        raise BadParameter(f"{parameter.title} has no range.", hint="List its values.", field=field)
    ends, _, steps = part.partition(":")
    low, _, high = ends.partition("..")
    try:
        first, last, count = float(low), float(high), int(steps) if steps else 5
    except ValueError:
        count = 0
    if not 2 <= count <= CELLS_MAX:
        raise BadParameter(
            f"'{part[:40]}' is not a range.", hint="Write it as 0..1:5, five values from 0 to 1.", field=field
        )
    spread = [first + (last - first) * index / (count - 1) for index in range(count)]
    whole = parameter.kind == "integer"
    return [round(value) if whole else float(f"{value:.6g}") for value in spread]


def _value(part: str, parameter: Parameter, field: str) -> Cell:
    match parameter.kind:
        case "number" | "integer":
            try:
                return _number(float(part), parameter)
            except ValueError:
                raise BadParameter(
                    f"'{part[:40]}' is not a number.", hint="Write numbers with commas between.", field=field
                ) from None
        case "toggle":
            if part.lower() not in ("on", "off", "true", "false"):
                raise BadParameter(f"{parameter.title} is on or off.", hint="Write: on, off", field=field)
            return part.lower() in ("on", "true")
        case "choice":
            return _option(part, parameter, field)
        case _:
            return part


def _option(part: str, parameter: Parameter, field: str) -> Cell:
    for label, value in parameter.options:
        if part.lower() in (label.lower(), str(value).lower()):
            return value
    offered = ", ".join(label for label, _ in parameter.options)
    raise BadParameter(f"{parameter.title} has no '{part[:40]}'.", hint=f"Choose from: {offered}", field=field)


def _number(value: float, parameter: Parameter) -> Cell:
    return int(value) if parameter.kind == "integer" and value.is_integer() else value


def _label(parameter: Parameter, value: Value) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if parameter.kind == "choice":
        return next((label for label, option in parameter.options if option == value), str(value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)

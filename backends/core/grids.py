"""A grid as one file, and what can be read off it: a zip of an index and the cells' results as they would be stored.

Deterministic: equal grids give equal bytes. No result is encoded twice; a cell's bytes are those of a single run.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from backends.core.digest import canonical_json
from backends.core.results import Axis, Cell, Encoded, Grid, GridCell, Table

_INDEX = "index.json"
Place = tuple[int, int]


@dataclass(frozen=True)
class Estimate:
    """A measure of one cell over its seeds: the mean, and its 95 % t-interval where there are at least two."""

    mean: float
    low: float | None
    high: float | None
    n: int


def estimate(values: Iterable[float]) -> Estimate:
    """Mean and 95 % interval by Student's t, n - 1 degrees of freedom. Raises ValueError without a value."""
    sample = list(values)
    n = len(sample)
    if not n:
        raise ValueError("no values")
    mean = sum(sample) / n
    if n < 2:
        return Estimate(mean, None, None, n)
    from scipy.special import stdtrit  # loaded only where seeds are repeated

    deviation = (sum((value - mean) ** 2 for value in sample) / (n - 1)) ** 0.5
    half = float(stdtrit(n - 1, 0.975)) * deviation / n**0.5
    return Estimate(mean, mean - half, mean + half, n)


def best_place(grid: Grid, measure: str, *, largest: bool) -> Place | None:
    """Where the measure's mean is largest (or smallest); the first in reading order among equals; None without any."""
    means = {place: estimate(cell.measures[measure]).mean for place, cell in _ordered(grid) if measure in cell.measures}
    if not means:
        return None
    return max(means, key=means.__getitem__) if largest else min(means, key=means.__getitem__)


def places(grid: Grid) -> list[Place]:
    """All places in reading order, computed or not."""
    rows = len(grid.y.values) if grid.y else 1
    return [(column, row) for row in range(rows) for column in range(len(grid.x.values))]


def values_at(grid: Grid, place: Place) -> dict[str, Any]:
    """The parameter values that a cell was computed with."""
    found = {grid.x.parameter: grid.x.values[place[0]]}
    return found | ({grid.y.parameter: grid.y.values[place[1]]} if grid.y else {})


def words_at(grid: Grid, place: Place) -> str:
    """The same in words: 'Window centre 40, Window width 300'."""
    words = f"{grid.x.title} {grid.x.labels[place[0]]}"
    return f"{words}, {grid.y.title} {grid.y.labels[place[1]]}" if grid.y else words


def grid_table(grid: Grid) -> Table:
    """A row a cell: its settings, then each measure; with several seeds its mean and 95 % interval.

    A last column tells what could not be computed, where there is such a cell.
    """
    axes = [grid.x, *([grid.y] if grid.y else [])]
    columns = [f"{axis.title} ({axis.unit})" if axis.unit else axis.title for axis in axes]
    for title in grid.measures.values():
        columns += [title] if grid.seeds == 1 else [title, f"{title}, 95 % from", f"{title}, 95 % to"]
    problems = any(cell.problem for cell in grid.cells.values())
    rows: list[tuple[Cell, ...]] = []
    for place, cell in _ordered(grid):
        row = [_told(axis, index) for axis, index in zip(axes, place, strict=False)]
        for key in grid.measures:
            found = estimate(cell.measures[key]) if key in cell.measures else None
            row += [found.mean if found else None]
            row += [found.low if found else None, found.high if found else None] if grid.seeds > 1 else []
        rows.append((*row, cell.problem or None) if problems else tuple(row))
    return Table((*columns, "Not computed") if problems else tuple(columns), tuple(rows), "Numbers of all cells")


def best_sentence(grid: Grid, measure: str, *, largest: bool) -> str:
    """'Window centre 40, Window width 300 has the largest Evidence: 0.83 (95 % interval 0.8 to 0.9, 5 seeds).'"""
    place = best_place(grid, measure, largest=largest)
    if place is None:
        return "No cell has that number."
    told = estimate(grid.cells[place].measures[measure])
    interval = ""
    if told.low is not None and told.high is not None:
        interval = f" (95 % interval {told.low:.4g} to {told.high:.4g}, {told.n} seeds)"
    goal = "largest" if largest else "smallest"
    equal = sum(estimate(cell.measures[measure]).mean == told.mean for cell in _having(grid, measure))
    others = "" if equal == 1 else f" {equal - 1} more {'has' if equal == 2 else 'have'} the same."
    return f"{words_at(grid, place)} has the {goal} {grid.measures[measure]}: {told.mean:.4g}{interval}.{others}"


def to_zip(grid: Grid) -> bytes:
    """The grid as bytes."""
    buffer, cells = io.BytesIO(), []
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for place, cell in _ordered(grid):
            results = []
            for number, (name, result) in enumerate(cell.results.items()):
                file = f"{place[1]:03}-{place[0]:03}-{number:02}"
                archive.writestr(zipfile.ZipInfo(file), result.data)  # ZipInfo's fixed date: 1980
                results.append([name, file, result.kind, result.media_type, dict(result.meta)])
            measures = {key: list(values) for key, values in cell.measures.items()}
            told = {"place": list(place), "results": results, "measures": measures, "problem": cell.problem}
            cells.append(told)
        index = {
            "x": asdict(grid.x),
            "y": asdict(grid.y) if grid.y else None,
            "measures": dict(grid.measures),
            "seeds": grid.seeds,
            "cells": cells,
        }
        archive.writestr(zipfile.ZipInfo(_INDEX), canonical_json(index))
    return buffer.getvalue()


def from_zip(data: bytes, title: str) -> Grid:
    """What `to_zip` wrote. Raises ValueError, KeyError, TypeError or BadZipFile on anything else."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        _refuse_bombs(archive, len(data))
        index = json.loads(archive.read(_INDEX))
        grid = Grid(
            x=_axis(index["x"]),
            y=_axis(index["y"]) if index["y"] else None,
            cells={(int(raw["place"][0]), int(raw["place"][1])): _cell(raw, archive) for raw in index["cells"]},
            measures=dict(index["measures"]),
            seeds=int(index["seeds"]),
            title=title,
        )
    if not set(grid.cells) <= set(places(grid)):
        raise ValueError("a cell outside of the grid")
    return grid


def _refuse_bombs(archive: zipfile.ZipFile, size: int) -> None:
    """A grid may have come with an archive from elsewhere: what it unpacks to must not be larger than it is."""
    if sum(item.file_size for item in archive.infolist()) > size:
        raise ValueError("a grid that unpacks to more than its own size")


def _cell(raw: Mapping[str, Any], archive: zipfile.ZipFile) -> GridCell:
    results = {
        name: Encoded(kind, media_type, archive.read(file), meta)
        for name, file, kind, media_type, meta in raw["results"]
    }
    measured = {key: tuple(map(float, values)) for key, values in raw["measures"].items()}
    return GridCell(results, measured, str(raw["problem"]))


def _axis(raw: Mapping[str, Any]) -> Axis:
    axis = Axis(raw["parameter"], raw["title"], raw["unit"], tuple(raw["values"]), tuple(raw["labels"]))
    if len(axis.values) != len(axis.labels):
        raise ValueError("an axis with values that have no label")
    return axis


def _told(axis: Axis, index: int) -> Cell:
    """A number as one, anything else by its label."""
    value = axis.values[index]
    return value if isinstance(value, int | float) and not isinstance(value, bool) else axis.labels[index]


def _having(grid: Grid, measure: str) -> list[GridCell]:
    return [cell for cell in grid.cells.values() if measure in cell.measures]


def _ordered(grid: Grid) -> list[tuple[Place, GridCell]]:
    """Row by row, as it is read."""
    return sorted(grid.cells.items(), key=lambda item: (item[0][1], item[0][0]))

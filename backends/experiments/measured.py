"""How far apart two results of one kind are: one function a kind, each a sentence and the figures behind it.

Differences are second minus first; relative ones are parts of the first. Values that are not there compare as equal
only to their like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backends.core.digest import canonical_json
from backends.core.grids import estimate
from backends.core.results import (
    Audio,
    Cell,
    Figure,
    File,
    Gallery,
    Grid,
    Image,
    Number,
    Result,
    Table,
    Text,
    Tokens,
)
from backends.experiments.arrays import (
    EQUAL,
    Distance,
    array_distance,
    array_of,
    count,
    percent,
    picture_distance,
    relative,
    told,
)
from backends.experiments.words import changed


def distance(first: Result, second: Result) -> Distance:
    """How far `second` is from `first`. Results of different kinds are not equal, and have no distance."""
    if type(first) is not type(second):
        return Distance(False, f"{first.kind} became {second.kind}")
    return _BY_KIND[type(first)](first, second)


def _image(first: Image, second: Image) -> Distance:
    return picture_distance(first.pixels, second.pixels)


def _gallery(first: Gallery, second: Gallery) -> Distance:
    if len(first.images) != len(second.images):
        return Distance(False, f"{len(second.images)} pictures instead of {len(first.images)}")
    found = [_image(*pair) for pair in zip(first.images, second.images, strict=True)]
    unequal = [item for item in found if not item.equal]
    if not unequal:
        return EQUAL
    most = max((item.figures.get("max_abs", 0.0) for item in unequal), default=0.0)
    by = f", by at most {most:g} grey levels" if most else ""
    return Distance(False, f"{_part(len(unequal), len(found), 'picture')}{by}", {"max_abs": most})


def _number(first: Number, second: Number) -> Distance:
    if _bounds(first) == _bounds(second):
        return EQUAL
    gap = second.value - first.value
    if not gap:
        return Distance(False, "the value is the same, its interval or sample is not")
    part = relative(gap, first.value)
    unit = f" {first.unit}" if first.unit else ""
    words = f"by {told(abs(gap))}{unit}" + ("" if part is None else f" ({percent(abs(part))})")
    return Distance(False, words, {"max_abs": abs(gap)} | ({} if part is None else {"max_rel": abs(part)}))


def _bounds(number: Number) -> tuple[Any, ...]:
    return (number.value, number.unit, number.low, number.high, number.interval, number.n)


def _table(first: Table, second: Table) -> Distance:
    if first.columns != second.columns:
        return Distance(False, "the columns are not the same")
    if len(first.rows) != len(second.rows):
        return Distance(False, f"{len(second.rows)} rows instead of {len(first.rows)}")
    pairs, moved = _paired(first, second)
    gaps: dict[str, float] = {}
    unequal = 0
    for one, other in pairs:
        for column, left, right in zip(first.columns, one, other, strict=True):
            if _same_cell(left, right):
                continue
            unequal += 1
            if _is_number(left) and _is_number(right):
                gaps[column] = max(gaps.get(column, 0.0), abs(float(right) - float(left)))  # type: ignore[arg-type]
    if not unequal:
        return Distance(False, "the rows stand in another order") if moved else EQUAL
    worst = max(gaps, key=lambda name: gaps[name], default="")
    by = f", {worst} by at most {told(gaps[worst])}" if worst else ""
    figures = {"cells": float(unequal)} | ({"max_abs": gaps[worst]} if worst else {})
    figures |= {f"max_abs of {name}": gap for name, gap in gaps.items()}
    return Distance(False, f"{_part(unequal, sum(map(len, first.rows)), 'cell')}{by}", figures)


_Rows = list[tuple[tuple[Cell, ...], tuple[Cell, ...]]]


def _paired(first: Table, second: Table) -> tuple[_Rows, bool]:
    """Rows that belong together: by the name in the first column where each row has its own, else by their place."""
    one, other = names_of(first), names_of(second)
    if one and other and set(one) == set(other):
        return [(row, second.rows[other[name]]) for name, row in zip(one, first.rows, strict=True)], [*one] != [*other]
    return list(zip(first.rows, second.rows, strict=True)), False


def names_of(table: Table) -> dict[str, int]:
    """Name in the first column -> its row; empty where the rows have no names, or not each its own."""
    names = [row[0] for row in table.rows if row and isinstance(row[0], str)]
    unique = {name: index for index, name in enumerate(names) if isinstance(name, str)}
    return unique if len(unique) == len(table.rows) and len(table.columns) > 1 else {}


def _text(first: Text, second: Text) -> Distance:
    if first.text == second.text:
        return EQUAL if first.markdown == second.markdown else Distance(False, "it is shown in another way")
    characters, lines = changed(first.text, second.text)
    words = f"{count(characters, 'character')} changed in {count(lines, 'line')}"
    return Distance(False, words, {"characters": float(characters), "lines": float(lines)})


def _tokens(first: Tokens, second: Tokens) -> Distance:
    if first.pieces != second.pieces:
        return Distance(False, "the pieces of text are not the same")
    if first.scale != second.scale:
        return Distance(False, "the weights mean something else")
    if first.weights == second.weights:
        return EQUAL
    gap = max(abs(right - left) for left, right in zip(first.weights, second.weights, strict=True))
    return Distance(False, f"a weight differs by up to {told(gap)}", {"max_abs": gap})


def _figure(first: Figure, second: Figure) -> Distance:
    numbers = _table(first.table, second.table)
    if not numbers.equal:
        return Distance(False, f"in its numbers, {numbers.sentence}", numbers.figures)
    drawn = canonical_json(dict(first.spec)) == canonical_json(dict(second.spec))
    return EQUAL if drawn else Distance(False, "its numbers are the same, but it is drawn in another way")


def _audio(first: Audio, second: Audio) -> Distance:
    if first.rate != second.rate:
        return Distance(False, f"{second.rate} instead of {first.rate} samples a second")
    return array_distance(first.samples, second.samples)


def _file(first: File, second: File) -> Distance:
    if first.data == second.data:
        return EQUAL if first.media_type == second.media_type else Distance(False, "it is of another type")
    one, other = array_of(first), array_of(second)
    if one is not None and other is not None:
        return array_distance(one, other)
    if len(first.data) != len(second.data):
        return Distance(False, f"{len(second.data):,} bytes instead of {len(first.data):,}")
    bytes_of = [np.frombuffer(item.data, np.uint8) for item in (first, second)]
    unequal = int((bytes_of[0] != bytes_of[1]).sum())
    return Distance(False, f"{unequal:,} of {len(first.data):,} bytes differ", {"bytes": float(unequal)})


def _grid(first: Grid, second: Grid) -> Distance:
    if (first.x, first.y, first.seeds) != (second.x, second.y, second.seeds):
        return Distance(False, "other values were swept")
    if set(first.cells) != set(second.cells):
        return Distance(False, f"{len(second.cells)} cells are filled instead of {len(first.cells)}")
    unequal, gaps = 0, [0.0]
    for place, cell in first.cells.items():
        other = second.cells[place]
        kept = {name: item.data for name, item in cell.results.items()}
        same = kept == {name: item.data for name, item in other.results.items()}
        if same and dict(cell.measures) == dict(other.measures):
            continue
        unequal += 1
        shared = cell.measures.keys() & other.measures.keys()
        gaps += [abs(estimate(other.measures[key]).mean - estimate(cell.measures[key]).mean) for key in shared]
    if not unequal:
        return EQUAL
    by = f"; a number by at most {told(max(gaps))}" if max(gaps) else ""
    sentence = f"{_part(unequal, len(first.cells), 'cell')}{by}"
    return Distance(False, sentence, {"cells": float(unequal), "max_abs": max(gaps)})


def _part(unequal: int, total: int, noun: str) -> str:
    return f"{unequal} of {count(total, noun)} {'differs' if unequal == 1 else 'differ'}"


def _is_number(cell: Cell) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)


def _same_cell(left: Cell, right: Cell) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


_BY_KIND: dict[type, Callable[[Any, Any], Distance]] = {
    Image: _image,
    Gallery: _gallery,
    Text: _text,
    Tokens: _tokens,
    Figure: _figure,
    Table: _table,
    Audio: _audio,
    File: _file,
    Number: _number,
    Grid: _grid,
}

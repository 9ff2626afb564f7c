"""Numbers of several runs against the first's: absolute and relative change, with an interval where both have one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from backends.core.results import Cell, Number, Table
from backends.experiments.arrays import relative
from backends.experiments.measured import names_of


@dataclass(frozen=True)
class Change:
    """value - A's value, and the same as a part of A's (None where that is 0).

    low, high: interval of the change, by the normal approximation from the two intervals as if the runs were
    independent: half its width is the root of the squared halves. None where one of them has no interval, or another.
    """

    absolute: float
    relative: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """A number, or a cell of a table, in all runs. name: of the row; empty for a number. column: what it is.

    values: one a run; None where it has none. numbers: of a Number, with interval and sample. changes: of each run
    after A; None where there is nothing to subtract.
    """

    name: str
    column: str
    unit: str
    values: tuple[Cell, ...]
    changes: tuple[Change | None, ...]
    numbers: tuple[Number | None, ...] = ()

    @property
    def same(self) -> bool:
        """Whether all runs have the same value."""
        return len(set(self.values)) == 1

    @property
    def largest(self) -> float:
        """The largest absolute change; -1 where nothing could be subtracted."""
        return max((abs(change.absolute) for change in self.changes if change), default=-1.0)


def number_rows(numbers: Sequence[Number | None]) -> tuple[Row, ...]:
    """A number in all runs, as one row."""
    named = next(item for item in numbers if item)
    alike = len({item.title for item in numbers if item}) == 1
    changes = tuple(_number_change(numbers[0], item) for item in numbers[1:])
    values = tuple(item.value if item else None for item in numbers)
    return (Row("", named.title if alike else "", named.unit, values, changes, tuple(numbers)),)


def table_rows(tables: Sequence[Table | None]) -> tuple[Row, ...]:
    """The cells of tables whose rows have names, joined on them; those that differ first, by the largest change.

    Empty where the columns of the tables are not the same, or their rows have no names of their own.
    """
    found = [table for table in tables if table]
    if len({table.columns for table in found}) != 1 or not all(names_of(table) for table in found):
        return ()
    rows = [
        None if table is None else {name: table.rows[at] for name, at in names_of(table).items()} for table in tables
    ]
    names = dict.fromkeys(name for row in rows if row for name in row)
    columns = found[0].columns
    joined = [_cells(name, at, columns[at], rows) for name in names for at in range(1, len(columns))]
    return tuple(sorted(joined, key=lambda row: (row.same, -row.largest)))


def change(first: float, second: float) -> Change:
    """The change from one value to another."""
    return Change(second - first, relative(second - first, first))


def _number_change(first: Number | None, second: Number | None) -> Change | None:
    if first is None or second is None or first.unit != second.unit:
        return None
    found = change(first.value, second.value)
    if None in (first.low, first.high, second.low, second.high) or first.interval != second.interval:
        return found
    halves = [(item.high - item.low) / 2 for item in (first, second)]  # type: ignore[operator]
    half = float(sum(value**2 for value in halves) ** 0.5)
    return Change(found.absolute, found.relative, found.absolute - half, found.absolute + half)


def _cells(name: str, at: int, column: str, rows: Sequence[dict[str, tuple[Cell, ...]] | None]) -> Row:
    values = tuple(row[name][at] if row and name in row else None for row in rows)
    changes = tuple(_cell_change(values[0], value) for value in values[1:])
    return Row(name, column, "", values, changes)


def _cell_change(first: Cell, second: Cell) -> Change | None:
    if isinstance(first, bool) or isinstance(second, bool):
        return None
    if not isinstance(first, int | float) or not isinstance(second, int | float):
        return None
    return change(float(first), float(second))

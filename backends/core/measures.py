"""The numbers of a run: what sweeps judge cells by and comparisons subtract."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from backends.core.results import Number, Result, Table

_ROWS_MAX = 50  # of one table


@dataclass(frozen=True)
class Measure:
    """One number of a run. title: with its unit, for people."""

    title: str
    value: float
    unit: str = ""


def measures(results: Mapping[str, Result]) -> dict[str, Measure]:
    """All finite numbers by key: a Number under its name; a row of a table (name, number) under '<output>:<name>'."""
    found: dict[str, Measure] = {}
    for name, result in results.items():
        if isinstance(result, Number) and math.isfinite(result.value):
            title = f"{result.title} ({result.unit})" if result.unit else result.title
            found[name] = Measure(title, result.value, result.unit)
        elif isinstance(result, Table) and len(result.columns) == 2:
            found |= _rows(name, result)
    return found


def _rows(name: str, table: Table) -> dict[str, Measure]:
    pairs = [(label, value) for label, value in table.rows[:_ROWS_MAX] if isinstance(label, str)]
    return {
        f"{name}:{label}": Measure(f"{table.columns[1]} of {label.replace('_', ' ')}", float(value))
        for label, value in pairs
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }

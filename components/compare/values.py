"""Numbers and tables of several runs: each value, and the change against run A."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from backends.core.results import Cell, Number
from backends.experiments.changes import Row
from backends.experiments.compare import LETTERS
from components.compare.parts import COLOURS, change_words, interval_words, letter, named, table
from components.results_html import number_text

SHOWN = 12  # rows of a table; those that changed less are folded
APPROXIMATION = "Interval of the change: normal approximation from both intervals, as if the runs were independent."


def numbers_html(row: Row, title: str) -> str:
    """One number: value and interval a run, then the change against A with its interval."""
    cells = []
    for index, number in enumerate(row.numbers):
        change = row.changes[index - 1] if index else None
        words = escape(change_words(change, row.unit)) if index else "compared with this"
        cells.append([named(index), _number(number), words, interval_words(change)])
    bounds = any(cell[3] for cell in cells)
    head = ["Run", escape(row.column or title), "Change from A", *(["Interval of the change"] if bounds else [])]
    body = table(head, [cell if bounds else cell[:3] for cell in cells], title)
    return body + (f'<p class="vt-muted">{APPROXIMATION}</p>' if bounds else "")


def table_html(rows: Sequence[Row], title: str, first_column: str) -> str:
    """A joined table, the rows that changed most first; shares of one as paired bars."""
    draw = _bars if _are_shares(rows) else _plain
    folded = rows[SHOWN:]
    rest = (
        f"<details><summary>{len(folded)} more</summary>{draw(folded, title, first_column)}</details>" if folded else ""
    )
    return draw(rows[:SHOWN], title, first_column) + rest


def _number(number: Number | None) -> str:
    if number is None:
        return "\u2013"
    unit = f" <small>{escape(number.unit)}</small>" if number.unit else ""
    told = f"<strong>{number_text(number.value)}</strong>{unit}"
    if number.low is not None and number.high is not None:
        told += f" <small>{number_text(number.low)} to {number_text(number.high)} ({escape(number.interval)})</small>"
    return told + (f" <small>n = {number.n}</small>" if number.n is not None else "")


def _are_shares(rows: Sequence[Row]) -> bool:
    """Whether all are numbers from 0 to 1 in one column: probabilities and the like."""
    values = [value for row in rows for value in row.values if value is not None]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    one_column = len({row.column for row in rows}) == 1
    return bool(values) and one_column and len(numbers) == len(values) and all(0 <= value <= 1 for value in numbers)


def _bars(rows: Sequence[Row], title: str, first_column: str) -> str:
    head = [escape(first_column), f"{escape(rows[0].column)}, and its change from A"]
    return table(
        head, [[escape(row.name), "".join(_bar(row, index) for index in range(len(row.values)))] for row in rows], title
    )


def _bar(row: Row, index: int) -> str:
    value = row.values[index]
    if not isinstance(value, int | float):
        return f'<div class="vt-share">{letter(index)}<span>\u2013</span></div>'
    filled = f'<i style="width:{100 * value:.2f}%;background:var(--vt-category-{COLOURS[index]})"></i>'
    change = f"<em>{escape(change_words(row.changes[index - 1]))}</em>" if index else ""
    told = f"<span>{number_text(value)}</span>"
    return f'<div class="vt-share">{letter(index)}<span class="vt-track">{filled}</span>{told}{change}</div>'


def _changes(row: Row) -> str:
    if len(row.changes) == 1:
        return escape(change_words(row.changes[0]))
    return "<br>".join(
        f"{LETTERS[index]}: {escape(change_words(one))}" for index, one in enumerate(row.changes, start=1)
    )


def _plain(rows: Sequence[Row], title: str, first_column: str) -> str:
    several = len({row.column for row in rows}) > 1
    runs = range(len(rows[0].values))
    head = [escape(first_column), *(["Column"] if several else []), *map(named, runs), "Change from A"]
    body = [
        [escape(row.name), *([escape(row.column)] if several else []), *map(_cell, row.values), _changes(row)]
        for row in rows
    ]
    return table(head, body, title)


def _cell(value: Cell) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return escape("\u2013" if value is None else str(value))
    return number_text(float(value))

"""Small parts of a comparison as HTML: a run's letter in its colour, changes in words, rows of cells."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from backends.experiments.changes import Change
from backends.experiments.compare import LETTERS
from components.results_html import number_text

COLOURS = (1, 2, 3, 4)  # of the categorical set, one a run: blue, orange, green, pink
_TIMES = 10  # from here on a relative change is told as a multiple: '+3,800 %' says nothing


def letter(index: int) -> str:
    """The letter of a run, in its colour. The colour is never alone: the letter is inside."""
    return f'<b class="vt-letter" style="--vt-run:var(--vt-category-{COLOURS[index]})">{LETTERS[index]}</b>'


def named(index: int) -> str:
    """'Run A', with the letter in its colour."""
    return f'<span class="vt-named">{letter(index)} Run {LETTERS[index]}</span>'


def signed(value: float) -> str:
    """A change as people write it: '+0.12', a real minus, '0' for none."""
    return f"+{number_text(value)}" if value > 0 else number_text(value)


def change_words(change: Change | None, unit: str = "") -> str:
    """'+0.12 (+35 %)', or with a dash where nothing can be subtracted."""
    if change is None:
        return "\u2013"
    if not change.absolute:
        return "no change"
    return signed(change.absolute) + (f" {unit}" if unit else "") + _relative(change)


def interval_words(change: Change | None) -> str:
    """The interval of a change; empty where there is none."""
    if change is None or change.low is None or change.high is None:
        return ""
    return f"{signed(change.low)} to {signed(change.high)}"


def table(head: Iterable[str], rows: Iterable[Iterable[str]], name: str) -> str:
    """A table of cells that are HTML already; the first of each row names it. It scrolls by itself where it is wide."""
    titles = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{cell}</td>" if at else f'<th scope="row">{cell}</th>' for at, cell in enumerate(row))
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="vt-scroll" tabindex="0" role="region" aria-label="{escape(name)}">'
        f'<table class="vt-table vt-compared"><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def side_by_side(parts: Iterable[str]) -> str:
    """One piece of HTML a run, each under its letter."""
    columns = "".join(f"<div><h3>{named(index)}</h3>{part}</div>" for index, part in enumerate(parts))
    return f'<div class="vt-beside">{columns}</div>'


def _relative(change: Change) -> str:
    if change.relative is None:
        return ""
    if abs(change.relative) >= _TIMES:
        return f" ({number_text(1 + change.relative)} times)" if change.relative > 0 else ""
    return f" ({signed(100 * change.relative)} %)"

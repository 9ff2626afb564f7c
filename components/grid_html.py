"""A grid of a sweep as HTML: a table with row and column headers, the chosen result and number in each cell.

Both halves show grids with this. In a playground the cells are buttons; on the shell's pages they are not.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, replace
from html import escape

from PIL import Image as Pillow

from backends.core.encoding import decode
from backends.core.errors import VitrineError
from backends.core.grids import Estimate, Place, best_place, best_sentence, estimate, grid_table, places, words_at
from backends.core.results import Axis, Encoded, Gallery, Grid, GridCell, Number, Text
from components.figures.colours import viridis
from components.figures.sweep_lines import sweep_lines
from components.results_html import number_text, result_html

THUMB = 160  # pixels of the longer side: what a cell has room for
_EXACT = 24 * 1024  # bytes: a picture that is no larger than this and fits is shown as it is
_WORDS = 140  # characters of a text in a cell
_CELL_KINDS = ("image", "gallery", "text", "number")  # what has room in a cell

Thumbs = MutableMapping[tuple[Place, str], str]


@dataclass(frozen=True)
class Look:
    """What is seen of a grid.

    output: the result in each cell; '' for the usual one. measure: the number; '' for none. largest: is best.
    """

    output: str = ""
    measure: str = ""
    largest: bool = True


def with_names(grid: Grid, names: Mapping[str, str]) -> Grid:
    """The grid with other words for some values: models by their titles. names: value -> words."""

    def named(axis: Axis) -> Axis:
        pairs = zip(axis.values, axis.labels, strict=True)
        return replace(axis, labels=tuple(names.get(str(value), label) for value, label in pairs))

    return replace(grid, x=named(grid.x), y=named(grid.y) if grid.y else None)


def outputs_of(grid: Grid, titles: Mapping[str, str]) -> list[tuple[str, str]]:
    """(title, name) of what can be seen in a cell, pictures first. titles: as the action declares them."""
    found: dict[str, str] = {}
    for cell in grid.cells.values():
        found |= {name: item.kind for name, item in cell.results.items() if item.kind in _CELL_KINDS}
    order = sorted(found, key=lambda name: (_CELL_KINDS.index(found[name]), list(found).index(name)))
    return [(titles.get(name, name.replace("_", " ").capitalize()), name) for name in order]


def usual_look(grid: Grid, wanted: Look) -> Look:
    """`wanted`, where the grid has it. Without an output, the first picture that is not the same in all cells."""
    names = [name for _, name in outputs_of(grid, {})]
    output = wanted.output if wanted.output in names else next((n for n in names if _differs(grid, n)), "")
    measure = wanted.measure if wanted.measure in grid.measures else ""
    return Look(output or next(iter(names), ""), measure, wanted.largest)


def grid_html(grid: Grid, look: Look, thumbs: Thumbs | None = None, *, pressable: bool = False) -> str:
    """The grid. thumbs: pictures made before, which is added to; a cell's is made once. pressable: cells are buttons.

    Pictures of another grid must not be among `thumbs`.
    """
    table = _Table(grid, look, {} if thumbs is None else thumbs, pressable)
    return f'<div class="vt-grid">{table.best()}{table.html()}{table.scale()}</div>'


def lines_html(grid: Grid, measure: str, *, image: bool = False) -> str:
    """The measure's lines, where they can be drawn, and the numbers of all cells, folded. image: see sweep_lines."""
    if not grid.measures:
        return ""
    lines = sweep_lines(grid, measure, image=image) if measure else ""
    numbers = f'<div class="vt-scroll">{result_html(replace(grid_table(grid), title=""))}</div>'
    return f'{lines}<details class="vt-lines-numbers"><summary>Numbers of all cells</summary>{numbers}</details>'


def thumb(encoded: Encoded) -> str:
    """A picture as a small data address; empty for what is no picture or cannot be read."""
    if encoded.kind == "gallery":
        try:
            images = decode(encoded)
        except VitrineError:
            return ""
        if not isinstance(images, Gallery) or not images.images:
            return ""
        return _shrunk(Pillow.fromarray(images.images[0].pixels), b"")
    try:
        with Pillow.open(io.BytesIO(encoded.data), formats=("PNG",)) as image:
            return _shrunk(image, encoded.data)
    except (OSError, ValueError):
        return ""


def _shrunk(image: Pillow.Image, as_it_is: bytes) -> str:
    if as_it_is and max(image.size) <= THUMB and len(as_it_is) <= _EXACT:
        return f"data:image/png;base64,{base64.b64encode(as_it_is).decode()}"
    image.thumbnail((THUMB, THUMB))
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=85)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _differs(grid: Grid, name: str) -> bool:
    return len({cell.results[name].data for cell in grid.cells.values() if name in cell.results}) > 1


class _Table:
    """One drawing of a grid."""

    def __init__(self, grid: Grid, look: Look, thumbs: Thumbs, pressable: bool) -> None:
        self._grid, self._look, self._thumbs, self._pressable = grid, look, thumbs, pressable
        self._told = {
            place: estimate(cell.measures[look.measure])
            for place, cell in grid.cells.items()
            if look.measure in cell.measures
        }
        self._best = best_place(grid, look.measure, largest=look.largest)
        means = [told.mean for told in self._told.values()]
        self._low, self._high = (min(means), max(means)) if means else (0.0, 0.0)
        kinds = {
            item.kind for cell in grid.cells.values() for name, item in cell.results.items() if name == look.output
        }
        self._pictured = not kinds or bool(kinds & {"image", "gallery"})

    def best(self) -> str:
        """The sentence above the grid."""
        if self._best is None:
            return ""
        told = best_sentence(self._grid, self._look.measure, largest=self._look.largest)
        so_far = "Best so far" if len(self._grid.cells) < len(places(self._grid)) else "Best"
        return f'<p class="vt-grid-best"><b>{so_far}</b> {escape(told)}</p>'

    def html(self) -> str:
        """The table in its scrolling box."""
        grid = self._grid
        rows = range(len(grid.y.values) if grid.y else 1)
        body = "".join(f"<tr>{self._row_head(row)}{self._row(row)}</tr>" for row in rows)
        name = escape(grid.title or "Sweep")
        return (
            f'<div class="vt-grid-scroll" role="region" aria-label="{name}" tabindex="0" '
            f'style="--vt-columns:{len(grid.x.values)}">'
            f'<table><caption class="vt-unseen">{name}</caption><thead>{self._head()}</thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    def scale(self) -> str:
        """What the bars' colours and lengths mean."""
        if self._high <= self._low:
            return ""
        stops = ", ".join(viridis(step / 8) for step in range(9))
        low, high = number_text(self._low), number_text(self._high)
        name = escape(self._grid.measures[self._look.measure])
        bar = f'<i style="background:linear-gradient(to right, {stops})"></i>'
        return f'<div class="vt-scale"><span>{name}</span><span>{low}</span>{bar}<span>{high}</span></div>'

    def _head(self) -> str:
        grid = self._grid
        corner = f'<td rowspan="2" class="vt-grid-corner">{_axis_title(grid.y)}</td>' if grid.y else ""
        values = "".join(f'<th scope="col">{escape(label)}</th>' for label in grid.x.labels)
        across = f'<th scope="colgroup" colspan="{len(grid.x.values)}"><span>{_axis_title(grid.x)}</span></th>'
        return f"<tr>{corner}{across}</tr><tr>{values}</tr>"

    def _row_head(self, row: int) -> str:
        return f'<th scope="row">{escape(self._grid.y.labels[row])}</th>' if self._grid.y else ""

    def _row(self, row: int) -> str:
        return "".join(self._cell((column, row)) for column in range(len(self._grid.x.values)))

    def _cell(self, place: Place) -> str:
        cell = self._grid.cells.get(place)
        if cell is None:
            empty = f'{self._frame("")}<span class="vt-unseen">Not computed</span>'
            return f'<td class="vt-cell vt-cell-waits"><div>{empty}</div></td>'
        best = " vt-cell-best" if place == self._best else ""
        tag, attributes = "div", ""
        if self._pressable:
            tag = "button"
            attributes = (
                f' type="button" data-cell="{place[0]},{place[1]}" aria-label="{escape(self._name(place, cell))}"'
            )
        return f'<td class="vt-cell{best}"><{tag}{attributes}>{self._inside(place, cell)}</{tag}></td>'

    def _inside(self, place: Place, cell: GridCell) -> str:
        if cell.problem:
            return self._frame(f'<span class="vt-cell-problem">{escape(cell.problem)}</span>')
        badge = "<em>Best</em>" if place == self._best else ""
        return self._frame(self._result(place, cell), badge) + self._number(self._told.get(place))

    def _frame(self, inside: str, badge: str = "") -> str:
        kind = "vt-cell-picture" if self._pictured else "vt-cell-words"
        return f'<span class="{kind}">{inside}{badge}</span>'

    def _result(self, place: Place, cell: GridCell) -> str:
        encoded = cell.results.get(self._look.output)
        if encoded is None:
            return ""
        if encoded.kind in ("image", "gallery"):
            key = (place, self._look.output)
            if key not in self._thumbs:
                self._thumbs[key] = thumb(encoded)
            alt = "" if self._pressable else escape(str(encoded.meta.get("alt", "")))
            return f'<img src="{self._thumbs[key]}" alt="{alt}">' if self._thumbs[key] else ""
        return escape(_words(encoded))

    def _number(self, told: Estimate | None) -> str:
        if told is None:
            return '<span class="vt-cell-number"></span>' if self._told else ""
        part = (told.mean - self._low) / (self._high - self._low) if self._high > self._low else 1.0
        bar = f'<i style="--vt-part:{part:.3f};background:{viridis(part)}"></i>'
        return f'<span class="vt-cell-number"><b>{number_text(told.mean)}</b>{_interval(told)}{bar}</span>'

    def _name(self, place: Place, cell: GridCell) -> str:
        """What a screen reader says of the cell."""
        words, told = words_at(self._grid, place), self._told.get(place)
        if cell.problem:
            return f"{words}: {cell.problem}"
        number = f": {self._grid.measures[self._look.measure]} {number_text(told.mean)}" if told else ""
        return f"{words}{number}{', best' if place == self._best else ''}. Show this result."


def _axis_title(axis: Axis) -> str:
    return escape(f"{axis.title} ({axis.unit})" if axis.unit else axis.title)


def _interval(told: Estimate) -> str:
    if told.low is None or told.high is None:
        return ""
    return f"<small>{number_text(told.low)} to {number_text(told.high)}</small>"


def _words(encoded: Encoded) -> str:
    """A text or a number in a few words."""
    try:
        result = decode(encoded)
    except VitrineError as err:
        return err.sentence
    if isinstance(result, Number):
        return f"{number_text(result.value)} {result.unit}".strip()
    text = result.text if isinstance(result, Text) else ""
    return text if len(text) <= _WORDS else text[: _WORDS - 1].rstrip() + "\u2026"

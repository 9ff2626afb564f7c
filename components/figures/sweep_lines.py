"""A measure of a sweep against a numeric axis, as a small SVG: one line for each value of the other axis.

Its colours are CSS variables of the page that it stands in. As an image of its own (`image`) it follows the page's mode
by `light-dark()`. The numbers behind it are the sweep's table.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from backends.core.grids import Estimate, Place, estimate
from backends.core.results import Axis, Grid
from components.figures.colours import viridis
from components.theme.tokens import CATEGORICAL, DARK, LIGHT

_WIDTH, _HEIGHT = 640, 300
_LEFT, _RIGHT, _TOP, _FLOOR = 64, 16, 26, 254  # of the field of points
_LEGEND_ROW, _LEGEND_COLUMNS, _NAME = 18, 3, 26  # pixels, names in a row, characters of a name


@dataclass(frozen=True)
class _Line:
    """One line: its name, and (value of the axis, measure) pairs from left to right."""

    name: str
    colour: str
    points: tuple[tuple[float, Estimate], ...]


def sweep_lines(grid: Grid, measure: str, *, image: bool = False) -> str:
    """The chart as HTML; empty without a numeric axis of two or more values, or without two points to show.

    Intervals of 95 % are error bars where cells have several seeds.
    """
    paint = _paint(image)
    axis, lines = _lines(grid, measure, paint)
    if axis is None or not any(len(line.points) > 1 for line in lines):
        return ""
    title = f"{grid.measures[measure]} against {axis.title}"
    svg = _svg(axis, lines, grid.measures[measure], paint, title)
    if image:
        data = base64.b64encode(svg.encode()).decode()
        svg = f'<img src="data:image/svg+xml;base64,{data}" alt="{escape(title)}" width="{_WIDTH}">'
    bars = ", with 95 % intervals" if any(told.low is not None for line in lines for _, told in line.points) else ""
    return f'<figure class="vt-lines"><figcaption>{escape(title)}{bars}</figcaption>{svg}</figure>'


def _lines(grid: Grid, measure: str, paint: _Paint) -> tuple[Axis | None, list[_Line]]:
    """The axis that runs from left to right, and the lines over it."""
    other: Axis | None
    if _numeric(grid.x):
        axis, other, turned = grid.x, grid.y, False
    elif grid.y is not None and _numeric(grid.y):
        axis, other, turned = grid.y, grid.x, True
    else:
        return None, []
    count = len(other.values) if other else 1
    lines = []
    for index in range(count):
        places: list[Place] = [(index, at) if turned else (at, index) for at in range(len(axis.values))]
        points = [
            (float(value), estimate(grid.cells[place].measures[measure]))
            for value, place in zip(axis.values, places, strict=True)
            if isinstance(value, int | float) and place in grid.cells and measure in grid.cells[place].measures
        ]
        name = f"{other.title} {other.labels[index]}" if other else ""
        lines.append(_Line(name, _colour(other, index, paint), tuple(sorted(points, key=lambda point: point[0]))))
    return axis, lines


def _numeric(axis: Axis) -> bool:
    return len(axis.values) > 1 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in axis.values)


def _colour(other: Axis | None, index: int, paint: _Paint) -> str:
    """A category's colour; the place on viridis where the lines themselves are a magnitude, or too many.

    Both ends of viridis are near one of the grounds: some ink in it keeps lines apart from either.
    """
    if other is None:
        return CATEGORICAL[0]
    if _numeric(other) or len(other.values) > len(CATEGORICAL):
        part = index / max(1, len(other.values) - 1)
        return f"color-mix(in srgb,{viridis(part)} 70%,{paint.ink})"
    return CATEGORICAL[index]


@dataclass(frozen=True)
class _Paint:
    """CSS colours of ink, words and rules, and the typeface."""

    ink: str
    muted: str
    line: str
    font: str


def _paint(image: bool) -> _Paint:
    if not image:
        return _Paint("var(--vt-ink)", "var(--vt-muted)", "var(--vt-line)", "var(--vt-font)")
    names = ("ink", "muted", "line")
    ink, muted, line = (f"light-dark({getattr(LIGHT, name)},{getattr(DARK, name)})" for name in names)
    return _Paint(ink, muted, line, "system-ui,sans-serif")


@dataclass(frozen=True)
class _Scale:
    """Maps values onto pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)


def _svg(axis: Axis, lines: Sequence[_Line], measure: str, paint: _Paint, title: str) -> str:
    named = [line for line in lines if line.name]
    points = [point for line in lines for point in line.points]
    ends = [bound for _, told in points for bound in (told.mean, told.low, told.high) if bound is not None]
    across = _scale([at for at, _ in points], 0.0, _LEFT + 10, _WIDTH - _RIGHT - 10)
    up = _scale(ends, 0.06, _FLOOR, _TOP)
    unit = f" ({axis.unit})" if axis.unit else ""
    names = _text(_LEFT, 12, measure) + _text((_LEFT + _WIDTH) / 2, _FLOOR + 36, axis.title + unit, "middle")
    body = _rules(across, up, paint) + "".join(_drawn(line, across, up) for line in lines) + names + _legend(named)
    height = _HEIGHT + _LEGEND_ROW * math.ceil(len(named) / _LEGEND_COLUMNS)
    scheme = "color-scheme:light dark;" if "light-dark" in paint.line else ""
    style = f"{scheme}fill:{paint.muted};font:12px {paint.font}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}" style="{style}">{body}</svg>'
    )


def _scale(values: Sequence[float], margin: float, start: float, end: float) -> _Scale:
    """A scale over all values with some room at both ends, never empty."""
    low, high = min(values), max(values)
    room = (high - low) * margin if high > low else abs(high) * 0.1 or 1.0
    return _Scale(low - room, high + room, start, end)


def _rules(across: _Scale, up: _Scale, paint: _Paint) -> str:
    lines, words = [], []
    for value in _round_steps(up.low, up.high):
        lines.append(_rule(_LEFT, up(value), _WIDTH - _RIGHT, up(value)))
        words.append(_text(_LEFT - 8, up(value) + 4, _number(value), "end"))
    for value in _round_steps(across.low, across.high):
        lines.append(_rule(across(value), _FLOOR, across(value), _FLOOR + 5))
        words.append(_text(across(value), _FLOOR + 18, _number(value), "middle"))
    return f'<g style="stroke:{paint.line}">{"".join(lines)}</g>{"".join(words)}'


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _drawn(line: _Line, across: _Scale, up: _Scale) -> str:
    dots = [(across(at), up(told.mean)) for at, told in line.points]
    parts = [f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in dots)}" stroke-width="2"/>']
    for (at, told), (x, y) in zip(line.points, dots, strict=True):
        if told.low is not None and told.high is not None:
            top, floor = up(told.high), up(told.low)
            parts.append(f'<path d="M{x - 4:.1f} {top:.1f}h8m-4 0V{floor:.1f}m-4 0h8" stroke-width="1.5"/>')
        words = escape(f"{line.name + ', ' if line.name else ''}{_number(at)}: {_number(told.mean)}")
        dot = f'cx="{x:.1f}" cy="{y:.1f}" r="3.5" style="fill:{line.colour}"'
        parts.append(f"<circle {dot}><title>{words}</title></circle>")
    return f'<g style="stroke:{line.colour};fill:none">{"".join(parts)}</g>'


def _legend(lines: Sequence[_Line]) -> str:
    width = (_WIDTH - _LEFT) / _LEGEND_COLUMNS
    parts = []
    for index, line in enumerate(lines):
        x, y = _LEFT + width * (index % _LEGEND_COLUMNS), _HEIGHT + _LEGEND_ROW * (index // _LEGEND_COLUMNS)
        name = line.name if len(line.name) <= _NAME else line.name[: _NAME - 1] + "\u2026"
        parts.append(f'<path d="M{x:.1f} {y + 4}h16" style="stroke:{line.colour}" stroke-width="3"/>')
        parts.append(_text(x + 22, y + 8, name))
    return "".join(parts)


def _round_steps(low: float, high: float) -> list[float]:
    """Four to eight round values within [low, high]: steps of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.ceil(low / step)
    return [step * index for index in range(first, math.floor(high / step) + 1)]


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "\u2212")

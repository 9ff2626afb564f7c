"""Results -> HTML, one function a kind. Both halves show results with these, so that a saved result looks the same.

Everything that comes from a run is escaped; pictures and sound travel inside the page as data addresses.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable
from typing import Any

from markdown_it import MarkdownIt

from backends.core.encoding import encode
from backends.core.results import Audio, Figure, File, Gallery, Grid, Image, Number, Result, Table, Text, Tokens
from components.words import percent

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def result_html(result: Result) -> str:
    """The result as a self-contained piece of HTML."""
    return _RENDERERS[type(result)](result)


def data_address(result: Result) -> str:
    """The result's bytes as a data: address."""
    encoded = encode(result)
    return f"data:{encoded.media_type};base64,{base64.b64encode(encoded.data).decode()}"


def number_text(value: float) -> str:
    """A number as people write it: four significant digits, all of a large whole part, a real minus, no powers of ten
    where there need be none.
    """
    text = f"{value:,.0f}" if 1e4 <= abs(value) < 1e9 else f"{value:.4g}"
    return text.replace("-", "\u2212")


def scale_html(table: Table) -> str:
    """A table of values and their colours as the colour bar that it is; empty for any other table."""
    if len(table.columns) != 2 or len(table.rows) < 2:
        return ""
    values, colours = [row[0] for row in table.rows], [str(row[1]) for row in table.rows]
    if not all(isinstance(value, int | float) for value in values) or not all(map(_COLOUR.fullmatch, colours)):
        return ""
    low, high = (number_text(float(value)) for value in (values[0], values[-1]) if isinstance(value, int | float))
    bar = f'<i style="background:linear-gradient(to right, {", ".join(colours)})"></i>'
    name = html.escape(table.columns[0])
    return f'<div class="vt-scale"><span>{name}</span><span>{low}</span>{bar}<span>{high}</span></div>'


def _image(result: Image) -> str:
    caption = f"<figcaption>{html.escape(result.title)}</figcaption>" if result.title else ""
    picture = f'<img src="{data_address(result)}" alt="{html.escape(result.alt)}">'
    return f'<figure class="vt-figure">{picture}{caption}</figure>'


def _gallery(result: Gallery) -> str:
    return f'<div class="vt-gallery">{"".join(_image(image) for image in result.images)}</div>'


def _text(result: Text) -> str:
    body = _MARKDOWN.render(result.text) if result.markdown else f"<p>{html.escape(result.text)}</p>"
    return f'<div class="vt-text">{body}</div>'


def _tokens(result: Tokens) -> str:
    top = max((abs(weight) for weight in result.weights), default=0.0) or 1.0
    spans = "".join(
        f'<span class="{"vt-negative" if weight < 0 else "vt-positive"}" style="--vt-weight:{abs(weight) / top:.3f}" '
        f'title="{html.escape(result.scale)} {number_text(weight)}">'
        f"{html.escape(piece)}</span>"
        for piece, weight in zip(result.pieces, result.weights, strict=True)
    )
    return f'<div class="vt-tokens">{spans}</div>'


def _figure(result: Figure) -> str:
    return _table(result.table)  # the numbers behind it; the drawing itself needs the framework's own figure


def _table(result: Table) -> str:
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in result.columns)
    chances = [name.casefold().startswith("probability") for name in result.columns]
    rows = "".join(f"<tr>{''.join(map(_cell, row, chances))}</tr>" for row in result.rows)
    caption = f"<caption>{html.escape(result.title)}</caption>" if result.title else ""
    return f'<table class="vt-table">{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _cell(value: Any, chance: bool) -> str:
    if isinstance(value, float) and chance and 0 <= value <= 1:
        return f'<td class="vt-number">{percent(value)}</td>'
    if isinstance(value, float):
        return f'<td class="vt-number">{number_text(value)}</td>'
    return f"<td>{html.escape('' if value is None else str(value))}</td>"


def _audio(result: Audio) -> str:
    return f'<audio class="vt-audio" controls src="{data_address(result)}" title="{html.escape(result.title)}"></audio>'


def _file(result: File) -> str:
    label = html.escape(result.title or result.name)
    return (
        f'<a class="vt-file" download="{html.escape(result.name)}" href="{data_address(result)}">{label}'
        f"<span>{html.escape(result.name)}, {len(result.data) / 1024:.0f} KB</span></a>"
    )


def _number(result: Number) -> str:
    unit = f" <small>{html.escape(result.unit)}</small>" if result.unit else ""
    parts = []
    if result.low is not None and result.high is not None:
        parts.append(f"{number_text(result.low)} to {number_text(result.high)} ({html.escape(result.interval)})")
    if result.n is not None:
        parts.append(f"n = {result.n}")
    note = f'<span class="vt-interval">{", ".join(parts)}</span>' if parts else ""
    title = html.escape(result.title)
    return f'<div class="vt-value"><span>{title}</span><strong>{number_text(result.value)}{unit}</strong>{note}</div>'


def _grid(result: Grid) -> str:
    from components.grid_html import Look, grid_html, usual_look  # it writes numbers as this module does

    return grid_html(result, usual_look(result, Look()))


_RENDERERS: dict[type, Callable[[Any], str]] = {
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

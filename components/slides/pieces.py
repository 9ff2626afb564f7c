"""One result of a slide as HTML: what is looked at (pictures, figures), and what is read beside it (words, numbers).

Pictures and sound keep the very bytes that were stored; everything that comes from a run is escaped.
"""

from __future__ import annotations

import html
import io
import json
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from backends.core.errors import VitrineError
from backends.core.results import Figure, Grid, Number, Table, Text, Tokens
from backends.store.values import Run, StoredOutput
from components.figures.sweep_lines import sweep_lines
from components.grid_html import Look, grid_html, usual_look
from components.results_html import number_text, result_html, scale_html
from components.slides.material import Material, data_address
from components.slides.words import note_html
from components.words import count, percent

ROWS = 8  # of a table on a slide; the rest is counted
COLUMNS = 6
BARS = 5
PICTURES = 12
_IN_THE_GRID = frozenset(("best", "table"))  # of a sweep: what its grid says itself
HEADLINE_MAX = 120  # characters: a first text as short as this is the slide's answer
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass
class Pieces:
    """A slide's results. seen: pictures and figures. below: colour bars, under them. read: words, numbers, tables."""

    seen: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    figure: bool = False


def pieces_of(run: Run, material: Material, title: str) -> Pieces:
    """All results of a run; a sentence for one that is gone. title: of the slide, which no text repeats."""
    pieces = Pieces()
    sweep = any(output.kind == "grid" for output in run.outputs)
    for output, declared in material.declared(run):
        place = _PLACES.get(output.kind)
        if place is None or (sweep and output.name in _IN_THE_GRID):
            continue
        try:
            place(pieces, material, run, output, declared, title)
        except VitrineError as err:
            pieces.read.append(gone_html(f"{declared}: {err.sentence} {err.hint}".strip()))
    hidden = len(pieces.seen) - PICTURES
    if hidden > 0:
        pieces.seen = pieces.seen[:PICTURES]
        pieces.below.append(f'<p class="vt-rest">{count(hidden, "more picture")} in the playground.</p>')
    return pieces


def table_html(table: Table, title: str) -> str:
    """The first rows of a table, and how many more there are."""
    shown = Table(table.columns[:COLUMNS], tuple(row[:COLUMNS] for row in table.rows[:ROWS]))
    heading = f'<h3 class="vt-of">{html.escape(title)}</h3>'
    more = [f'<p class="vt-rest" data-total="{len(table.rows)}">{_more_rows(len(table.rows) - ROWS)}</p>']
    if len(table.columns) > COLUMNS:
        more.append(f'<p class="vt-rest">{count(len(table.columns) - COLUMNS, "more column")}</p>')
    return f'<div class="vt-rows">{heading}{result_html(shown)}{"".join(more)}</div>'


def bars_html(table: Table, title: str) -> str:
    """A table of names and parts of one as bars, the largest first; empty for any other table."""
    pairs = [(row[0], row[1]) for row in table.rows if len(row) == 2]
    fit = [(name, float(part)) for name, part in pairs if isinstance(name, str) and isinstance(part, float | int)]
    if not fit or len(fit) != len(table.rows) or not all(0 <= part <= 1 for _, part in fit):
        return ""
    told = percent if table.columns[1].lower().startswith("probab") else number_text
    bars = "".join(
        f'<li style="--vt-part:{part:.4f}"><span>{html.escape(name.replace("_", " "))}</span><b>{told(part)}</b></li>'
        for name, part in sorted(fit, key=lambda pair: -pair[1])[:BARS]
    )
    more = f'<p class="vt-rest" data-total="{len(fit)}">{_more_rows(len(fit) - BARS)}</p>'
    return f'<div class="vt-rows vt-bars"><h3 class="vt-of">{html.escape(title)}</h3><ul>{bars}</ul>{more}</div>'


def picture_html(source: str, alt: str, title: str, note: str, data: bytes) -> str:
    """A picture with its caption. source: of `src`. data: its bytes, of which only the head is read."""
    width, height = _size(data)
    caption = f"<b>{html.escape(title)}</b>" if title else ""
    caption += f"<span>{html.escape(note)}</span>" if note and note != title else ""
    image = f'<img src="{html.escape(source)}" alt="{html.escape(alt)}" width="{width}" height="{height}">'
    return (
        f'<figure class="vt-shot" style="--ratio:{width / height:.4f}"><figcaption>{caption}</figcaption>'
        f'<div class="vt-box">{image}</div></figure>'
    )


def cut_html(body: str, name: str) -> str:
    """Words that are cut where they do not fit, with a button that shows all of them. name: what they are."""
    label = html.escape(f"More of: {name}")
    button = f'<button type="button" class="vt-more" hidden aria-label="{label}">More</button>'
    return f'<div class="vt-cut">{body}</div>{button}'


def gone_html(sentence: str) -> str:
    """What is said in place of something that cannot be shown."""
    return f'<p class="vt-gone">{html.escape(sentence)}</p>'


def _image(pieces: Pieces, material: Material, run: Run, output: StoredOutput, declared: str, _: str) -> None:
    alt, note = str(output.meta.get("alt", "")), str(output.meta.get("title", ""))
    data = material.read(output)
    pieces.seen.append(picture_html(material.source(run, output, data), alt, declared, note, data))


def _gallery(pieces: Pieces, material: Material, run: Run, output: StoredOutput, declared: str, _: str) -> None:
    del run, declared
    with zipfile.ZipFile(io.BytesIO(material.read(output))) as archive:
        for name, (title, alt) in zip(sorted(archive.namelist()), output.meta["images"], strict=True):
            data = archive.read(name)
            pieces.seen.append(picture_html(data_address("image/png", data), alt, title, "", data))


def _figure(pieces: Pieces, material: Material, run: Run, output: StoredOutput, declared: str, _: str) -> None:
    del run
    figure = material.result(output)
    assert isinstance(figure, Figure)
    behind = table_html(figure.table, figure.title or declared)
    if not material.draws:
        pieces.read.append(behind)
        return
    spec, name = html.escape(json.dumps(dict(figure.spec))), html.escape(figure.title or declared)
    pieces.figure = True
    pieces.seen.append(
        f'<figure class="vt-plot" aria-label="{name}" data-spec="{spec}"><div class="vt-drawn"></div>'
        f'<div class="vt-behind">{behind}</div></figure>'
    )


def _text(pieces: Pieces, material: Material, run: Run, output: StoredOutput, declared: str, title: str) -> None:
    del run
    result = material.result(output)
    assert isinstance(result, Text)
    said = result.text.strip()
    said = said.removeprefix(title).lstrip(". ") if said.startswith(title) else said
    if not said:
        return
    first = not any('class="vt-headline"' in piece for piece in pieces.read)
    if first and not result.markdown and len(said) <= HEADLINE_MAX:
        pieces.read.append(f'<p class="vt-headline">{html.escape(said)}</p>')
        return
    name = result.title or declared
    body = note_html(said) if result.markdown else f"<p>{html.escape(said)}</p>"
    head = f'<h3 class="vt-of">{html.escape(name)}</h3>'
    pieces.read.append(f'<div class="vt-text">{head}{cut_html(body, name)}</div>')


def _table(pieces: Pieces, material: Material, run: Run, output: StoredOutput, declared: str, _: str) -> None:
    del run
    table = material.result(output)
    assert isinstance(table, Table)
    scale, name = scale_html(table), table.title or declared
    if scale:
        pieces.below.append(scale)
    elif table.rows:
        pieces.read.append(bars_html(table, name) or table_html(table, name))


def _grid(pieces: Pieces, material: Material, run: Run, output: StoredOutput, declared: str, _: str) -> None:
    del declared
    grid, asked = material.result(output), run.experiment.parameters
    assert isinstance(grid, Grid)
    wanted = Look("", str(asked.get("sweep_best", "")), asked.get("sweep_goal") != "smallest")
    look = usual_look(grid, wanted)
    lines = sweep_lines(grid, look.measure) if look.measure and grid.y is None else ""
    rows = " data-rows" if grid.y else ""
    natural = f'<div class="vt-natural"{rows}>{grid_html(grid, look)}{lines}</div>'
    pieces.seen.append(f'<div class="vt-sheet">{natural}</div>')


def _plain(pieces: Pieces, material: Material, run: Run, output: StoredOutput, declared: str, _: str) -> None:
    del run
    result = material.result(output)
    assert isinstance(result, Number | Tokens)
    head = "" if isinstance(result, Number) else f'<h3 class="vt-of">{html.escape(result.title or declared)}</h3>'
    pieces.read.append(f'<div class="vt-piece">{head}{result_html(result)}</div>')


def _audio(pieces: Pieces, material: Material, run: Run, output: StoredOutput, declared: str, _: str) -> None:
    name = html.escape(str(output.meta.get("title") or declared))
    source = html.escape(material.source(run, output, material.read(output)))
    player = f'<audio class="vt-audio" controls preload="none" src="{source}" aria-label="{name}"></audio>'
    pieces.read.append(f'<div class="vt-piece"><h3 class="vt-of">{name}</h3>{player}</div>')


def _size(data: bytes) -> tuple[int, int]:
    """Width and height from the head of a PNG; square where it is none."""
    if data[:8] != _PNG or len(data) < 24:
        return 1, 1
    width, height = struct.unpack(">II", data[16:24])
    return max(1, width), max(1, height)


def _more_rows(number: int) -> str:
    return f"{number:,} more" if number > 0 else ""


_Place = Callable[[Pieces, Material, Run, StoredOutput, str, str], None]
_PLACES: dict[Any, _Place] = {  # files are not for an audience: they are taken away from the playground
    "image": _image,
    "gallery": _gallery,
    "figure": _figure,
    "grid": _grid,
    "text": _text,
    "table": _table,
    "number": _plain,
    "tokens": _plain,
    "audio": _audio,
}

"""Each kind of result of several runs side by side: one function a kind, into the place on the page that is open."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from backends.core.grids import Place
from backends.core.results import Figure, Gallery, Grid, Table
from backends.experiments.compare import LETTERS, Compared, Comparison
from components.compare.figures import together
from components.compare.parts import named, side_by_side
from components.compare.pictures import show_pictures
from components.compare.texts import texts_html, tokens_html
from components.compare.values import numbers_html, table_html
from components.figures.drawing import drawing
from components.grid_html import Look, grid_html, outputs_of, usual_look
from components.results_html import result_html, scale_html
from components.shell_results import address
from components.words import byte_size

_NONE = '<p class="vt-muted">This run has none.</p>'


def show_output(comparison: Comparison, output: Compared) -> None:
    """One result of all runs. What a run lacks, or what cannot be read any more, is said in its place."""
    if output.kind == "image" and sum(result is not None for result in output.results) > 1:
        show_pictures(output, comparison.runs)
    elif output.kind == "figure" and all(isinstance(result, Figure) for result in output.results):
        _show_figures(output)
    else:
        alike = {item.kind for item in output.results if item is not None} == {output.kind}
        st.html((_HTML.get(output.kind, _whole) if alike else _whole)(comparison, output))
    for index, problem in enumerate(output.problems):
        if problem:
            st.html(f'<p class="vt-say vt-care">Run {LETTERS[index]}: {escape(problem)}</p>')


def said_of(comparison: Comparison, name: str) -> str:
    """How each later run's result differs from A's, as sentences in HTML."""
    lines = []
    for index, verdict in enumerate(comparison.verdicts, start=1):
        for change in verdict.outputs:
            if change.name == name:
                lines.append(f"<li>{named(index)}: {escape(change.sentence)}</li>")
    return f'<ul class="vt-said">{"".join(lines)}</ul>'


def _show_figures(output: Compared) -> None:
    specs = {LETTERS[index]: result.spec for index, result in enumerate(output.results) if isinstance(result, Figure)}
    for place, spec in enumerate(together(specs)):
        st.plotly_chart(drawing(spec), key=f"compare-{output.name}-{place}", config={"displaylogo": False})
    with st.expander("Numbers"):
        st.html(side_by_side(result_html(result) if result else _NONE for result in output.results))


def _numbers(comparison: Comparison, output: Compared) -> str:
    del comparison
    return numbers_html(output.rows[0], output.title)


def _tables(comparison: Comparison, output: Compared) -> str:
    del comparison
    tables = [result if isinstance(result, Table) else None for result in output.results]
    if output.rows:
        first = next(item for item in tables if item)
        return table_html(output.rows, output.title, first.columns[0])
    return side_by_side(_NONE if item is None else scale_html(item) or result_html(item) for item in tables)


def _texts(comparison: Comparison, output: Compared) -> str:
    del comparison
    return texts_html(output)


def _tokens(comparison: Comparison, output: Compared) -> str:
    return tokens_html(output.results) + said_of(comparison, output.name)


def _sounds(comparison: Comparison, output: Compared) -> str:
    players = []
    for index, (run, stored) in enumerate(zip(comparison.runs, output.stored, strict=True)):
        label = escape(f"{output.title}, run {LETTERS[index]}")
        url = escape(address(run, stored)) if stored else ""
        sound = f'<audio class="vt-audio" controls preload="none" src="{url}" aria-label="{label}"></audio>'
        players.append(sound if stored else _NONE)
    return side_by_side(players) + said_of(comparison, output.name)


def _files(comparison: Comparison, output: Compared) -> str:
    parts = []
    for run, stored in zip(comparison.runs, output.stored, strict=True):
        if stored is None:
            parts.append(_NONE)
            continue
        name = escape(str(stored.meta.get("name", stored.name)))
        link = f'<a class="vt-file" href="{escape(address(run, stored))}" download="{name}">{name}'
        link += f" <span>{byte_size(stored.bytes)}</span></a>"
        parts.append(f"{link}<p><small>sha256 {escape(stored.digest[:12])}</small></p>")
    return side_by_side(parts) + said_of(comparison, output.name)


def _galleries(comparison: Comparison, output: Compared) -> str:
    parts = [result_html(result) if isinstance(result, Gallery) else _NONE for result in output.results]
    return side_by_side(parts) + said_of(comparison, output.name)


def _grids(comparison: Comparison, output: Compared) -> str:
    """The sweeps with the same result in all cells: the first that is not the same in all runs."""
    grids = [result for result in output.results if isinstance(result, Grid)]
    names = [name for _, name in outputs_of(grids[0], {})]
    seen = next((name for name in names if len({_cells_of(grid, name) for grid in grids}) > 1), "")
    parts = [
        grid_html(result, usual_look(result, Look(seen))) if isinstance(result, Grid) else _NONE
        for result in output.results
    ]
    return side_by_side(parts) + said_of(comparison, output.name)


def _cells_of(grid: Grid, name: str) -> frozenset[tuple[Place, bytes]]:
    return frozenset((place, cell.results[name].data) for place, cell in grid.cells.items() if name in cell.results)


def _whole(comparison: Comparison, output: Compared) -> str:
    """What cannot be laid over one another as it is shown elsewhere: a run beside the other."""
    parts = [_NONE if result is None else result_html(result) for result in output.results]
    return side_by_side(parts) + said_of(comparison, output.name)


_HTML: dict[str, Callable[[Comparison, Any], str]] = {
    "number": _numbers,
    "table": _tables,
    "text": _texts,
    "tokens": _tokens,
    "audio": _sounds,
    "file": _files,
    "gallery": _galleries,
    "grid": _grids,
}

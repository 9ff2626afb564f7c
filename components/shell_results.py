"""Stored results on the shell's pages, exactly as they were kept: pictures, sound and files come from the API by
address, byte for byte; the rest is decoded from its artifact. One renderer a kind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from backends.core.encoding import decode
from backends.core.errors import NotFound, VitrineError
from backends.core.playground import Actions
from backends.core.results import Encoded, Figure, Grid, Result, Table
from backends.runtime.lab import Lab
from backends.store.values import Run, StoredOutput
from components.figures.drawing import drawing
from components.pieces import refuse, say
from components.results_html import result_html, scale_html
from components.shell_grid import show_grid
from components.words import byte_size

_WIDE = frozenset(("gallery", "figure", "grid"))  # kinds that want the whole width
_DRAWN = frozenset(("figure", "grid"))  # kinds that the page draws with elements of its own
_BESIDE = {1: [3, 2], 2: [5, 5, 6]}  # how many pictures -> shares of the width, the last for the rest
_IN_THE_GRID = frozenset(("best", "table"))  # what a grid says itself
_TITLED = frozenset(("gallery", "tokens", "text"))  # kinds that do not show a title themselves


def show_outputs(lab: Lab, run: Run, visitor: str) -> None:
    """All results of a run: pictures first, words and numbers beside or below them, then what is wide.

    Those whose files are missing or damaged are left out, and one sentence says so.
    """
    titles = declared_titles(lab.actions, run)
    whole = [output for output in run.outputs if _is_whole(lab, output, visitor)]
    if len(whole) < len(run.outputs):
        lost = [titles.get(output.name) or output.name for output in run.outputs if output not in whole]
        say(f"Not shown, since the stored file is missing or damaged: {', '.join(lost)}.", care=True)

    def show(output: StoredOutput) -> None:
        _show(lab, run, output, visitor, titles.get(output.name, ""))

    pictures, rest, wide = arranged(whole)
    groups = [*([picture] for picture in pictures), *_halves(rest, len(pictures))]
    for place, group in zip(_places(len(pictures), len(rest)), groups, strict=False):
        with place:
            for output in group:
                show(output)
    for output in wide:
        show(output)


def arranged(outputs: Sequence[StoredOutput]) -> tuple[list[StoredOutput], list[StoredOutput], list[StoredOutput]]:
    """Pictures, what stands beside or below them, and what wants the whole width; without what a grid says itself."""
    grid = any(output.kind == "grid" for output in outputs)
    shown = [output for output in outputs if not (grid and output.name in _IN_THE_GRID)]
    pictures = [output for output in shown if output.kind == "image"]
    wide = [output for output in shown if output.kind in _WIDE]
    return pictures, [output for output in shown if output not in pictures and output not in wide], wide


def output_html(lab: Lab, run: Run, output: StoredOutput, visitor: str, declared: str) -> str:
    """One result by itself as HTML, a figure as the table behind it. Raises VitrineError where it cannot be read."""
    title = str(output.meta.get("title") or declared or output.name.replace("_", " ").capitalize())
    by_address = _BY_ADDRESS.get(output.kind)
    if by_address:
        return by_address(output, address(run, output), escape(title))
    result = _decoded(lab, output, visitor)
    head = f'<h3 class="vt-result-title">{escape(title)}</h3>' if output.kind in _TITLED else ""
    body = (scale_html(result) if isinstance(result, Table) else "") or result_html(result)
    return f'<div class="vt-stored">{head}{body}</div>'


def _is_whole(lab: Lab, output: StoredOutput, visitor: str) -> bool:
    """Whether its file is there and as it was written: a browser would show a broken picture, and no sentence."""
    try:
        lab.store.artifacts.open_path(output.digest, visitor)
    except VitrineError:
        return False
    return True


def address(run: Run, output: StoredOutput) -> str:
    """Where the bytes of a result are served to who may read it."""
    return f"/api/runs/{quote(run.id, safe='')}/outputs/{quote(output.name, safe='')}"


def _places(pictures: int, rest: int) -> list[DeltaGenerator]:
    """One picture or two stand beside the rest; more stand in rows, with the rest in two columns below."""
    if pictures in _BESIDE and rest:
        return list(st.columns(_BESIDE[pictures], gap="medium"))
    row = [place for _ in range(0, pictures, 3) for place in st.columns(min(3, pictures))][:pictures]
    return [*row, *(st.columns(2, gap="large") if rest > 1 else [st.container()])]


def _halves(rest: list[StoredOutput], pictures: int) -> list[list[StoredOutput]]:
    if pictures in _BESIDE or len(rest) < 2:
        return [rest]
    tall = [output for output in rest if output.kind in ("table", "tokens", "audio")]
    return [[output for output in rest if output not in tall], tall] if tall else [rest[::2], rest[1::2]]


def _show(lab: Lab, run: Run, output: StoredOutput, visitor: str, declared: str) -> None:
    try:
        if output.kind not in _DRAWN:
            st.html(output_html(lab, run, output, visitor, declared))
            return
        result = _decoded(lab, output, visitor)
    except VitrineError as err:
        refuse(err)
        return
    if isinstance(result, Grid):
        show_grid(lab, run, result)
        return
    if isinstance(result, Figure):
        st.plotly_chart(drawing(_on_card(result)), key=f"figure-{run.id}-{output.name}", config={"displaylogo": False})
        with st.expander("Numbers"):
            st.html(result_html(result))


def _decoded(lab: Lab, output: StoredOutput, visitor: str) -> Result:
    data = lab.store.artifacts.read(output.digest, visitor)
    return decode(Encoded(output.kind, output.media_type, data, output.meta))


def _on_card(figure: Figure) -> dict[str, Any]:
    """The figure's own drawing, on the card's ground instead of the page's."""
    spec = dict(figure.spec)
    clear = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}
    return {**spec, "layout": {**spec.get("layout", {}), **clear}}


def declared_titles(actions: Actions, run: Run) -> dict[str, str]:
    """What the action calls its results, by name; nothing where it is unknown."""
    try:
        return {spec.name: spec.title for spec in actions.get(run.experiment.action).outputs}
    except NotFound:
        return {}


def _image(output: StoredOutput, url: str, title: str) -> str:
    alt = escape(str(output.meta.get("alt", "")))
    picture = f'<img src="{url}" alt="{alt}" loading="lazy" decoding="async">'
    return f'<figure class="vt-figure">{picture}<figcaption>{title}</figcaption></figure>'


def _audio(output: StoredOutput, url: str, title: str) -> str:
    del output
    return f'<audio class="vt-audio" controls preload="none" src="{url}" title="{title}"></audio>'


def _file(output: StoredOutput, url: str, title: str) -> str:
    name = escape(str(output.meta.get("name", output.name)))
    return (
        f'<a class="vt-file" href="{url}" download="{name}">{title} <span>{name}, {byte_size(output.bytes)}</span></a>'
    )


_BY_ADDRESS: dict[str, Callable[[StoredOutput, str, str], str]] = {"image": _image, "audio": _audio, "file": _file}

"""The medical viewer's own view: the answer, the picture beside where the network looked, the evidence in numbers."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import gradio as gr

from backends.core.action import Action
from backends.core.results import File, Image, Number, Result, Table, Text
from backends.store.values import Run
from components.results_html import data_address, number_text, result_html
from components.words import percent

BARS = 5  # classes shown at once; the rest are folded


class MedicalView:
    """Answer and bars, picture and overlay, evidence."""

    def __init__(self) -> None:
        self._pictures = gr.HTML(_skeleton(), elem_id="vt-pictures")
        self._answer = gr.HTML("", elem_id="vt-answer")
        self._evidence = gr.HTML("", elem_id="vt-evidence")

    @property
    def components(self) -> list[Any]:
        """Pictures, answer, evidence."""
        return [self._pictures, self._answer, self._evidence]

    def show(self, results: Mapping[str, Result]) -> list[Any]:
        """Updates for what has been found so far."""
        if not results:
            return [gr.skip()] * 3
        return [_pictures(results), _answer(results), _evidence(results)]


def view(action: type[Action]) -> MedicalView:
    """The view of the viewer's action."""
    del action
    return MedicalView()


def title(run: Run, results: Mapping[str, Result]) -> str:
    """A saved session's first title: the answer and the day."""
    answer = results.get("answer")
    found = answer.text.split(".")[0] if isinstance(answer, Text) else "Medical image"
    return f"{found[:80]} ({run.created.strftime('%d %b %Y')})"


def _pictures(results: Mapping[str, Result]) -> str:
    shown = [_picture(results.get("view"), "What the model sees"), _picture(results.get("overlay"), "Where it looked")]
    return f'<div class="vt-pair">{"".join(shown)}</div>{_scale(results.get("scale"))}'


def _picture(result: Result | None, caption: str) -> str:
    if not isinstance(result, Image):
        return ""
    picture = f'<img src="{data_address(result)}" alt="{html.escape(result.alt)}">'
    note = f"<span>{html.escape(result.title)}</span>" if result.title else ""
    return f'<figure class="vt-figure"><figcaption><b>{caption}</b>{note}</figcaption>{picture}</figure>'


def _scale(table: Result | None) -> str:
    """The colour bar of the overlay, from the numbers and colours that the run itself gives."""
    if not isinstance(table, Table) or not table.rows:
        return ""
    stops = ", ".join(html.escape(str(row[1])) for row in table.rows)
    low, high = (number_text(float(table.rows[index][0] or 0.0)) for index in (0, -1))
    name = html.escape(table.columns[0])
    bar = f'<i style="background:linear-gradient(to right, {stops})"></i>'
    return f'<div class="vt-scale"><span>{name}</span><span>{low}</span>{bar}<span>{high}</span></div>'


def _answer(results: Mapping[str, Result]) -> str:
    answer, table, note = results.get("answer"), results.get("probabilities"), results.get("note")
    parts = []
    if isinstance(answer, Text):
        parts.append(f'<p class="vt-headline">{html.escape(answer.text)}</p>')
    if isinstance(note, Text):
        parts.append(f'<p class="vt-note">{html.escape(note.text)}</p>')
    if isinstance(table, Table):
        parts.append(_bars(table))
    return "".join(parts)


def _bars(table: Table) -> str:
    rows = sorted(((str(row[0]), float(row[1] or 0.0)) for row in table.rows), key=lambda row: -row[1])
    first, rest = rows[:BARS], rows[BARS:]
    folded = f"<details><summary>{len(rest)} more</summary>{_bar_list(rest)}</details>" if rest else ""
    return f'<div class="vt-bars">{_bar_list(first)}{folded}</div>'


def _bar_list(rows: list[tuple[str, float]]) -> str:
    items = "".join(
        f'<li style="--vt-part:{probability:.4f}"><span>{html.escape(name.replace("_", " "))}</span>'
        f"<b>{percent(probability)}</b></li>"
        for name, probability in rows
    )
    return f"<ul>{items}</ul>"


def _evidence(results: Mapping[str, Result]) -> str:
    wanted = [results.get(name) for name in ("evidence_peak", "evidence_meaning", "evidence")]
    shown = [result_html(item) for item in wanted if isinstance(item, Number | Text | File)]
    if not shown:
        return ""
    return f'<details class="vt-evidence"><summary>Evidence in numbers</summary>{"".join(shown)}</details>'


def _skeleton() -> str:
    return (
        '<div class="vt-pair vt-waiting"><figure class="vt-figure"></figure><figure class="vt-figure"></figure></div>'
    )

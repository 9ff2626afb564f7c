"""The page that compares: its head, each result that differs, what is identical, and what was not the same around."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from backends.core.errors import VitrineError
from backends.experiments.compare import LETTERS, Comparison, compare
from components.chrome import visitor
from components.compare.choosing import choose_runs
from components.compare.head import head_html
from components.compare.outputs import show_output
from components.lab import current
from components.pieces import heading, refuse, section
from components.verdict_html import circumstances_html
from components.words import count

_ALWAYS = frozenset(("image",))  # shown where they stand even when all runs have them alike
_ALL_ALIKE = "All results are identical, to the last byte."
_HERE = Path(__file__).parent


def show_compare(run_ids: str, link: str) -> None:
    """Compare the runs of that list ('id,id'); without any, offer the visitor's own. link: of a shared session."""
    st.html(_style())
    wanted = [part.strip() for part in run_ids.split(",") if part.strip()]
    if not wanted:
        heading("Compare", "See two to four results side by side: what was set differently, and what came of it.")
        choose_runs(current(), visitor())
        return
    try:
        if link:
            current().store.sessions.open(link, visitor())
        comparison = compare(current(), wanted, visitor())
    except VitrineError as err:
        heading("Compare")
        refuse(err)
        choose_runs(current(), visitor())
        return
    _show(comparison, link)


def _show(comparison: Comparison, link: str) -> None:
    lab = current()
    alike = [item for item in comparison.outputs if item.identical]
    unequal = len(comparison.outputs) - len(alike)
    what = f"{unequal} of {count(len(comparison.outputs), 'result')} {'differs' if unequal == 1 else 'differ'}"
    heading(f"Compare: {comparison.title}", f"{what}. Changes are told against run A." if unequal else _ALL_ALIKE)
    with st.container(key="vt-card-compare-head"):
        st.html(head_html(lab, comparison, visitor(), link))
    shown = [item for item in comparison.outputs if not item.identical or item.kind in _ALWAYS]
    for output in shown:
        with st.container(key=f"vt-card-compare-{output.name}"):
            section(output.title)
            show_output(comparison, output)
    folded = [item for item in alike if item not in shown]
    if folded:
        with st.expander(f"Identical in all runs: {', '.join(item.title for item in folded)}"):
            for output in folded:
                section(output.title)
                show_output(comparison, output)
    around = [
        circumstances_html(verdict.circumstances, "Run A", f"Run {letter}")
        for verdict, letter in zip(comparison.verdicts, LETTERS[1:], strict=False)
    ]
    st.html("".join(around) or '<p class="vt-muted">Libraries, device and machine were the same for all runs.</p>')


@cache
def _style() -> str:
    return f"<style>{(_HERE / 'compare.css').read_text(encoding='utf-8')}</style>"

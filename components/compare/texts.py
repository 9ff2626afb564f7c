"""Texts and tokens of several runs: what A said and each other run says, word by word."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from backends.core.results import Text, Tokens
from backends.experiments.compare import LETTERS, Compared
from backends.experiments.words import Piece
from components.compare.parts import letter, side_by_side
from components.results_html import result_html

_TAGS = {"added": "ins", "removed": "del"}
_SAID = {"added": "added: ", "removed": "removed: "}


def texts_html(output: Compared) -> str:
    """The way from A's text to each other one's; Markdown is compared as it was written."""
    if not output.diffs:
        return side_by_side(_whole(item) for item in output.results)
    return "".join(_way(index, pieces, output.results[index]) for index, pieces in enumerate(output.diffs, start=1))


def tokens_html(results: Sequence[object]) -> str:
    """A row of tokens a run."""
    return side_by_side(result_html(item) if isinstance(item, Tokens) else _NONE for item in results)


def diff_html(pieces: Sequence[Piece]) -> str:
    """The text with what was added underlined and what was removed struck through; said as well, for who hears it."""
    return f'<p class="vt-diff">{"".join(_piece(piece) for piece in pieces)}</p>'


_NONE = '<p class="vt-muted">This run has none.</p>'


def _way(index: int, pieces: Sequence[Piece], result: object) -> str:
    head = f'<h3 class="vt-named">{letter(0)} {letter(index)} From run A to run {LETTERS[index]}</h3>'
    if not isinstance(result, Text):
        return head + _NONE
    if all(piece.change == "same" for piece in pieces):
        return f'{head}<p class="vt-muted">The same text, to the last character.</p>{diff_html(pieces)}'
    legend = f"<del>Struck through</del>: only run A. <ins>Underlined</ins>: only run {LETTERS[index]}."
    return f'{head}{diff_html(pieces)}<p class="vt-muted">{legend}</p>'


def _piece(piece: Piece) -> str:
    tag = _TAGS.get(piece.change)
    if not tag:
        return escape(piece.text)
    return f'<{tag}><span class="vt-unseen">{_SAID[piece.change]}</span>{escape(piece.text)}</{tag}>'


def _whole(result: object) -> str:
    return f'<p class="vt-diff">{escape(result.text)}</p>' if isinstance(result, Text) else _NONE

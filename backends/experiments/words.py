"""What changed between two texts, word by word (Ratcliff and Obershelp's matching, as Python's difflib has it)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

_WORD = re.compile(r"\s+|\w+|[^\w\s]")
_WORDS_MAX = 4000  # of both texts: the matching is quadratic at worst; longer texts are told apart by lines


@dataclass(frozen=True)
class Piece:
    """A stretch of text that both have, that only the second has, or that only the first had."""

    change: Literal["same", "added", "removed"]
    text: str


def word_diff(first: str, second: str) -> tuple[Piece, ...]:
    """The way from one to the other: the pieces that are not 'added' make `first`, those not 'removed' `second`."""
    one, other = _parts(first, second)
    pieces: list[Piece] = []
    for _, start, end, begin, stop in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        removed, added = "".join(one[start:end]), "".join(other[begin:stop])
        if removed == added:
            pieces.append(Piece("same", removed))
            continue
        pieces += [Piece("removed", removed)] if removed else []
        pieces += [Piece("added", added)] if added else []
    return tuple(pieces)


def changed(first: str, second: str) -> tuple[int, int]:
    """How many characters were removed or added, and in how many lines of the longer text."""
    pieces = [piece for piece in word_diff(first, second) if piece.change != "same"]
    one, other = first.splitlines(), second.splitlines()
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    lines = sum(
        max(end - start, stop - begin) for tag, start, end, begin, stop in matcher.get_opcodes() if tag != "equal"
    )
    return sum(len(piece.text) for piece in pieces), max(lines, 1 if pieces else 0)


def _parts(first: str, second: str) -> tuple[list[str], list[str]]:
    """Words, spaces and signs; whole lines where there are too many of them."""
    one, other = _WORD.findall(first), _WORD.findall(second)
    if len(one) + len(other) <= _WORDS_MAX:
        return one, other
    return first.splitlines(keepends=True), second.splitlines(keepends=True)

"""Reads what Chromium's PDF files say: pages, their sizes, and the text of each. No more of PDF than that.

Chromium (Skia) writes plain objects, streams packed by zlib, and fonts whose ToUnicode table names each glyph's
character (ISO 32000-1, 9.10.3).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

_OBJECT = re.compile(rb"(\d+) 0 obj\b(.*?)\bendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_SHOWN = re.compile(rb"/(\w+) [\d.]+ Tf|<([0-9A-Fa-f]+)>\s*Tj|\[([^\]]*)\]\s*TJ")


@dataclass(frozen=True)
class PdfPage:
    """width, height: in px of 1/96 inch. text: with all white space left out."""

    width: float
    height: float
    text: str


@dataclass(frozen=True)
class _Font:
    """characters: by glyph code. digits: hex digits of a code."""

    characters: dict[int, str]
    digits: int


def pdf_pages(data: bytes) -> list[PdfPage]:
    """The pages in order."""
    objects = {int(number): body for number, body in _OBJECT.findall(data)}
    root = next(body for body in objects.values() if re.search(rb"/Type\s*/Pages\b", body) and b"/Parent" not in body)
    return [_page(objects, number) for number in _leaves(objects, root)]


def _leaves(objects: dict[int, bytes], node: bytes) -> list[int]:
    found: list[int] = []
    kids = re.search(rb"/Kids\s*\[([^\]]*)\]", node)
    for number in map(int, re.findall(rb"(\d+) 0 R", kids[1] if kids else b"")):
        inner = re.search(rb"/Type\s*/Pages\b", objects[number])
        found += _leaves(objects, objects[number]) if inner else [number]
    return found


def _page(objects: dict[int, bytes], number: int) -> PdfPage:
    body = objects[number]
    box = re.search(rb"/MediaBox\s*\[([^\]]+)\]", body)
    assert box
    left, bottom, right, top = map(float, box[1].split())
    fonts = {name: _font(objects, int(font)) for name, font in re.findall(rb"/(F\d+) (\d+) 0 R", body)}
    contents = re.search(rb"/Contents (\d+) 0 R", body)
    assert contents
    text, font = "", _Font({}, 4)
    for named, single, several in _SHOWN.findall(_unpacked(objects[int(contents[1])])):
        if named:
            font = fonts[named]
        for run in [single] if single else re.findall(rb"<([0-9A-Fa-f]+)>", several):
            codes = (int(run[at : at + font.digits], 16) for at in range(0, len(run), font.digits))
            text += "".join(font.characters.get(code, "") for code in codes)
    return PdfPage((right - left) / 0.75, (top - bottom) / 0.75, re.sub(r"\s", "", text))


def _font(objects: dict[int, bytes], font: int) -> _Font:
    table = re.search(rb"/ToUnicode (\d+) 0 R", objects[font])
    assert table, "a font without the characters of its glyphs: its text cannot be searched or copied"
    cmap, found = _unpacked(objects[int(table[1])]), {}
    space = re.search(rb"begincodespacerange\s*<(\w+)>", cmap)
    assert space
    for part in re.findall(rb"beginbfchar(.*?)endbfchar", cmap, re.DOTALL):
        for glyph, character in re.findall(rb"<(\w+)>\s*<(\w+)>", part):
            found[int(glyph, 16)] = bytes.fromhex(character.decode()).decode("utf-16-be")
    for part in re.findall(rb"beginbfrange(.*?)endbfrange", cmap, re.DOTALL):
        for first, last, character in re.findall(rb"<(\w+)>\s*<(\w+)>\s*<(\w+)>", part):
            for step in range(int(last, 16) - int(first, 16) + 1):
                found[int(first, 16) + step] = chr(int(character, 16) + step)
    return _Font(found, len(space[1]))


def _unpacked(body: bytes) -> bytes:
    stream = _STREAM.search(body)
    assert stream
    return zlib.decompress(stream[1]) if b"/FlateDecode" in body else stream[1]

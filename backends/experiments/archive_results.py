"""Are an archive's results what their kinds promise? Asked before anything is kept.

What an action of ours yields is right by construction, so nothing that shows results checks them again: a picture of
four gigapixels, a zip inside a zip, a number that is a word or a table with a missing cell must stop here. Pictures
are judged by their headers and checksums, not decoded.
"""

from __future__ import annotations

import io
import math
import re
import struct
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image as Pillow

from backends.core.digest import canonical_json
from backends.core.encoding import decode
from backends.core.errors import ArtifactMissing, BadArchive
from backends.core.limits import MIB, Limits
from backends.core.results import Audio, Axis, Encoded, Figure, Grid, GridCell, Number, Table, Tokens
from backends.experiments.archive_forms import read_json
from backends.experiments.plain_zip import NotPlain, Part, read_zip

IN_MEMORY_MAX = 128 * MIB  # a result is read as a whole, as it is when it is shown; files are not
_MEDIA_TYPES = {
    "image": ("image/png",),
    "gallery": ("application/zip",),
    "text": ("text/plain", "text/markdown"),
    "tokens": ("application/json",),
    "figure": ("application/json",),
    "table": ("application/json",),
    "audio": ("audio/wav",),
    "number": ("application/json",),
    "grid": ("application/zip",),
}
_MODES = ("L", "RGB", "RGBA")  # what core.encoding writes
_RATE_MAX = 1_000_000  # hertz
_MEMBER = re.compile(r"[a-z0-9.-]{1,40}")
_ODD = (ArtifactMissing, BadArchive, NotPlain, ValueError, LookupError, TypeError, AttributeError, ArithmeticError)
_OF_LIBRARIES = (OSError, SyntaxError, EOFError, RuntimeError, struct.error, Pillow.DecompressionBombError)  # and wave


class OddResult(Exception):
    """The bytes are not what their kind promises."""


def check_result(encoded: Encoded, limits: Limits) -> None:
    """Raises OddResult unless this is what core.encoding writes for that kind. A file's bytes are not looked at."""
    try:
        _check(encoded, limits, nested=False)
    except (*_ODD, *_OF_LIBRARIES) as err:
        raise OddResult from err


def _check(encoded: Encoded, limits: Limits, *, nested: bool) -> None:
    meta = encoded.meta
    _expect(isinstance(meta["title"], str))
    if encoded.kind == "file":
        name = meta["name"]
        _expect(isinstance(name, str) and 1 <= len(name) <= 200 and name.isprintable() and not set(name) & set("/\\"))
        return
    _expect(encoded.media_type in _MEDIA_TYPES[encoded.kind] and not (nested and encoded.kind == "grid"))
    if encoded.media_type == "application/json":
        read_json(encoded.data, "A result")
    if encoded.kind == "image":
        _expect(isinstance(meta["alt"], str))
        _check_png(encoded.data, limits.picture_pixels)
    elif encoded.kind == "gallery":
        _check_gallery(encoded.data, meta["images"], limits)
    elif encoded.kind == "grid":
        _check_members(encoded.data)
        _check_grid(decode(encoded), limits)
    else:
        _CHECKS.get(encoded.kind, _nothing_more)(decode(encoded))


def _expect(fact: bool) -> None:
    if not fact:
        raise ValueError("not what its kind promises")


def _nothing_more(result: Any) -> None:
    """Decoding was the check."""


def _whole(data: bytes) -> Part:
    return Part(io.BytesIO(data), 0, len(data))


def _check_png(data: bytes, max_pixels: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # ours is the check below
        with Pillow.open(io.BytesIO(data), formats=("PNG",)) as image:
            _expect(image.mode in _MODES and min(image.size) > 0 and image.size[0] * image.size[1] <= max_pixels)
            image.verify()


def _check_gallery(data: bytes, told: Any, limits: Limits) -> None:
    entries = read_zip(_whole(data), lambda name: _MEMBER.fullmatch(name) is not None)
    _expect(list(entries) == [f"{index:04}.png" for index in range(len(told))])
    for entry, (title, alt) in zip(entries.values(), told, strict=True):
        _expect(isinstance(title, str) and isinstance(alt, str))
        _check_png(entry.read(), limits.picture_pixels)


def _check_tokens(result: Tokens) -> None:
    _expect(all(isinstance(piece, str) for piece in result.pieces) and all(map(_is_number, result.weights)))
    _expect(len(result.pieces) == len(result.weights) and isinstance(result.scale, str))


def _check_table(result: Table) -> None:
    _expect(all(isinstance(column, str) for column in result.columns))
    for row in result.rows:
        _expect(len(row) == len(result.columns) and all(map(_is_cell, row)))


def _check_figure(result: Figure) -> None:
    spec = result.spec
    _expect(isinstance(spec, Mapping) and set(spec) <= {"data", "layout", "frames"})
    _expect(all(isinstance(trace, dict) for trace in spec.get("data", ())) and isinstance(spec.get("layout", {}), dict))
    _expect(isinstance(result.table.title, str))
    _check_table(result.table)


def _check_audio(result: Audio) -> None:
    _expect(1 <= result.rate <= _RATE_MAX)


def _check_number(result: Number) -> None:
    _expect(_is_number(result.value) and isinstance(result.unit, str) and isinstance(result.interval, str))
    _expect(all(value is None or _is_number(value) for value in (result.low, result.high)))
    _expect(result.n is None or (type(result.n) is int and _is_number(result.n)))


def _check_members(data: bytes) -> None:
    """Each file of a grid belongs to one result: what is read must not become more than what is there."""
    entries = read_zip(_whole(data), lambda name: _MEMBER.fullmatch(name) is not None)
    index = read_json(entries.pop("index.json").read(), "A result")
    named = [result[1] for cell in index["cells"] for result in cell["results"]]
    _expect(len(set(named)) == len(named) and set(named) == set(entries))


def _check_grid(grid: Any, limits: Limits) -> None:
    _expect(isinstance(grid, Grid) and 1 <= grid.seeds <= 10_000)
    for axis in (grid.x, *([grid.y] if grid.y else [])):
        _check_axis(axis)
    _expect(all(isinstance(title, str) for title in grid.measures.values()))
    for cell in grid.cells.values():
        _check_cell(cell, grid, limits)


def _check_axis(axis: Axis) -> None:
    _expect(all(isinstance(text, str) for text in (axis.parameter, axis.title, axis.unit, *axis.labels)))
    _expect(all(map(_is_cell, axis.values)) and len(axis.values) == len(axis.labels))


def _check_cell(cell: GridCell, grid: Grid, limits: Limits) -> None:
    _expect(set(cell.measures) <= set(grid.measures) and all(map(len, cell.measures.values())))
    _expect(all(math.isfinite(value) for values in cell.measures.values() for value in values))
    for name, encoded in cell.results.items():
        _expect(isinstance(name, str) and isinstance(encoded.media_type, str) and isinstance(encoded.meta, dict))
        canonical_json(encoded.meta)
        _check(encoded, limits, nested=True)


def _is_number(value: Any) -> bool:
    """Whether it can be shown as one; raises OverflowError on whole numbers that no float reaches."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_cell(value: Any) -> bool:
    return value is None or isinstance(value, str | bool) or _is_number(value)


_CHECKS: dict[str, Callable[[Any], None]] = {
    "tokens": _check_tokens,
    "table": _check_table,
    "figure": _check_figure,
    "audio": _check_audio,
    "number": _check_number,
}

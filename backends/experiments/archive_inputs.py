"""Is an archive's input what its action would have kept? Asked of the action itself, where it is known here."""

from __future__ import annotations

import struct

import numpy as np

from backends.core.action import Action
from backends.core.errors import BadArchive, BadInput
from backends.core.pictures import read_picture

_PNG = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_CRC = 4
_HEADER = slice(len(_PNG), len(_PNG) + _CHUNK.size + 13 + _CRC)  # IHDR: size, depth, colour
_NEEDED = frozenset((b"IHDR", b"IDAT", b"IEND"))


def check_input(action: type[Action], parameter: str, data: bytes, called: str) -> None:
    """Raises BadArchive unless the action keeps exactly this; what its `prepare_input` raises besides BadInput."""
    try:
        kept = action.prepare_input(parameter, data)
    except BadInput as err:
        raise BadArchive(f"An input of {called} cannot be used here. {err.sentence}", hint=err.hint) from err
    if kept != data and not same_picture(kept, data):
        raise BadArchive(
            f"An input of {called} is not as Vitrine keeps it.", hint="Upload the file itself, and run it here."
        )


def same_picture(kept: bytes, given: bytes) -> bool:
    """Whether `given` is `kept` as another version of the PNG library packs it: equal pixels, and nothing besides."""
    if not (kept.startswith(_PNG) and _is_bare(given) and kept[_HEADER] == given[_HEADER]):
        return False
    return np.array_equal(read_picture(kept), read_picture(given))


def _is_bare(data: bytes) -> bool:
    """Whether a PNG has no chunk but those that its pixels need, and nothing behind them."""
    place = len(_PNG)
    while data.startswith(_PNG) and place + _CHUNK.size + _CRC <= len(data):
        length, kind = _CHUNK.unpack_from(data, place)
        place += _CHUNK.size + length + _CRC
        if kind not in _NEEDED:
            return False
        if kind == b"IEND":
            return bool(place == len(data))
    return False

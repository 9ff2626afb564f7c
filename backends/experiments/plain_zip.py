"""Zip files of the plainest kind: entries stored as they are, right behind one another, then their list, then the end.

Written so, equal contents give equal bytes on every machine (a compressor's output differs between its versions).
Read so, an entry can be no larger than the file, and no two can overlap: there is nothing to inflate, no second size
to believe (zip64), no gap and no comment to hide in. Any unzip program opens it.
PKWARE's APPNOTE 6.3.10, 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (end).
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Literal

NAME_MAX = 100
ENTRIES_MAX = 20_000
TOTAL_MAX = 2**32 - 2  # what offsets of four bytes reach; 2**32 - 1 means zip64
CHUNK = 2**20
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\3\4", b"PK\1\2", b"PK\5\6"
_LIST_MAX = ENTRIES_MAX * (_CENTRAL.size + NAME_MAX)
_COMMENT_MAX = 2**16
_VERSION = 10  # 1.0: stored entries need no more
_UNIX = 3 << 8
_PLAIN_FILE = 0o100644 << 16
_DATE = 0x21  # 1 January 1980, the earliest there is
_ENCRYPTED, _UTF8 = 1 | 1 << 6 | 1 << 13, 1 << 11
_FOLDER, _TYPE, _REGULAR = 0x10, 0o170000 << 16, 0o100000 << 16

Reason = Literal["no_zip", "cut", "encrypted", "foreign", "names", "too_many", "damaged"]


class NotPlain(Exception):
    """The file is not such a zip file. reason: why. name: the entry that is damaged, where it is one."""

    def __init__(self, reason: Reason, name: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.name = name


@dataclass(frozen=True)
class Content:
    """An entry to be written. crc: CRC-32 of its bytes, which `chunks` gives as often as it is called."""

    name: str
    size: int
    crc: int
    chunks: Callable[[], Iterable[bytes]]

    @classmethod
    def of(cls, name: str, data: bytes) -> Content:
        """An entry that is in memory."""
        return cls(name, len(data), zlib.crc32(data), lambda: (data,))


@dataclass(frozen=True)
class Part:
    """A stretch of a file that can be sought in. start, size: in bytes."""

    file: IO[bytes]
    start: int
    size: int

    def read_at(self, offset: int, count: int) -> bytes:
        """`count` bytes from `offset` on. Raises NotPlain where they are not all there."""
        if offset < 0 or offset + count > self.size:
            raise NotPlain("cut")
        self.file.seek(self.start + offset)
        data = self.file.read(count)
        if len(data) != count:
            raise NotPlain("cut")
        return data

    def chunks(self) -> Iterator[bytes]:
        """All of it, in pieces of at most 1 MiB."""
        for offset in range(0, self.size, CHUNK):
            yield self.read_at(offset, min(CHUNK, self.size - offset))


@dataclass(frozen=True)
class Entry:
    """An entry that was read: where its bytes lie, and the CRC-32 that they should have."""

    name: str
    part: Part
    crc: int

    def read(self) -> bytes:
        """Its bytes, in memory. Raises NotPlain where they are damaged."""
        data = self.part.read_at(0, self.part.size)
        if zlib.crc32(data) != self.crc:
            raise NotPlain("damaged", self.name)
        return data

    def sha256(self) -> str:
        """The content hash, read in pieces. Raises NotPlain where the bytes are damaged."""
        running, crc = hashlib.sha256(), 0
        for piece in self.part.chunks():
            running.update(piece)
            crc = zlib.crc32(piece, crc)
        if crc != self.crc:
            raise NotPlain("damaged", self.name)
        return running.hexdigest()


def total_size(contents: Iterable[Content]) -> int:
    """How long the file will be, in bytes."""
    return _END.size + sum(_LOCAL.size + _CENTRAL.size + 2 * len(item.name) + item.size for item in contents)


def write_zip(contents: Iterable[Content]) -> Iterator[bytes]:
    """The file in pieces, in the order of `contents`. Raises NotPlain where an entry's bytes are not what it says."""
    listed, offset, count = b"", 0, 0
    for item in contents:
        name = item.name.encode("ascii")
        usual = (_VERSION, 0, 0, 0, _DATE, item.crc, item.size, item.size, len(name), 0)
        yield _LOCAL.pack(_LOCAL_MARK, *usual) + name
        yield from _checked(item)
        listed += _CENTRAL.pack(_CENTRAL_MARK, _UNIX | _VERSION, *usual, 0, 0, 0, _PLAIN_FILE, offset) + name
        offset += _LOCAL.size + len(name) + item.size
        count += 1
    yield listed + _END.pack(_END_MARK, 0, 0, count, count, len(listed), offset, 0)


def _checked(item: Content) -> Iterator[bytes]:
    size = crc = 0
    for piece in item.chunks():
        yield piece
        size, crc = size + len(piece), zlib.crc32(piece, crc)
    if (size, crc) != (item.size, item.crc):
        raise NotPlain("damaged", item.name)


def read_first(whole: Part) -> Entry:
    """The first entry, whatever comes behind it. Raises NotPlain."""
    if whole.size < _LOCAL.size or whole.read_at(0, 4) != _LOCAL_MARK:
        raise NotPlain("no_zip")
    _, _, flags, method, _, _, crc, packed, size, length, extra = _LOCAL.unpack(whole.read_at(0, _LOCAL.size))
    _check_kind(flags, method, packed, size, length, extra)
    start = _LOCAL.size + length
    if start + size > whole.size:
        raise NotPlain("cut")
    name = _name(whole.read_at(_LOCAL.size, length))
    return Entry(name, Part(whole.file, whole.start + start, size), crc)


def read_zip(whole: Part, allowed: Callable[[str], bool]) -> dict[str, Entry]:
    """The entries by name, in order. Every byte of the file is accounted for; the entries' own are not looked at.

    allowed: whether an entry may have that name. Raises NotPlain.
    """
    if whole.size < _END.size or whole.read_at(0, 4) not in (_LOCAL_MARK, _END_MARK):
        raise NotPlain("no_zip")
    count, size, start = _end(whole)
    listed, found, place, offset = whole.read_at(start, size), dict[str, Entry](), 0, 0
    for _ in range(count):
        if place + _CENTRAL.size > size:
            raise NotPlain("foreign")
        fields = _CENTRAL.unpack_from(listed, place)
        place += _CENTRAL.size + fields[10]
        entry = _entry(whole, fields, _name(listed[place - fields[10] : place]), offset, start)
        if entry.name in found or not allowed(entry.name):
            raise NotPlain("names")
        found[entry.name] = entry
        offset = entry.part.start - whole.start + entry.part.size
    if place != size or offset != start:
        raise NotPlain("foreign")
    return found


def _end(whole: Part) -> tuple[int, int, int]:
    """How many entries there are, and size and start of their list, which must reach to the end record."""
    tail = whole.size - _END.size
    mark, disk, first_disk, here, count, size, start, comment = _END.unpack(whole.read_at(tail, _END.size))
    if mark != _END_MARK:
        raise NotPlain("foreign" if _ends_elsewhere(whole) else "cut")
    if disk or first_disk or comment or here != count or start + size != tail:
        raise NotPlain("foreign")
    if count > ENTRIES_MAX or size > _LIST_MAX:
        raise NotPlain("too_many")
    return count, size, start


def _ends_elsewhere(whole: Part) -> bool:
    """Whether a whole end record stands before the end: with a comment behind it, or something that was added."""
    back = max(0, whole.size - _END.size - _COMMENT_MAX)
    tail = whole.read_at(back, whole.size - back)
    return 0 <= tail.rfind(_END_MARK) <= len(tail) - _END.size


def _entry(whole: Part, fields: tuple[Any, ...], name: str, offset: int, end: int) -> Entry:
    """One entry of the list, held against its own header, which must stand at `offset`; the entries end at `end`."""
    mark, _, _, flags, method, _, _, crc, packed, size, length, extra, comment, disk, _, attributes, told = fields
    _check_kind(flags, method, packed, size, length, extra)
    if mark != _CENTRAL_MARK or comment or disk or told != offset:
        raise NotPlain("foreign")
    if attributes & _FOLDER or attributes & _TYPE not in (0, _REGULAR):  # a link, a device
        raise NotPlain("names")
    start = offset + _LOCAL.size + length
    if start + size > end:
        raise NotPlain("foreign")
    here = _LOCAL.unpack(whole.read_at(offset, _LOCAL.size))
    if here[0] != _LOCAL_MARK or here[2:4] != (flags, method) or here[6:] != (crc, packed, size, length, extra):
        raise NotPlain("foreign")
    if whole.read_at(offset + _LOCAL.size, length) != name.encode():
        raise NotPlain("foreign")
    return Entry(name, Part(whole.file, whole.start + start, size), crc)


def _check_kind(flags: int, method: int, packed: int, size: int, length: int, extra: int) -> None:
    if flags & _ENCRYPTED:
        raise NotPlain("encrypted")
    if flags & ~_UTF8 or method or extra or packed != size:
        raise NotPlain("foreign")
    if not 1 <= length <= NAME_MAX:
        raise NotPlain("names")


def _name(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as err:
        raise NotPlain("names") from err

"""Ways to bend an archive: as a transfer would (bits, cuts), and as a forger would (with digests made right again)."""

from __future__ import annotations

import json
import random
import struct
import zlib
from typing import Any

from backends.core.digest import canonical_json, sha256
from tests.backends.experiments.archives import (
    packed,
    sealed,
    unpacked,
)

TEN_GB = 10 * 10**9
ZEROS = zlib.compress(bytes(20 * 2**20), 9)[2:-4]
NASTY: list[Any] = [
    None, True, False, 0, -1, 1e308, 10**400, 2**63, "", "\0", "\u202e", "x" * 10_000, "../../etc/passwd", "<script>",
    "image", "grid", "0" * 64, [], {}, [[]], {"a": {}}, "nan", "2026-01-01T00:00:00+00:00", " a ", -0.5,
]  # fmt: skip
NAMES = [
    b"../../../tmp/x", b"/etc/passwd", b"artifacts/../../x", b"C:\\x", b"artifacts\\x", b"artifacts/", b"session.json",
    b"manifest.json", b"\xff\xfe", b"artifacts/" + b"0" * 64, b"artifacts/" + b"0" * 63 + b"\0", b"x" * 300,
]  # fmt: skip


def flip_bits(dice: random.Random, archive: bytes) -> bytes:
    data = bytearray(archive)
    for _ in range(dice.choice((1, 1, 1, 2, 8))):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def flip_headers(dice: random.Random, archive: bytes) -> bytes:
    """Bits of the zip file's own bytes, which decide what is read from where."""
    marks = [at for mark in (b"PK\3\4", b"PK\1\2", b"PK\5\6") for at in _places(archive, mark)]
    data = bytearray(archive)
    at = dice.choice(marks) + dice.randrange(46)
    data[min(at, len(data) - 1)] = dice.choice((0, 1, 8, 0xFF, dice.randrange(256)))
    return bytes(data)


def _places(data: bytes, mark: bytes) -> list[int]:
    found, at = [], data.find(mark)
    while at >= 0:
        found.append(at)
        at = data.find(mark, at + 1)
    return found


def cut(dice: random.Random, archive: bytes) -> bytes:
    return archive[: dice.randrange(len(archive))]


def splice(dice: random.Random, archive: bytes) -> bytes:
    """Take a stretch out, put it in elsewhere, twice, or in place of something."""
    start, length = dice.randrange(len(archive)), dice.choice((1, 4, 30, 46, 1000))
    to = dice.randrange(len(archive))
    piece = archive[start : start + length]
    kept = archive[:start] + archive[start + length :] if dice.random() < 0.5 else archive
    return kept[:to] + piece + kept[to + (length if dice.random() < 0.5 else 0) :]


def swap_entries(dice: random.Random, archive: bytes) -> bytes:
    parts = unpacked(archive)
    one, other = dice.sample(list(parts), 2)
    parts[one], parts[other] = parts[other], parts[one]
    return packed(parts) if "manifest.json" in (one, other) or dice.random() < 0.5 else sealed(parts)


def rename(dice: random.Random, archive: bytes) -> bytes:
    """Another name for an entry, in one header or in both."""
    at = dice.choice(_places(archive, b"PK\1\2")[-20:])
    (offset,) = struct.unpack_from("<I", archive, at + 42)
    (length,) = struct.unpack_from("<H", archive, at + 28)
    name = dice.choice(NAMES)[:length].ljust(length, b"x") if dice.random() < 0.5 else dice.choice(NAMES)
    data = archive[: at + 46] + name + archive[at + 46 + length :]
    if dice.random() < 0.7 and len(name) == length:
        data = data[: offset + 30] + name + data[offset + 30 + length :]
    return data


def repeat(dice: random.Random, archive: bytes) -> bytes:
    """Entries twice: in the list only, so that they overlap, or as a whole."""
    listed = _places(archive, b"PK\1\2")
    at = dice.choice(listed[-20:])
    (length,) = struct.unpack_from("<H", archive, at + 28)
    record, end = archive[at : at + 46 + length], bytearray(archive[-22:])
    times = dice.choice((1, 2, 1000, 65_000))
    count, size = struct.unpack_from("<H", end, 10)[0] + times, struct.unpack_from("<I", end, 12)[0]
    struct.pack_into("<HHI", end, 8, min(count, 65535), min(count, 65535), size + times * len(record))
    return archive[:-22] + record * times + bytes(end)


def bomb(dice: random.Random, archive: bytes) -> bytes:
    """Sizes of 10 GB, in four bytes or by zip64; a stream that inflates without end; a zip in a zip in a zip."""
    parts = unpacked(archive)
    name = dice.choice(list(parts))
    data = bytearray(packed(parts))
    at = data.rindex(name.encode()) - 46
    (offset,) = struct.unpack_from("<I", data, at + 42)
    sort = dice.randrange(4)
    if sort == 0:
        for place in (at + 20, at + 24, offset + 18, offset + 22)[dice.randrange(3) :]:
            struct.pack_into("<I", data, place, TEN_GB % 2**32 if dice.random() < 0.5 else 2**32 - 1)
        return bytes(data)
    if sort == 1:  # an extra field of zip64
        extra = struct.pack("<HHQQ", 1, 16, TEN_GB, TEN_GB)
        struct.pack_into("<H", data, at + 30, len(extra))
        struct.pack_into("<II", data, at + 20, 2**32 - 1, 2**32 - 1)
        return bytes(data[: at + 46 + len(name)] + extra + data[at + 46 + len(name) :])
    if sort == 2:  # deflated, as its headers say
        parts[name] = ZEROS
        data = bytearray(packed(parts))
        at = data.rindex(name.encode()) - 46
        (offset,) = struct.unpack_from("<I", data, at + 42)
        struct.pack_into("<H", data, at + 10, 8)
        struct.pack_into("<H", data, offset + 8, 8)
        struct.pack_into("<I", data, at + 24, 2**32 - 2)
        struct.pack_into("<I", data, offset + 22, 2**32 - 2)
        return bytes(data)
    inner = packed({f"{index:04}.png": ZEROS for index in range(16)})
    return _with_result(dice, archive, packed({"0000.png": inner, "0001.png": inner}))


def change_value(dice: random.Random, archive: bytes) -> bytes:
    """Another value somewhere in the session or the manifest, and the digests made right again."""
    parts = unpacked(archive)
    name = dice.choice(("session.json", "session.json", "session.json", "manifest.json"))
    told = json.loads(parts[name])
    at: Any = told
    while True:
        key = dice.choice(list(at)) if isinstance(at, dict) else dice.randrange(len(at))
        inner = at[key]
        if isinstance(inner, dict | list) and inner and dice.random() < 0.9:
            at = inner
            continue
        if dice.random() < 0.15:
            del at[key]
        elif isinstance(at, dict) and dice.random() < 0.1:
            at[str(dice.choice(NASTY))] = at.pop(key)
        else:
            at[key] = dice.choice(NASTY)
        break
    parts[name] = canonical_json(told)
    return sealed(parts) if name == "session.json" else packed(parts)


def change_result(dice: random.Random, archive: bytes) -> bytes:
    """A result with other bytes, and all digests made right again."""
    parts = unpacked(archive)
    name = dice.choice([name for name in parts if name.startswith("artifacts/")])
    data = bytearray(parts[name])
    for _ in range(dice.choice((1, 2, 20))):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return _with_result(dice, archive, bytes(data[: dice.choice((len(data), len(data), len(data) // 2))]), name)


def _with_result(dice: random.Random, archive: bytes, data: bytes, name: str = "") -> bytes:
    parts = unpacked(archive)
    name = name or dice.choice([name for name in parts if name.startswith("artifacts/")])
    old, new = name[10:], sha256(data)
    text = parts["session.json"].decode().replace(old, new)
    session = json.loads(text)
    for item in session["items"]:
        for output in item["run"]["outputs"]:
            if output["digest"] == new:
                output["bytes"] = len(data)
    del parts[name]
    return sealed({**parts, "artifacts/" + new: data, "session.json": canonical_json(session)})


def random_bytes(dice: random.Random, archive: bytes) -> bytes:
    front = archive[: dice.choice((0, 4, 30, 43, 3000))]
    return front + dice.randbytes(dice.randrange(5000)) + dice.choice((b"", archive[-22:]))

"""Files that are no archives of ours, broken, tampered or newer: each gets its sentence, and nothing is kept."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from backends.core.digest import canonical_json, sha256
from backends.core.errors import Busy, NewerSchema
from backends.experiments import archive as archives
from backends.experiments import archive_reading
from backends.experiments.archive import import_archive
from backends.experiments.plain_zip import Content, write_zip
from backends.runtime.lab import Lab
from tests.backends.experiments.archives import (
    EVE,
    PICTURE,
    Parts,
    packed,
    refused,
    sealed,
    unpacked,
    zipped,
)


def _with(parts: Parts, name: str) -> bytes:
    return packed({**parts, name: b"x"})


def _link(parts: Parts) -> bytes:
    """The last file as a symbolic link."""
    data = bytearray(packed(parts))
    last = data.rindex(b"PK\1\2")
    struct.pack_into("<I", data, last + 38, 0o120777 << 16)
    return bytes(data)


def _flag(data: bytes, bit: int) -> bytes:
    """The archive with a flag set at its second entry, in both places."""
    changed = bytearray(data)
    (first,) = struct.unpack_from("<I", data, len(data) - 6)
    central = data.index(b"PK\1\2", first + 4)
    (local,) = struct.unpack_from("<I", data, central + 42)
    changed[local + 6] |= bit
    changed[central + 8] |= bit
    return bytes(changed)


FILES: dict[str, tuple[Callable[[Parts], bytes], str]] = {
    "nothing": (lambda parts: b"", "not a zip archive"),
    "a picture": (lambda parts: PICTURE, "not a zip archive"),
    "cut off": (lambda parts: packed(parts)[:-1], "cut off"),
    "cut in the middle": (lambda parts: packed(parts)[: len(packed(parts)) // 2], "cut off"),
    "cut in the first file": (lambda parts: packed(parts)[:100], "cut off|damaged"),
    "an empty zip": (lambda parts: packed({}), "not a zip|not written by Vitrine"),
    "something else": (lambda parts: packed({"word/document.xml": b"<a/>"}), "not written by Vitrine"),
    "packed again": (lambda parts: zipped(parts, compression=zipfile.ZIP_DEFLATED), "packed it again"),
    "packed in another order": (lambda parts: packed(dict(reversed(parts.items()))), "not written by Vitrine"),
    "with a comment": (lambda parts: packed(parts)[:-2] + b"\1\0x", "packed it again"),
    "with bytes before": (lambda parts: b"MZ" + packed(parts), "not a zip archive"),
    "with bytes behind": (lambda parts: packed(parts) + b"x", "packed it again"),
    "encrypted": (lambda parts: _flag(packed(parts), 1), "encrypted"),
    "sizes behind the data": (lambda parts: _flag(packed(parts), 8), "packed it again"),
    "a way up": (lambda parts: _with(parts, "../../etc/cron.d/x"), "do not belong"),
    "a way up inside": (lambda parts: _with(parts, "artifacts/../x"), "do not belong"),
    "from the root": (lambda parts: _with(parts, "/etc/passwd"), "do not belong"),
    "a drive": (lambda parts: _with(parts, "C:\\x"), "do not belong"),
    "backslashes": (lambda parts: _with(parts, "artifacts\\" + "0" * 64), "do not belong"),
    "a folder": (lambda parts: _with(parts, "artifacts/"), "do not belong"),
    "a name that ends in a newline": (lambda parts: _with(parts, "artifacts/" + "0" * 64 + "\n"), "do not belong"),
    "a name in capitals": (lambda parts: _with(parts, "artifacts/" + "A" * 64), "do not belong"),
    "a name that is too long": (lambda parts: _with(parts, "a" * 5000), "do not belong"),
    "one file more": (lambda parts: _with(parts, "artifacts/" + sha256(b"x")), "changed after it was written"),
    "one file less": (lambda parts: packed(dict(list(parts.items())[:-1])), "changed after it was written"),
    "a link": (_link, "do not belong"),
    "a name twice": (lambda parts: _twice(parts), "do not belong"),
    "a manifest that is none": (
        lambda parts: packed({**parts, "manifest.json": b"{"}),
        "The manifest .* cannot be read",
    ),
    "a manifest that is a list": (lambda parts: packed({**parts, "manifest.json": b"[]"}), "The manifest"),
    "a session that is none": (lambda parts: sealed({**parts, "session.json": b"null"}), "The session"),
    "a session with spaces": (lambda parts: sealed({**parts, "session.json": b" {}"}), "cannot be read"),
    "a session with a name twice": (
        lambda parts: sealed({**parts, "session.json": b'{"a":1,"a":1}'}),
        "cannot be read",
    ),
    "a session with infinity": (lambda parts: sealed({**parts, "session.json": b'{"a":1e999}'}), "cannot be read"),
    "half a character": (lambda parts: sealed({**parts, "session.json": b'"\\ud800"'}), "cannot be read"),
    "deep": (lambda parts: sealed({**parts, "session.json": b"[" * 65 + b"]" * 65}), "cannot be read"),
    "very deep": (lambda parts: sealed({**parts, "session.json": b"[" * 10**6}), "cannot be read"),
    "a number that is very long": (lambda parts: sealed({**parts, "session.json": b"1" * 10**6}), "cannot be read"),
    "a session that is too long": (lambda parts: sealed({**parts, "session.json": bytes(2**22 + 1)}), "4 MiB"),
}


def _twice(parts: Parts) -> bytes:
    return b"".join(write_zip(Content.of(name, data) for name, data in [*parts.items(), list(parts.items())[-1]]))


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_archive_of_ours_is_refused(there: Lab, archive: bytes, name: str) -> None:
    make, words = FILES[name]
    told = refused(there, make(unpacked(archive)), words)
    assert not any(part in told.sentence for part in ("passwd", "cron", "document"))


@pytest.mark.parametrize("name", ["manifest.json", "session.json", "artifacts/"])
def test_a_damaged_part_is_named(there: Lab, archive: bytes, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        place = next(item.header_offset for item in file.infolist() if item.filename.startswith(name)) + 110
    flipped = archive[:place] + bytes((archive[place] ^ 1,)) + archive[place + 1 :]
    where = {"manifest.json": "its manifest", "session.json": "its session"}.get(name, "the file [0-9a-f]{12}")
    refused(there, flipped, f"damaged in {where}")


@pytest.mark.parametrize("name", ["session.json", "artifacts/"])
def test_a_part_that_was_changed_with_care_for_the_zip_file_is_named(there: Lab, archive: bytes, name: str) -> None:
    parts = unpacked(archive)
    wanted = next(entry for entry in parts if entry.startswith(name))
    parts[wanted] = parts[wanted][:-1] + bytes((parts[wanted][-1] ^ 1,))
    where = "its session" if name == "session.json" else f"the file {wanted[10:22]}"
    refused(there, packed(parts), f"changed after it was written: {where}")


def test_a_newer_archive_says_so_whatever_else_it_does(there: Lab, archive: bytes) -> None:
    manifest = canonical_json({"format": 2, "files": {}})
    deflated = io.BytesIO()
    with zipfile.ZipFile(deflated, "w") as file:
        file.writestr("manifest.json", manifest)
        file.writestr("lesson.cbor", b"x" * 1000, zipfile.ZIP_DEFLATED)
    for data in (packed({**unpacked(archive), "manifest.json": manifest}), deflated.getvalue()):
        with pytest.raises(NewerSchema, match=r"newer Vitrine \(format 2; this one reads 1\)") as caught:
            import_archive(there, data, EVE)
        assert "Update" in caught.value.hint


def test_an_archive_that_takes_too_long_is_given_up(
    there: Lab, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_reading, "CHECK_SECONDS", -1.0)
    refused(there, archive, "takes too long")


def test_of_many_archives_at_once_the_last_are_asked_to_wait(
    there: Lab, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "WAIT_SECONDS", 0.01)
    for _ in range(archives.AT_ONCE):
        assert archives._PLACES.acquire(timeout=1)
    try:
        with pytest.raises(Busy, match="Several archives"):
            import_archive(there, archive, EVE)
    finally:
        archives._PLACES.release(archives.AT_ONCE)

"""Zip files of the plainest kind: written alike everywhere, read only as they were written."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from backends.experiments.plain_zip import (
    ENTRIES_MAX,
    Content,
    NotPlain,
    Part,
    read_first,
    read_zip,
    total_size,
    write_zip,
)

FILES = {"a.txt": b"alpha", "b/c.bin": bytes(range(256)) * 20, "empty": b""}


def packed(files: dict[str, bytes]) -> bytes:
    return b"".join(write_zip(Content.of(name, data) for name, data in files.items()))


def whole(data: bytes) -> Part:
    return Part(io.BytesIO(data), 0, len(data))


def everything(part: Part) -> dict[str, bytes]:
    return {name: entry.read() for name, entry in read_zip(part, lambda name: True).items()}


def reason(data: bytes) -> str:
    with pytest.raises(NotPlain) as caught:
        everything(whole(data))
    return caught.value.reason


def test_what_was_written_is_read_in_order() -> None:
    entries = read_zip(whole(packed(FILES)), lambda name: True)
    assert {name: entry.read() for name, entry in entries.items()} == FILES
    assert list(entries) == list(FILES)
    assert read_first(whole(packed(FILES))).read() == b"alpha"


def test_its_length_is_known_before_it_is_written() -> None:
    contents = [Content.of(name, data) for name, data in FILES.items()]
    assert total_size(contents) == len(packed(FILES))


def test_python_and_other_programs_open_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(packed(FILES))) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()} == FILES
    (tmp_path / "a.zip").write_bytes(packed(FILES))
    subprocess.run([sys.executable, "-m", "zipfile", "-e", "a.zip", "out"], cwd=tmp_path, check=True)
    assert (tmp_path / "out/b/c.bin").read_bytes() == FILES["b/c.bin"]


def test_what_pythons_zipfile_stores_is_of_the_same_kind() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in FILES.items():
            file.writestr(zipfile.ZipInfo(name), data)
    assert {
        name: entry.read() for name, entry in read_zip(whole(buffer.getvalue()), lambda name: True).items()
    } == FILES


def test_a_zip_inside_a_file_is_read_where_it_lies() -> None:
    inner = packed(FILES)
    part = Part(io.BytesIO(b"before" + inner + b"behind"), 6, len(inner))
    assert read_zip(part, lambda name: True)["a.txt"].read() == b"alpha"


def test_an_entry_whose_bytes_are_not_as_promised_is_not_written() -> None:
    good = Content.of("a", b"alpha")
    for other in (b"alphb", b"alph", b"alphaa"):
        with pytest.raises(NotPlain):
            list(write_zip([Content(good.name, good.size, good.crc, lambda other=other: (other,))]))


def test_a_damaged_entry_is_named() -> None:
    data = packed(FILES).replace(b"alpha", b"alphb")
    with pytest.raises(NotPlain) as caught:
        read_zip(whole(data), lambda name: True)["a.txt"].sha256()
    assert (caught.value.reason, caught.value.name) == ("damaged", "a.txt")
    assert read_zip(whole(data), lambda name: True)["empty"].read() == b""


def _end(data: bytes, **changes: int) -> bytes:
    """The file with other numbers in its end record."""
    places = {"disk": (4, "<H"), "here": (8, "<H"), "count": (10, "<H"), "size": (12, "<I"), "start": (16, "<I")}
    changed = bytearray(data)
    for name, value in changes.items():
        struct.pack_into(places[name][1], changed, len(data) - 22 + places[name][0], value)
    return bytes(changed)


def test_an_end_that_does_not_fit_is_refused() -> None:
    data = packed(FILES)
    assert reason(_end(data, disk=1)) == "foreign"
    assert reason(_end(data, here=2)) == "foreign"
    assert reason(_end(data, here=2, count=2)) == "foreign"  # something between list and end
    assert reason(_end(data, here=4, count=4)) == "foreign"  # more entries than the list has
    assert reason(_end(data, start=0)) == "foreign"
    assert reason(_end(data, size=2**32 - 1, start=2**32 - 1)) == "foreign"  # as zip64 has it
    assert reason(_end(data, here=65535, count=65535)) == "too_many"
    assert ENTRIES_MAX < 65535


def test_entries_that_overlap_are_refused() -> None:
    data = bytearray(packed(FILES))
    last = data.rindex(b"PK\1\2")
    struct.pack_into("<I", data, last + 42, 0)
    assert reason(bytes(data)) == "foreign"


def test_a_gap_between_entries_is_refused() -> None:
    one = packed({"a": b"x"})
    start = one.index(b"PK\1\2")
    gap = one[:start] + b"gap" + one[start:]
    assert reason(_end(gap, start=start + 3)) == "foreign"


def test_two_headers_that_disagree_are_refused() -> None:
    data = packed({"a": b"xyz"})
    for place in (6, 8, 14, 18, 22):  # flags, method, checksum, both sizes, in the entry's own header
        changed = bytearray(data)
        changed[place] ^= 1
        assert reason(bytes(changed)) == "foreign", place
    assert reason(data[:30] + b"b" + data[31:]) == "foreign"


def test_what_is_no_zip_is_told_from_what_is_cut() -> None:
    data = packed(FILES)
    assert reason(b"") == "no_zip"
    assert reason(b"PK") == "no_zip"
    assert reason(b"GIF89a" + bytes(100)) == "no_zip"
    assert {reason(data[:length]) for length in range(30, len(data))} == {"cut"}
    assert reason(data + b"x") == "foreign"
    for length in range(30, 46):
        with pytest.raises(NotPlain):
            read_first(whole(data[: length - 10]))

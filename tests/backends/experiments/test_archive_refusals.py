"""Broken, foreign, tampered, oversized and newer archives: each gets its sentence, and nothing of it is kept."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backends.core.digest import canonical_json, sha256
from backends.core.encoding import png
from backends.core.errors import BadArchive, Busy, NewerSchema
from backends.core.identity import new_id
from backends.experiments import archive as archives
from backends.experiments import archive_reading
from backends.experiments.archive import import_archive
from backends.experiments.archive_inputs import same_picture
from backends.experiments.plain_zip import Content, write_zip
from backends.runtime.lab import Lab
from tests.backends.experiments.archives import (
    EVE,
    PICTURE,
    Parts,
    bent,
    output_of,
    packed,
    replace_file,
    sealed,
    unpacked,
)

Session = dict[str, Any]


def refused(lab: Lab, data: bytes, words: str) -> BadArchive:
    """The refusal; nothing of the archive may have stayed."""
    visitor = new_id()
    with pytest.raises(BadArchive, match=words) as caught:
        import_archive(lab, data, visitor)
    assert caught.value.hint
    store = lab.store
    assert (store.sessions.list(visitor), store.runs.recent(visitor), store.usage(visitor)) == ([], [], 0)
    return caught.value


def _zipped(parts: Parts, **how: Any) -> bytes:
    """The parts as another program would pack them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **how) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return buffer.getvalue()


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
    "packed again": (lambda parts: _zipped(parts, compression=zipfile.ZIP_DEFLATED), "packed it again"),
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


def _item(session: Session) -> Session:
    found: Session = session["items"][0]
    return found


def _set(*path: str | int, to: Any) -> Callable[[Session, Parts], None]:
    """Set what stands at this place of the first item."""

    def change(session: Session, parts: Parts) -> None:
        at: Any = _item(session)
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = to

    return change


def _top(**changes: Any) -> Callable[[Session, Parts], None]:
    return lambda session, parts: session.update(changes)


def _drop_file(session: Session, parts: Parts) -> None:
    del parts["artifacts/" + output_of(session, "number")["digest"]]


def _another_runs_input(session: Session, parts: Parts) -> None:
    _item(session)["run"]["experiment"]["inputs"]["photo"] = sha256(b"what another visitor uploaded")


def _same_name(session: Session, parts: Parts) -> None:
    outputs = _item(session)["run"]["outputs"]
    outputs[1]["name"] = outputs[0]["name"]


def _newer(session: Session, parts: Parts) -> None:
    newer = next(item["run"]["experiment"] for item in session["items"] if item["run"]["experiment"]["schema"] == 2)
    newer["parameters"]["gain"] = 10**400


VALUES: dict[str, tuple[Callable[[Session, Parts], object], str]] = {
    "no title": (_top(title=""), "The title must have"),
    "a title that is a number": (_top(title=5), ": title"),
    "notes without end": (_top(notes="x" * 20_001), "The notes must have"),
    "too many tags": (_top(tags=[f"t{n}" for n in range(21)]), "at most 20 tags"),
    "a member that does not belong": (_top(owner="Zaphod"), "is not what Vitrine writes"),
    "another format": (_top(format=0), ": format"),
    "items that are none": (_top(items={"a": 1}), ": items"),
    "a speaker note that is too long": (_set("speaker", to="x" * 20_001), "The speaker note"),
    "live that is a word": (_set("live", to="yes"), "items 1, live"),
    "another state": (_set("run", "state", to="perfect"), "items 1, run, state"),
    "a fraction above one": (_set("run", "fraction", to=1.5), "fraction"),
    "a time without a zone": (_set("run", "created", to="2026-01-01T00:00:00"), "created"),
    "a time of another form": (_set("run", "created", to="2026-01-01T00:00:00Z"), "created"),
    "a time that is a number": (_set("run", "started", to=0), "started"),
    "a time in the year 9000": (_set("run", "finished", to="9000-01-01T00:00:00+00:00"), "finished"),
    "no time at all": (_set("run", "created", to=None), "created"),
    "an error that is a word": (_set("run", "error", to="bad"), "error"),
    "a provenance that is large": (_set("run", "provenance", "x", to="y" * 300_000), "provenance"),
    "a version that is a number": (_set("run", "provenance", "version", to=1), "Item 1 .*: version"),
    "seconds that are a word": (_set("run", "provenance", "seconds_running", to="long"), "Item 1 .*: seconds_running"),
    "no version": (_set("run", "provenance", to={}), "which version made it"),
    "an experiment of form 0": (_set("run", "experiment", "schema", to=0), "Item 1"),
    "an experiment of no form": (_set("run", "experiment", "schema", to=True), "Item 1"),
    "code for an action": (_set("run", "experiment", "action", to='a/b"; import os'), "Item 1"),
    "code for a parameter": (_set("run", "experiment", "parameters", 'x"]', to=1), "Item 1"),
    "a list for a parameter": (_set("run", "experiment", "parameters", "gain", to=[1]), "Item 1"),
    "a parameter beyond every float": (_set("run", "experiment", "parameters", "gain", to=10**400), "Item 1"),
    "seconds beyond every float": (_set("run", "provenance", "seconds_running", to=10**400), "Item 1"),
    "a parameter of a newer form beyond every float": (_newer, "names no experiment"),
    "a path for an input": (_set("run", "experiment", "inputs", "photo", to="../../secret"), "Item 1"),
    "a model of three parts": (_set("run", "experiment", "models", "m", to=["a", "b", "c"]), "Item 1"),
    "a negative seed": (_set("run", "experiment", "seed", to=-1), "seed"),
    "two outputs of one name": (_same_name, "two outputs of one name"),
    "an output of another kind": (_set("run", "outputs", 0, "kind", to="script"), "outputs 1, kind"),
    "an output of another type": (_set("run", "outputs", 0, "media_type", to="text/html\r\nX: y"), "media_type"),
    "an output of another length": (_set("run", "outputs", 0, "bytes", to=5), "another length"),
    "an output of a negative length": (_set("run", "outputs", 0, "bytes", to=-5), "bytes"),
    "a digest that is none": (_set("run", "outputs", 0, "digest", to="0" * 63), "digest"),
    "a name that cannot be shown": (_set("run", "outputs", 0, "name", to="a\nb"), "name"),
    "a file that is not there": (_drop_file, "lacks a file"),
    "somebody else's file": (_another_runs_input, "lacks a file"),
    "a file that nobody names": (
        lambda session, parts: parts.update({"artifacts/" + sha256(b"x"): b"x"}),
        "does not name",
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_out_of_range_is_refused_and_its_place_told(there: Lab, archive: bytes, name: str) -> None:
    change, words = VALUES[name]
    told = refused(there, bent(archive, change), words)
    assert not any(part in told.sentence for part in ("Zaphod", "import os", "script", "secret"))


def _result(kind: str, data: bytes | Callable[[bytes], bytes], **meta: Any) -> Callable[[Session, Parts], None]:
    """Other bytes, and other small data, for the first output of that kind."""

    def change(session: Session, parts: Parts) -> None:
        output = output_of(session, kind)
        made = data(parts["artifacts/" + output["digest"]]) if callable(data) else data
        replace_file(session, parts, output, made)
        output["meta"] |= meta

    return change


def _json(kind: str, **members: Any) -> Callable[[Session, Parts], None]:
    return _result(kind, lambda data: canonical_json({**json.loads(data), **members}))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _png(width: int, height: int, depth: int, colour: int, raw: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(raw)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _grid(change: Callable[[Session, Parts], object]) -> Callable[[Session, Parts], None]:
    """Change the index and the files of the grid, and pack it again."""

    def repacked(data: bytes) -> bytes:
        parts = unpacked(data)
        index = json.loads(parts["index.json"])
        change(index, parts)
        parts["index.json"] = canonical_json(index)
        return packed(parts)

    return _result("grid", repacked)


def _bombs(index: Session, parts: Parts) -> None:
    """Every cell shows the same file, many times: little to read, very much to keep."""
    for cell in index["cells"]:
        cell["results"] = [[f"r{n}", *cell["results"][0][1:]] for n in range(1000)]


def _inner_bomb(index: Session, parts: Parts) -> None:
    place = next(name for name in parts if parts[name].startswith(b"\x89PNG"))
    parts[place] = _png(60_000, 60_000, 8, 0)


RESULTS: dict[str, Callable[[Session, Parts], None]] = {
    "a picture of 3.6 gigapixels": _result("image", _png(60_000, 60_000, 8, 0)),
    "a picture with a palette": _result("image", _png(4, 4, 8, 3, bytes(20))),
    "a picture of 16 bits": _result("image", _png(4, 4, 16, 0, bytes(36))),
    "a picture that is damaged": _result("image", lambda data: data[:50] + bytes((data[50] ^ 1,)) + data[51:]),
    "a picture that is text": _result("image", b"hello"),
    "a picture without words": _result("image", lambda data: data, alt=None),
    "a gallery that is inflated": _result("gallery", lambda data: _zipped(unpacked(data), compression=8)),
    "a gallery of other names": _result("gallery", lambda data: packed({"../0000.png": PICTURE, "0001.png": PICTURE})),
    "a gallery of fewer pictures": _result("gallery", lambda data: packed({"0000.png": PICTURE})),
    "a gallery with a bomb": _result("gallery", packed({"0000.png": PICTURE, "0001.png": _png(60_000, 60_000, 8, 0)})),
    "a gallery without titles": _result("gallery", lambda data: data, images=[[1, 2], [3, 4]]),
    "a text that is none": _result("text", b"\xff\xfe"),
    "tokens without weights": _json("tokens", weights=[1]),
    "tokens that weigh words": _json("tokens", weights=["heavy", "light"]),
    "a figure that is a list": _json("figure", spec=[1]),
    "a figure of words": _json("figure", spec={"data": ["a"]}),
    "a figure that runs something": _json("figure", spec={"data": [], "config": {}}),
    "a table with a hole": _json("table", rows=[["a"]]),
    "a table in a table": _json("table", rows=[[["a"], ["b"]]]),
    "a table that is deep": _json("table", rows=json.loads("[" * 70 + "]" * 70)),
    "a sound that is none": _result("audio", b"RIFFxxxxWAVE"),
    "a sound without a rate": _result("audio", lambda data: data[:24] + bytes(8) + data[32:]),
    "a file with a path for a name": _result("file", lambda data: data, name="../../x"),
    "a file without a name": _result("file", lambda data: data, name=""),
    "a title that is a list": _result("file", lambda data: data, title=["x"]),
    "a number that is a word": _json("number", value="much"),
    "a number that is true": _json("number", value=True),
    "a number beyond every float": _json("number", value=10**400),
    "a table with such a number": _json("table", rows=[[10**400, 1]]),
    "a grid of results that are cut off": _grid(lambda index, parts: index["cells"][0]["results"].append([])),
    "a number with another member": _json("number", zaphod=1),
    "a grid that is inflated": _result("grid", lambda data: _zipped(unpacked(data), compression=8)),
    "a grid that shows one file many times": _grid(_bombs),
    "a grid with a bomb in a cell": _grid(_inner_bomb),
    "a grid in a grid": _grid(lambda index, parts: index["cells"][0]["results"][0].__setitem__(2, "grid")),
    "a grid with a cell elsewhere": _grid(lambda index, parts: index["cells"][0].update(place=[99, 0])),
    "a grid measured in words": _grid(lambda index, parts: index["cells"][0]["measures"].update(mean=["nan"])),
    "a grid measured in what it does not name": _grid(lambda index, parts: index["cells"][0]["measures"].update(x=[1])),
    "a grid without an axis": _grid(lambda index, parts: index.update(x=None)),
    "a grid with one file more": _grid(lambda index, parts: parts.update({"extra": b"x"})),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_that_is_not_what_its_kind_promises_is_refused(there: Lab, archive: bytes, name: str) -> None:
    refused(there, bent(archive, RESULTS[name]), r"result of item \d is not what its kind promises|lacks a file")


def _input(data: bytes) -> Callable[[Session, Parts], None]:
    """Other bytes for the input of the first run; the sweep has the same one."""

    def change(session: Session, parts: Parts) -> None:
        old = _item(session)["run"]["experiment"]["inputs"]["photo"]
        del parts["artifacts/" + old]
        parts["artifacts/" + sha256(data)] = data
        for item in session["items"]:
            inputs = item["run"]["experiment"]["inputs"]
            inputs.update({name: sha256(data) for name, digest in inputs.items() if digest == old})

    return change


def _with_text(data: bytes) -> bytes:
    return data[:33] + _chunk(b"tEXt", b"Author\0Zaphod") + data[33:]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no picture", "cannot be used here. This file is not a PNG"),
        (_png(9_000, 9_000, 8, 0), "cannot be used here. This picture has 9000 x 9000 pixels"),
        (_with_text(PICTURE), "not as Vitrine keeps it"),
        (PICTURE + b"Zaphod", "not as Vitrine keeps it"),
    ],
    ids=["no picture", "a bomb", "a name inside", "a name behind"],
)
def test_an_input_that_its_action_would_not_have_kept_is_refused(
    there: Lab, archive: bytes, data: bytes, words: str
) -> None:
    told = refused(there, bent(archive, _input(data)), words)
    assert "Zaphod" not in told.sentence + told.hint


def test_the_same_picture_from_another_png_library_is_taken(there: Lab, archive: bytes) -> None:
    pixels = np.arange(48 * 64, dtype=np.uint32).reshape(48, 64).astype(np.uint8)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    others = _png(64, 48, 8, 0, rows)
    assert others != png(pixels)
    assert same_picture(png(pixels), others)
    assert not same_picture(png(pixels), _with_text(others))
    assert not same_picture(png(pixels), _png(64, 48, 8, 0, rows[:-1] + b"\0"))
    import_archive(there, bent(archive, _input(others)), EVE)
    assert there.store.artifacts.read(sha256(others), EVE) == others


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

"""Results and inputs that are not what they say are refused, however right their digests are."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backends.core.digest import canonical_json, sha256
from backends.core.encoding import png
from backends.experiments.archive import import_archive
from backends.experiments.archive_inputs import same_picture
from backends.runtime.lab import Lab
from tests.backends.experiments.archives import (
    EVE,
    PICTURE,
    Parts,
    bare_png,
    bent,
    output_of,
    packed,
    png_chunk,
    refused,
    replace_file,
    unpacked,
    zipped,
)

Session = dict[str, Any]


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
    parts[place] = bare_png(60_000, 60_000, 8, 0)


RESULTS: dict[str, Callable[[Session, Parts], None]] = {
    "a picture of 3.6 gigapixels": _result("image", bare_png(60_000, 60_000, 8, 0)),
    "a picture with a palette": _result("image", bare_png(4, 4, 8, 3, bytes(20))),
    "a picture of 16 bits": _result("image", bare_png(4, 4, 16, 0, bytes(36))),
    "a picture that is damaged": _result("image", lambda data: data[:50] + bytes((data[50] ^ 1,)) + data[51:]),
    "a picture that is text": _result("image", b"hello"),
    "a picture without words": _result("image", lambda data: data, alt=None),
    "a gallery that is inflated": _result("gallery", lambda data: zipped(unpacked(data), compression=8)),
    "a gallery of other names": _result("gallery", packed({"../0000.png": PICTURE, "0001.png": PICTURE})),
    "a gallery of fewer pictures": _result("gallery", lambda data: packed({"0000.png": PICTURE})),
    "a gallery with a bomb": _result(
        "gallery", packed({"0000.png": PICTURE, "0001.png": bare_png(60_000, 60_000, 8, 0)})
    ),
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
    "a grid that is inflated": _result("grid", lambda data: zipped(unpacked(data), compression=8)),
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


def _item(session: Session) -> Session:
    found: Session = session["items"][0]
    return found


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
    return data[:33] + png_chunk(b"tEXt", b"Author\0Zaphod") + data[33:]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"no picture", "cannot be used here. This file is not a PNG"),
        (bare_png(9_000, 9_000, 8, 0), "cannot be used here. This picture has 9000 x 9000 pixels"),
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
    others = bare_png(64, 48, 8, 0, rows)
    assert others != png(pixels)
    assert same_picture(png(pixels), others)
    assert not same_picture(png(pixels), _with_text(others))
    assert not same_picture(png(pixels), bare_png(64, 48, 8, 0, rows[:-1] + b"\0"))
    import_archive(there, bent(archive, _input(others)), EVE)
    assert there.store.artifacts.read(sha256(others), EVE) == others

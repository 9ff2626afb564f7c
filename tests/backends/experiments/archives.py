"""What the archive's tests are made of: labs, sessions with a run of every sort, and archives bent on request."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.settings import Settings
from app.wiring import build_lab
from backends.core.digest import canonical_json, sha256
from backends.core.encoding import png
from backends.core.errors import BadArchive, BadInput
from backends.core.experiment import Experiment
from backends.core.identity import new_id
from backends.core.results import Result
from backends.experiments.archive import import_archive, write_archive
from backends.experiments.plain_zip import Content, write_zip
from backends.runtime.lab import Lab
from backends.store.values import Run, Session
from tests.app.tiny import TINY
from tests.backends.store.making import every_kind

ANN, BOB, EVE = "ann" * 7 + "1", "bob" * 7 + "1", "eve" * 7 + "1"
PICTURE = png(np.arange(48 * 64, dtype=np.uint32).reshape(48, 64).astype(np.uint8))
Parts = dict[str, bytes]


@contextmanager
def open_lab(folder: Path, **settings: Any) -> Iterator[Lab]:
    """A whole lab with the tiny playground besides the real ones, working."""
    lab = build_lab(Settings(data_folder=folder, workers=1, **settings), (TINY,))
    lab.runtime.start()
    try:
        yield lab
    finally:
        lab.runtime.close(0)
        lab.registry.close()
        lab.store.close()


def run(lab: Lab, visitor: str, action: str, data: bytes | None = None, parameter: str = "photo", **values: Any) -> Run:
    """Really run an action on a picture, to its end."""
    declared = lab.actions.get(action)
    if data is not None:
        kept = declared.prepare_input(parameter, data)
        values[parameter] = lab.store.artifacts.put(visitor, kept, "application/octet-stream")
    asked = lab.runtime.submit(lab.experiment(declared.parse(values)), visitor)
    for _ in lab.runtime.watch(asked.id, visitor):
        pass
    return lab.store.runs.get(asked.id, visitor)


def done(lab: Lab, visitor: str, experiment: Experiment, outputs: dict[str, Result]) -> Run:
    """A run of whatever experiment, with these results."""
    made = lab.store.runs.create(experiment, visitor)
    lab.store.runs.start(made.id)
    return lab.store.runs.finish(made.id, outputs, {"version": lab.version, "device": "cpu"})


def saved(lab: Lab, visitor: str, *runs: Run, title: str = "A lesson") -> Session:
    """A session with these runs, and words at the first."""
    session = lab.store.sessions.create(visitor, title, "About **lungs**.", ["lesson", "week 3"])
    for one in runs:
        session = lab.store.sessions.add_run(session.id, visitor, one.id)
    if runs:
        texts = {"title": "First", "note": "See *here*.", "speaker": "Wait for questions.", "live": True}
        session = lab.store.sessions.annotate(session.id, visitor, runs[0].id, **texts)
    return session


def of_every_sort(lab: Lab, visitor: str) -> Session:
    """Runs that are done, failed, stopped and waiting; of actions, models and forms that are not known here."""
    bright = run(lab, visitor, "tiny/brighten", PICTURE, gain=2.0)
    swept = run(lab, visitor, "tiny/brighten/sweep", PICTURE, sweep_x="gain", sweep_x_values="1, 2, 3")
    elsewhere = Experiment("gone/paint", {"a": 1.5, "b": "ü"}, {}, {"model": ("gone/net", "ab" * 32)}, seed=7)
    newer = {"schema": 2, "action": "tiny/brighten", "parameters": {"gain": 2, "curve": [1, 2]}, "inputs": {}}
    newer |= {"models": {}, "seed": 3, "precision": {"dtype": "fp8"}}
    failed = lab.store.runs.create(Experiment("tiny/slow", {"seconds": 1.0}, {}, {}), visitor)
    lab.store.runs.fail(failed.id, BadInput("It broke.", hint="Mend it."), "ref-1")
    stopped = lab.store.runs.create(Experiment("tiny/slow", {"seconds": 2.0}, {}, {}), visitor)
    lab.store.runs.cancel(stopped.id)
    waiting = lab.store.runs.create(Experiment("tiny/slow", {"seconds": 3.0}, {}, {}), visitor)
    runs = [
        bright,
        swept,
        done(lab, visitor, elsewhere, every_kind()),
        done(lab, visitor, Experiment.from_json(canonical_json(newer)), {"n": every_kind()["number"]}),
        *(lab.store.runs.get(one.id, visitor) for one in (failed, stopped, waiting)),
    ]
    assert [one.state for one in runs] == ["done"] * 4 + ["failed", "cancelled", "queued"]
    return saved(lab, visitor, *runs)


def exported(lab: Lab, session: Session, visitor: str) -> bytes:
    """The archive's bytes."""
    return b"".join(write_archive(lab, session.address, visitor).chunks())


def unpacked(archive: bytes) -> Parts:
    """Name -> bytes, in order."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def packed(parts: Parts) -> bytes:
    """The parts as a zip file of the plain kind, whatever they are."""
    return b"".join(write_zip(Content.of(name, data) for name, data in parts.items()))


def sealed(parts: Parts) -> bytes:
    """The parts as an archive whose digests are right: what a careful forger makes."""
    files = sorted(name for name in parts if name.startswith("artifacts/"))
    manifest = json.loads(parts["manifest.json"])
    manifest["session"] = sha256(parts["session.json"])
    manifest["artifacts"] = [{"sha256": name[10:], "bytes": len(parts[name])} for name in files]
    front = {"manifest.json": canonical_json(manifest), "session.json": parts["session.json"]}
    return packed(front | {name: parts[name] for name in files})


def bent(archive: bytes, change: Callable[[dict[str, Any], Parts], object]) -> bytes:
    """The archive with its session and files changed by `change`, and all digests made right again."""
    parts = unpacked(archive)
    session = json.loads(parts["session.json"])
    change(session, parts)
    parts["session.json"] = canonical_json(session)
    return sealed(parts)


def replace_file(session: dict[str, Any], parts: Parts, output: dict[str, Any], data: bytes) -> None:
    """Give an output other bytes, and the digest of those."""
    old = output["digest"]
    output["digest"], output["bytes"] = sha256(data), len(data)
    parts["artifacts/" + output["digest"]] = data
    if f'"{old}"' not in json.dumps(session):
        del parts["artifacts/" + old]


def output_of(session: dict[str, Any], kind: str) -> dict[str, Any]:
    """The first output of that kind."""
    found = [output for item in session["items"] for output in item["run"]["outputs"] if output["kind"] == kind]
    return next(iter(found))


def as_imported(archive: bytes) -> dict[str, Any]:
    """session.json as it should read once it was imported and exported again."""
    told = json.loads(unpacked(archive)["session.json"])
    for item in told["items"]:
        item["run"]["provenance"]["imported"] = True
    return told  # type: ignore[no-any-return]


def refused(lab: Lab, data: bytes, words: str) -> BadArchive:
    """The refusal; nothing of the archive may have stayed."""
    visitor = new_id()
    with pytest.raises(BadArchive, match=words) as caught:
        import_archive(lab, data, visitor)
    assert caught.value.hint
    store = lab.store
    assert (store.sessions.list(visitor), store.runs.recent(visitor), store.usage(visitor)) == ([], [], 0)
    return caught.value


def zipped(parts: Parts, **how: Any) -> bytes:
    """The parts as another program would pack them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **how) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return buffer.getvalue()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bare_png(width: int, height: int, depth: int, colour: int, raw: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = (png_chunk(b"IHDR", header), png_chunk(b"IDAT", zlib.compress(raw)), png_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

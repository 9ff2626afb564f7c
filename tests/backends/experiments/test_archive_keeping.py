"""What is brought is kept as its owner's alone: out of the cache, within the quota, all or nothing."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.core.encoding import array_file
from backends.core.errors import ArtifactMissing, BadArchive, NotFound, QuotaExceeded
from backends.core.experiment import Experiment
from backends.core.results import Image
from backends.experiments.archive import import_archive, write_archive
from backends.runtime.lab import Lab
from tests.backends.experiments.archives import (
    ANN,
    BOB,
    EVE,
    PICTURE,
    bent,
    done,
    exported,
    open_lab,
    output_of,
    replace_file,
    run,
    saved,
    unpacked,
)


def _forged(archive: bytes) -> bytes:
    """The archive with another mean brightness, and digests that fit."""

    def change(session: dict[str, Any], parts: dict[str, bytes]) -> None:
        output = next(item for item in session["items"][0]["run"]["outputs"] if item["name"] == "mean")
        number = json.loads(parts["artifacts/" + output["digest"]])
        replace_file(session, parts, output, json.dumps({**number, "value": 1234}, separators=(",", ":")).encode())

    return bent(archive, change)


def test_a_forged_result_is_never_given_to_anybody_who_asks_the_same(there: Lab, archive: bytes) -> None:
    session = import_archive(there, _forged(archive), EVE)
    forged = session.runs[0]
    assert json.loads(there.store.artifacts.read(forged.outputs[1].digest, EVE))["value"] == 1234
    assert there.store.runs.find_done(forged.experiment.digest, there.version) is None
    for visitor in (EVE, BOB):  # the forger as well gets what is true
        asked = run(there, visitor, "tiny/brighten", PICTURE, gain=2.0)
        assert asked.id != forged.id
        assert asked.experiment.digest == forged.experiment.digest
        assert json.loads(there.store.artifacts.read(asked.outputs[1].digest, visitor))["value"] != 1234


def test_copies_of_an_imported_run_stay_out_of_the_cache_too(tmp_path: Path, archive: bytes) -> None:
    with open_lab(tmp_path) as lab:
        session = import_archive(lab, _forged(archive), EVE)
        copy = lab.store.sessions.duplicate(session.link, BOB)
        assert copy.runs[0].provenance["imported"] is True
        assert lab.store.runs.find_done(copy.runs[0].experiment.digest, lab.version) is None
        again = import_archive(lab, exported(lab, copy, BOB), ANN)
        assert lab.store.runs.find_done(again.runs[0].experiment.digest, lab.version) is None


def test_an_import_is_read_by_its_owner_alone(there: Lab, archive: bytes) -> None:
    session = import_archive(there, archive, BOB)
    with pytest.raises(NotFound):
        there.store.sessions.get(session.id, EVE)
    with pytest.raises(NotFound):
        there.store.runs.get(session.runs[0].id, EVE)


def _stands_empty(lab: Lab, folder: Path) -> bool:
    lab.store.collect(lab.store.sessions._parts.clock() + timedelta(hours=1))
    files = [path for path in (folder / "artifacts").rglob("*") if path.is_file()]
    return not (lab.store.sessions.list(BOB) or lab.store.runs.recent(BOB) or lab.store.usage(BOB) or files)


def test_a_full_space_takes_nothing_and_leaves_nothing(tmp_path: Path, here: Lab) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (800, 800, 3)).astype(np.uint8)
    made = done(here, ANN, Experiment("gone/paint", {}, {}, {}), {"noise": Image(noise, "noise")})
    data = exported(here, saved(here, ANN, made), ANN)
    with open_lab(tmp_path, visitor_megabytes=1) as lab:
        with pytest.raises(QuotaExceeded, match=r"Your space is full: 0\.0 of 1\.0 MiB"):
            import_archive(lab, data, BOB)
        assert not list((tmp_path / "artifacts").glob("??/??/*"))
        assert _stands_empty(lab, tmp_path)


class _Changing(io.BytesIO):
    """A file whose last artifact is another one after it was judged."""

    def __init__(self, data: bytes, artifact: bytes) -> None:
        super().__init__(data)
        self._data, self._place, self._reads = data, data.rindex(artifact), 0

    def read(self, count: int | None = -1, /) -> bytes:
        if self.tell() == self._place:
            self._reads += 1
            if self._reads == 2:  # the first time it is judged, the second it is copied
                self.getbuffer()[self._place] ^= 1
        return super().read(count)


def test_what_changes_while_it_is_copied_leaves_nothing(tmp_path: Path, archive: bytes) -> None:
    only = bent(archive, _only_file)
    (file,) = [data for name, data in unpacked(only).items() if name.startswith("artifacts/")]
    with open_lab(tmp_path) as lab:
        with pytest.raises(ArtifactMissing):
            import_archive(lab, _Changing(only, file), BOB)
        assert _stands_empty(lab, tmp_path)
        assert import_archive(lab, only, BOB).runs


def _only_file(session: dict[str, Any], parts: dict[str, bytes]) -> None:
    """Leave one run with one result, a file, whose bytes are read once to be judged."""
    output = output_of(session, "file")
    item = next(item for item in session["items"] if output in item["run"]["outputs"])
    item["run"]["outputs"] = [output]
    session["items"] = [item]
    for name in [name for name in parts if name.startswith("artifacts/") and name[10:] != output["digest"]]:
        del parts[name]


def test_what_is_large_goes_through_in_pieces(tmp_path: Path) -> None:
    large = array_file("a.npy", np.random.default_rng(0).integers(0, 256, 60 * 2**20, dtype=np.uint8))
    with open_lab(tmp_path / "one") as one, open_lab(tmp_path / "two") as two:
        session = saved(one, ANN, done(one, ANN, Experiment("gone/a", {}, {}, {}), {"large": large}))
        del large
        tracemalloc.start()
        try:
            write_archive(one, session.id, ANN).save(tmp_path / "a.zip")
            exporting = tracemalloc.get_traced_memory()[1]
            tracemalloc.reset_peak()
            import_archive(two, tmp_path / "a.zip", BOB)
            importing = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert (tmp_path / "a.zip").stat().st_size > 60 * 2**20
    assert max(exporting, importing) < 12 * 2**20


def test_an_archive_larger_than_a_visitors_space_is_refused_unread(tmp_path: Path) -> None:
    with open_lab(tmp_path, visitor_megabytes=1) as lab, pytest.raises(BadArchive, match="more than 17 MiB"):
        import_archive(lab, bytes(18 * 2**20), BOB)

"""No archive, however it was bent, does anything but arrive whole or be refused with a sentence.

Some are bent as a transfer would (bits, cuts), some as a forger would (with digests made right again).
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from backends.core.errors import VitrineError
from backends.core.experiment import Experiment
from backends.core.results import Figure
from backends.experiments.archive import import_archive
from backends.runtime.lab import Lab
from backends.store.values import Session
from components.results_html import result_html
from tests.backends.experiments.archives import (
    ANN,
    EVE,
    PICTURE,
    Parts,
    as_imported,
    done,
    exported,
    open_lab,
    run,
    saved,
    unpacked,
)
from tests.backends.store.making import every_kind
from tests.fuzz.bending import (
    bomb,
    change_result,
    change_value,
    cut,
    flip_bits,
    flip_headers,
    random_bytes,
    rename,
    repeat,
    splice,
    swap_entries,
)

pytestmark = pytest.mark.fuzz
CASES = 200  # of each way to bend; 2,200 in all
RSS_MAX = 120 * 2**20


class Writes:
    """What this process opens for writing or makes while it looks; nothing outside of `folder` may be among it."""

    def __init__(self) -> None:
        self.folder: str | None = None
        self.outside: list[str] = []
        sys.addaudithook(self._seen)  # cannot be taken off again, so it is switched off by `folder`

    def _seen(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.folder is None or event not in ("open", "os.mkdir", "os.rename", "os.symlink", "os.link"):
            return
        path = arguments[1] if event in ("os.rename", "os.symlink", "os.link") else arguments[0]
        reads = event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if reads or not isinstance(path, str | bytes | os.PathLike):
            return
        if not os.path.abspath(os.fsdecode(path)).startswith(self.folder):  # noqa: PTH100 - no file system in a hook
            self.outside.append(os.fsdecode(path))


@pytest.fixture(scope="module")
def writes() -> Writes:
    return Writes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tmp_path_factory.mktemp("there"))


@pytest.fixture(scope="module")
def there(folder: Path) -> Iterator[Lab]:
    with open_lab(folder) as lab:
        yield lab


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    with open_lab(Path(tmp_path_factory.mktemp("here"))) as lab:
        bright = run(lab, ANN, "tiny/brighten", PICTURE, gain=2.0)
        swept = run(lab, ANN, "tiny/brighten/sweep", PICTURE, sweep_x="gain", sweep_x_values="1, 2")
        kinds = done(lab, ANN, Experiment("gone/paint", {"a": 1.5}, {}, {"m": ("gone/net", "ab" * 32)}), every_kind())
        return exported(lab, saved(lab, ANN, bright, swept, kinds), ANN)


WAYS: dict[Callable[[random.Random, bytes], bytes], bool] = {  # and whether what arrives is what was bent
    flip_bits: False,
    flip_headers: False,
    cut: False,
    splice: False,
    swap_entries: False,
    rename: False,
    repeat: False,
    bomb: True,
    change_value: True,
    change_result: True,
    random_bytes: False,
}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_bent_archive_arrives_whole_or_is_refused(
    there: Lab, archive: bytes, folder: Path, writes: Writes, way: Callable[[random.Random, bytes], bytes]
) -> None:
    dice = random.Random(way.__name__)
    process = psutil.Process()
    import_archive(there, archive, ANN)  # whatever is loaded once, is loaded now
    before, arrived = process.memory_info().rss, 0
    for _ in range(CASES):
        data = way(dice, archive)
        session = _arrived(there, data, folder, writes)
        if session is None:
            continue
        arrived += 1
        parts = unpacked(exported(there, session, EVE))
        assert json.loads(parts["session.json"]) == as_imported(data if WAYS[way] else archive)
        _check_shown(there, session.runs)
        there.store.sessions.erase(session.id, EVE)
    assert writes.outside == []
    assert process.memory_info().rss - before < RSS_MAX
    assert there.store.sessions.list(EVE) == []
    assert arrived < CASES / 2, "nothing was bent"


def _arrived(lab: Lab, data: bytes, folder: Path, writes: Writes) -> Session | None:
    """The session, or None where the archive was refused; anything but one short sentence fails the test."""
    writes.folder = str(folder)
    try:
        return import_archive(lab, data, EVE)
    except VitrineError as err:
        refusal = err
    finally:
        writes.folder = None
    assert refusal.sentence.endswith(".")
    assert len(refusal.sentence) < 300
    return None


def _check_shown(lab: Lab, runs: tuple[Any, ...]) -> None:
    """What arrived can be shown, or says that it cannot; and it answers nobody's question."""
    for one in runs:
        assert lab.store.runs.find_done(one.experiment.digest, lab.version) is None
        try:
            results = lab.store.runs.outputs(one.id, EVE)
        except VitrineError:
            continue
        for result in results.values():
            if not isinstance(result, Figure):
                result_html(result)


def test_an_archive_as_it_was_given_arrives(there: Lab, archive: bytes) -> None:
    parts: Parts = unpacked(exported(there, import_archive(there, archive, ANN), ANN))
    assert json.loads(parts["session.json"]) == as_imported(archive)

"""kill -9 in the middle of writing, again and again: the database stays sound, no run is half there, none is lost."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from backends.core.digest import sha256
from backends.store.tables import Base
from backends.store.values import utc_now
from tests.backends.store.making import FakeClock, files_on_disk, open_store

ROOT = Path(__file__).parents[3]
OUTPUTS = 3  # that every run of the writer has
VISITORS = [f"visitor-{index}" for index in range(3)]


@contextmanager
def writer() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.backends.store.killed_writer"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        pipe(process.stdin).close()
        process.wait(30)


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def kill_after(process: subprocess.Popen[str], folder: Path, life: int, words: int, seconds: float) -> set[str]:
    """One life of the writer, killed `seconds` after it said so many words; returns the runs it acknowledged."""
    print(life, folder, file=pipe(process.stdin), flush=True)
    said = pipe(process.stdout)
    word, pid = said.readline().split()
    assert word == "pid"
    heard = [said.readline() for _ in range(words)]
    time.sleep(seconds)  # the moment is the point: there is no event to wait for
    os.kill(int(pid), signal.SIGKILL)
    while (line := said.readline()) != "killed\n":
        assert process.poll() is None
        heard.append(line)
    return {line.split()[1] for line in heard if line.startswith("run ")}


class Witness:
    """Looks at what a kill left, without the store's own code; a file that was seen whole is not hashed again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.verified: set[str] = set()
        self.acknowledged: set[str] = set()

    def tables(self) -> int:
        """How many tables there are; 0 where there is not even a file."""
        with closing(sqlite3.connect(self.folder / "vitrine.db", timeout=30)) as connection:
            return int(connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()[0])

    def look(self) -> None:
        """Assert that all is sound."""
        if self.tables() == 0:
            return  # killed before the first migration was committed: nothing at all
        with closing(sqlite3.connect(self.folder / "vitrine.db", timeout=30)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
            counted = "SELECT r.id, r.state, count(o.name) FROM runs r LEFT JOIN run_outputs o ON o.run_id = r.id "
            runs = connection.execute(counted + "GROUP BY r.id").fetchall()
            referred = "SELECT sha256 FROM uploads UNION SELECT sha256 FROM run_inputs UNION SELECT sha256 FROM "
            digests = {row[0] for row in connection.execute(referred + "run_outputs").fetchall()}
        assert {outputs for _, state, outputs in runs if state == "done"} <= {OUTPUTS}
        assert {outputs for _, state, outputs in runs if state != "done"} <= {0}
        done = {run_id for run_id, state, _ in runs if state == "done"}
        assert self.acknowledged <= done
        for digest in digests - self.verified:
            path = self.folder / "artifacts" / digest[:2] / digest[2:4] / digest
            assert sha256(path.read_bytes()) == digest
        self.verified = digests


def kill_many(folder: Path, kills: int, seed: int) -> None:
    moments, witness = random.Random(seed), Witness(folder)
    with writer() as process:
        for life in range(kills):
            # Some while it opens, recovers the journal and marks what was interrupted; most while it writes.
            words = moments.choice([0, 1, 1, 2])
            witness.acknowledged |= kill_after(process, folder, life, words, moments.uniform(0.0, 0.05))
            witness.look()
    check_after(folder, kills)


def check_after(folder: Path, kills: int) -> None:
    """The store itself opens what was left, hands out every result, and clears what the dead left lying about."""
    clock = FakeClock()
    clock.now = utc_now()
    store = open_store(folder, clock)
    store.runs.interrupt_running()
    runs = [run for visitor in VISITORS for run in store.runs.recent(visitor, 500)]
    states = Counter(run.state for run in runs)
    assert set(states) <= {"done", "queued", "interrupted"}
    assert states["done"] > kills / 5, states  # or the test has not been where it says it was
    assert states["queued"] + states["interrupted"] > kills / 20, states
    for run in runs:
        assert len(store.runs.outputs(run.id, run.visitor)) == (OUTPUTS if run.state == "done" else 0)
    for visitor in VISITORS:
        store.visitors.forget(visitor)
    store.collect(clock.forward(hours=1))
    assert files_on_disk(folder) == set()
    store.close()


def test_two_hundred_kills_lose_nothing_and_leave_nothing_half_there(tmp_path: Path) -> None:
    kill_many(tmp_path, kills=200, seed=2)


def test_a_kill_while_the_tables_are_made_leaves_all_or_nothing(tmp_path: Path) -> None:
    moments, found = random.Random(5), []
    with writer() as process:
        for index in range(20):
            folder = tmp_path / str(index)
            folder.mkdir()
            kill_after(process, folder, 0, 0, moments.uniform(0.0, 0.1))
            found.append(Witness(folder).tables())
            open_store(folder, FakeClock()).close()
            assert Witness(folder).tables() == len(Base.metadata.tables) + 1
    assert set(found) <= {0, len(Base.metadata.tables) + 1}
    assert 0 in found


@pytest.mark.slow
def test_five_thousand_kills_lose_nothing_and_leave_nothing_half_there(tmp_path: Path) -> None:
    kill_many(tmp_path, kills=5000, seed=3)

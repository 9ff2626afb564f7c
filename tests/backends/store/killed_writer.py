"""Writes to a store for ever, to be killed: `python -m tests.backends.store.killed_writer`.

Imports once; for every line '<number of the life> <folder>' forks a process that opens the store and writes to it.
Says 'pid <n>' when the process is there, 'open' when the store is, 'run <id>' for each run that the store has
acknowledged, and 'killed' when the process is gone.
"""

from __future__ import annotations

import os
import sys
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from backends.core.results import Image, Number, Table
from backends.store.store import Store
from backends.store.values import utc_now
from tests.backends.store.making import VERSION, FakeClock, experiment, open_store


def main() -> None:
    with TemporaryDirectory() as scratch:  # so that all imports are done once, before the first fork
        store = open_store(Path(scratch), FakeClock())
        write_one(store, 0, 0)
        store.close()
    for line in sys.stdin:
        life, folder = line.split(maxsplit=1)
        pid = os.fork()
        if pid == 0:
            os.write(1, f"pid {os.getpid()}\n".encode())  # by the child itself, so that it comes before all it says
            write_for_ever(Path(folder.strip()), int(life))
        os.waitpid(pid, 0)
        os.write(1, b"killed\n")  # one write each, whatever Python's buffering: whole or not there


def write_for_ever(folder: Path, life: int) -> None:
    clock = FakeClock()
    clock.now = utc_now()
    store = open_store(folder, clock)
    store.runs.interrupt_running()
    os.write(1, b"open\n")
    for index in count():
        run_id = write_one(store, life, index)
        os.write(1, f"run {run_id}\n".encode())
        if index % 7 == 6:
            store.collect()


def write_one(store: Store, life: int, index: int) -> str:
    visitor = f"visitor-{index % 3}"
    photo = store.artifacts.put(visitor, f"photo {life} {index % 5}".encode(), "image/png")
    run = store.runs.create(experiment(life * 1000 + index, photo=photo), visitor)
    store.runs.start(run.id)
    store.runs.progress(run.id, 0.5, "Half-way")
    pixels = np.random.default_rng(life * 1000 + index).integers(0, 256, (64, 64, 3), np.uint8)
    rows = tuple((row, life) for row in range(100))
    results = {"image": Image(pixels, "noise"), "n": Number(index, "N"), "table": Table(("a", "b"), rows)}
    store.runs.finish(run.id, results, {"version": VERSION})
    if index % 3 == 0:
        session = store.sessions.create(visitor, f"{life}/{index}")
        store.sessions.add_run(session.id, visitor, run.id)
    return run.id


if __name__ == "__main__":
    main()

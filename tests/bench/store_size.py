"""What a saved medical run takes: rows, bytes of the database, bytes of files. `python -m tests.bench store-size`.

One bundled picture, the viewer's own action with another window each time, so that no result is shared with the run
before; each is saved into one session. The database's bytes are those of a compact copy (VACUUM INTO): the live file
grows in pages, and its write-ahead log is emptied now and then. Files count twice: their length, and their blocks.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from app.settings import Settings
from app.wiring import build_lab
from backends.core.errors import Busy
from backends.medical.actions import Classify
from backends.runtime.lab import Lab

RUNS = 20
PICTURE = Path(__file__).parents[2] / "assets" / "examples" / "medical" / "redcell-normal-20.png"
MODEL = "medical/redcells-resnet18"
VISITOR = "bench"


@dataclass(frozen=True)
class Size:
    """What stands in a data folder. rows: by table. files, blocks: bytes of artifacts, as long and as on disk."""

    rows: Counter[str]
    database: int
    files: int
    blocks: int

    def more_than(self, before: Size) -> Size:
        """What came since."""
        rows = Counter({name: count - before.rows[name] for name, count in self.rows.items()})
        return Size(rows, self.database - before.database, self.files - before.files, self.blocks - before.blocks)


def size_of(folder: Path) -> Size:
    """Count what stands in `folder` now; the store may be open."""
    with sqlite3.connect(folder / "vitrine.db") as connection, tempfile.TemporaryDirectory() as scratch:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = Counter({name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables})
        compact = Path(scratch) / "compact.db"
        connection.execute("VACUUM INTO ?", (str(compact),))
        database = compact.stat().st_size
    connection.close()
    kept = [path.stat() for path in (folder / "artifacts").glob("??/??/*")]
    return Size(rows, database, sum(one.st_size for one in kept), sum(512 * one.st_blocks for one in kept))


def load(lab: Lab) -> None:
    """Have the model in memory, however long a busy machine takes."""
    for _ in range(10):
        try:
            with lab.registry.lease(MODEL):
                return
        except Busy:
            continue
    raise TimeoutError("the model was not loaded")


def save(lab: Lab, session_id: str, digest: str, centre: float) -> int:
    """Run, wait, save; returns how many results it has."""
    action = Classify.parse({"image": digest, "model": MODEL, "centre": centre})
    run = lab.runtime.submit(lab.experiment(action), VISITOR)
    deadline = time.monotonic() + 120
    while not (run := lab.store.runs.get(run.id, VISITOR)).ended:
        if time.monotonic() > deadline:
            raise TimeoutError("the run did not end")
        time.sleep(0.02)
    if run.state != "done":
        raise RuntimeError(f"the run ended as {run.state}: {run.error}")
    lab.store.sessions.add_run(session_id, VISITOR, run.id)
    return len(run.outputs)


def told(name: str, size: Size, share: int = 1) -> str:
    """One row of the table. share: among how many runs it is divided."""
    rows = sum(size.rows.values()) / share
    cells = (f"{value / share / 1024:.1f} KiB" for value in (size.database, size.files, size.blocks))
    return f"| {name} | {rows:.1f} | {' | '.join(cells)} |"


def main() -> None:
    """Print the table, and which rows a run has."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        lab = build_lab(Settings(data_folder=folder, warm_up=False))
        lab.runtime.start()
        load(lab)
        try:
            data = Classify.prepare_input("image", PICTURE.read_bytes())
            empty = size_of(folder)
            session = lab.store.sessions.create(VISITOR, "Figures")
            digest = lab.store.artifacts.put(VISITOR, data, "image/png")
            started = size_of(folder)
            results = save(lab, session.id, digest, 100.0)
            first = size_of(folder)
            for turn in range(1, RUNS + 1):
                save(lab, session.id, digest, 100.0 + turn)
            rest = size_of(folder).more_than(first)
        finally:
            lab.runtime.close(5)
            lab.registry.close()
            lab.store.close()
    print(f"{PICTURE.name} ({len(data) / 1024:.1f} KiB as kept), {MODEL}, {results} results a run\n")
    print("| | rows | database | files | files, in blocks on disk |\n|---|---|---|---|---|")
    print(told("an empty store", empty))
    print(told("+ a session and its picture", started.more_than(empty)))
    print(told("+ the first run in it", first.more_than(started)))
    print(told(f"+ each further run (mean of {RUNS})", rest, RUNS))
    shares = {name: count / RUNS for name, count in sorted(rest.rows.items()) if count}
    print("\nRows of a further run: " + ", ".join(f"{name} {count:g}" for name, count in shares.items()))


if __name__ == "__main__":
    main()

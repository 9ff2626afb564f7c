"""A session of five medical runs as a file, out and in: `python -m tests.bench session-archive`.

Out: from the call to the last byte on disk. In: into an empty store each time, so that every file is new. Beside the
time on the clock stands the process's own CPU time, which other programs do not lengthen.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from backends.core.digest import canonical_json
from backends.experiments.archive import import_archive, write_archive
from backends.experiments.archive_session import session_document
from backends.medical.gallery import examples
from backends.runtime.lab import Lab
from backends.store.values import Session
from tests.backends.experiments.archives import ANN, BOB, open_lab, run, saved
from tests.load.figures import machine

RUNS, TIMES = 5, 10


def main() -> int:
    """Print the table."""
    print(machine())
    with tempfile.TemporaryDirectory() as folder, open_lab(Path(folder) / "here") as lab:
        file = Path(folder) / "session.zip"
        for name, which in {"five X-rays of 28 x 28": _xrays, "five of the examples": _examples}.items():
            session = _session(lab, which())
            out = [_timed(partial(_exported, lab, session, file)) for _ in range(TIMES)]
            into = [_imported(Path(folder) / f"{name[-4:]}{turn}", file) for turn in range(TIMES)]
            outputs = sum(len(one.outputs) for one in session.runs)
            text = len(canonical_json(session_document(session)))
            print(f"\n{name}: {RUNS} runs, {outputs} results, {file.stat().st_size / 1024:.0f} KiB in all, ", end="")
            print(f"session.json {text / 1024:.1f} KiB\n\n| | p50 | longest | CPU p50 |\n|---|---|---|---|")
            for title, took in {"export": out, "import": into}.items():
                wall, spent = np.array(took).T * 1000
                print(f"| {title} | {np.median(wall):.0f} ms | {wall.max():.0f} ms | {np.median(spent):.0f} ms |")
    return 0


def _xrays() -> list[bytes]:
    return [example.read() for example in examples() if example.title.startswith("Chest")][:RUNS]


def _examples() -> list[bytes]:
    """The largest: CT, MR, ultrasound film, tissue."""
    return sorted((example.read() for example in examples()), key=len)[-RUNS:]


def _session(lab: Lab, pictures: list[bytes]) -> Session:
    return saved(lab, ANN, *(run(lab, ANN, "medical/classify", data, "image") for data in pictures))


def _exported(lab: Lab, session: Session, file: Path) -> None:
    write_archive(lab, session.id, ANN).save(file)


def _imported(folder: Path, file: Path) -> tuple[float, float]:
    with open_lab(folder) as lab:
        return _timed(lambda: import_archive(lab, file, BOB))


def _timed(act: Callable[[], object]) -> tuple[float, float]:
    """Seconds on the clock and of the processor."""
    wall, spent = time.perf_counter(), time.process_time()
    act()
    return time.perf_counter() - wall, time.process_time() - spent


if __name__ == "__main__":
    raise SystemExit(main())

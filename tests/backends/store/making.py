"""What the store's tests are made of: a clock that is told the time, experiments, one result of every kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from backends.core.encoding import array_file
from backends.core.experiment import Experiment
from backends.core.limits import Limits
from backends.core.results import Audio, Figure, Gallery, Image, Number, Result, Table, Text, Tokens
from backends.store.store import Store
from backends.store.values import Run

VERSION = "0.1.0"


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> datetime:
        self.now += timedelta(**span)
        return self.now


def open_store(folder: Path, clock: FakeClock, limits: Limits | None = None, *, locks: bool = True) -> Store:
    url = f"sqlite:///{folder / 'vitrine.db'}"
    return Store.open(url, folder / "artifacts", limits or Limits(), clock, locks_work=lambda _folder: locks)


def experiment(gain: float = 1.0, **inputs: str) -> Experiment:
    return Experiment("demo/brighten", {"gain": gain}, inputs, {"model": ("demo/net", "ab" * 32)}, seed=7)


def done_run(store: Store, visitor: str, outputs: dict[str, Result], gain: float = 1.0, **inputs: str) -> Run:
    run = store.runs.create(experiment(gain, **inputs), visitor)
    store.runs.start(run.id)
    return store.runs.finish(run.id, outputs, {"version": VERSION})


def files_on_disk(folder: Path) -> set[str]:
    return {path.name for path in (folder / "artifacts").glob("??/??/*")}


def every_kind() -> dict[str, Result]:
    rng = np.random.default_rng(0)
    grey, colour, clear = (rng.integers(0, 256, shape, np.uint8) for shape in ((5, 7), (5, 7, 3), (5, 7, 4)))
    table = Table(("class", "p (%)"), (("a", 12.5), ("b", None), ("c", True), ("d", 3)), "Scores")
    return {
        "grey": Image(grey, "noise", "Grey"),
        "colour": Image(colour, "colour noise"),
        "clear": Image(clear, "noise with holes"),
        "gallery": Gallery((Image(grey, "one", "1"), Image(colour, "two", "2")), "Both"),
        "markdown": Text("**same** words", markdown=True, title="T"),
        "plain": Text("**same** words", markdown=False, title="T"),  # the same bytes as another kind of text
        "tokens": Tokens(("a ", "b"), (0.25, -1.5), "attribution", "Words"),
        "figure": Figure({"data": [{"y": [1, 2.5]}], "layout": {}}, table, "Bars"),
        "table": table,
        "mono": Audio(rng.integers(-(2**15), 2**15, 64).astype(np.int16), 8000, "Beep"),
        "stereo": Audio(rng.integers(-(2**15), 2**15, (64, 2)).astype(np.int16), 44100),
        "file": array_file("map.npy", rng.random((3, 4)), "Raw map"),
        "number": Number(0.97, "AUC", "", 0.95, 0.99, "95 % bootstrap", 624),
    }


def same(one: Result, other: Result) -> bool:
    """Whether two results are equal, arrays by their elements and type."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Gallery) and isinstance(other, Gallery):
        return one.title == other.title and all(same(a, b) for a, b in zip(one.images, other.images, strict=True))
    return all(
        np.array_equal(value, vars(other)[name]) and value.dtype == vars(other)[name].dtype
        if isinstance(value, np.ndarray)
        else value == vars(other)[name]
        for name, value in vars(one).items()
    )

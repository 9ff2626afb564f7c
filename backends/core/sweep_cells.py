"""What a sweep keeps count of while it computes its cells, and the job that a cell is given."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from backends.core.action import Job
from backends.core.cancellation import Cancellation
from backends.core.errors import TooLarge, VitrineError
from backends.core.measures import Measure
from backends.core.results import GridCell

BYTES_MAX = 128 * 2**20  # of a grid: it is held in memory while it is computed and shown


@dataclass
class Tally:
    """Where a sweep stands. total: runs in all; done: those begun or given up. declared: output name -> its title.

    titles: measure key -> title with its unit, as the grid tells it. problem: the first that a cell had.
    """

    total: int
    declared: Mapping[str, str]
    done: int = 0
    titles: dict[str, str] = field(default_factory=dict)
    problem: VitrineError | None = None
    _bytes: int = 0

    def name(self, key: str, measure: Measure) -> None:
        """Note a measure's title; where cells have different ones for it ('Evidence for A'), the declared one."""
        known = self.titles.setdefault(key, measure.title)
        if known != measure.title and key in self.declared:
            unit = f" ({measure.unit})" if measure.unit else ""
            self.titles[key] = self.declared[key] + unit

    def failed(self, error: VitrineError) -> None:
        """Note a cell's problem. Its traceback goes: it would keep the cell's pictures in memory."""
        self.problem = self.problem or error.with_traceback(None)

    def add(self, cell: GridCell, computed: int, cells: int) -> None:
        """Count a cell's bytes. Raises TooLarge once all cells together are bound to be too many."""
        self._bytes += sum(len(item.data) for item in cell.results.values())
        expected = self._bytes * cells / computed
        if expected > BYTES_MAX:
            raise TooLarge(
                f"This grid would have about {expected / 2**20:.0f} MiB; at most {BYTES_MAX // 2**20} MiB are kept.",
                hint="Sweep fewer values at a time.",
            )


class SeededJob:
    """The job of one cell: the sweep's own, with a seed of its own."""

    def __init__(self, job: Job, seed: int) -> None:
        self._job = job
        self._seed = seed

    @property
    def seed(self) -> int:
        """The seed of this repeat."""
        return self._seed

    @property
    def cancellation(self) -> Cancellation:
        """The sweep's."""
        return self._job.cancellation

    def read(self, digest: str) -> bytes:
        """As the sweep's job does."""
        return self._job.read(digest)

    def lease(self, model_id: str) -> AbstractContextManager[Any]:
        """As the sweep's job does."""
        return self._job.lease(model_id)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)  # what a runtime offers beyond the protocol: batching

"""How far a load is: written by the one thread that loads, read by anyone.

Each field is a single number or word, so readers need no lock; two of them may be a moment apart.
"""

from __future__ import annotations

from collections.abc import Callable

from backends.core.cancellation import Cancellation
from backends.registry.status import Phase


class Progress:
    """phase: what is being done. done, total: bytes of a download. beat: when something last moved, by `clock`."""

    def __init__(self, clock: Callable[[], float], cancellation: Cancellation | None = None) -> None:
        self.clock = clock
        self.cancellation = cancellation or Cancellation()
        self.phase: Phase = ""
        self.done = 0
        self.total = 0
        self.started = self.beat = clock()

    def enter(self, phase: Phase) -> None:
        """A new phase begins. Raises Cancelled if nobody wants the model any more."""
        self.cancellation.check()
        self.phase = phase
        self.beat = self.clock()

    def expect(self, done: int, total: int) -> None:
        """A download of `total` bytes begins, of which `done` were here already."""
        self.done, self.total = done, total
        self.beat = self.clock()

    def fetched(self, count: int) -> None:
        """`count` more bytes have arrived. Raises Cancelled."""
        self.done += count
        self.moved(count)

    def moved(self, _: int = 0) -> None:
        """Something moved, so this is not stuck. Raises Cancelled."""
        self.beat = self.clock()
        self.cancellation.check()

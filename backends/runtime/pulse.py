"""Signs of life of one piece of work, so that a worker that is stuck can be told from one that is busy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from backends.core.cancellation import Cancellation


class Pulse:
    """When the work last showed a sign of life. Waiting for a model counts as one: the registry bounds that wait."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._waits = 0

    def beat(self) -> None:
        """It lives."""
        self._last = time.monotonic()

    @property
    def silent_for(self) -> float:
        """Seconds since the last sign of life."""
        return 0.0 if self._waits else time.monotonic() - self._last

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """For as long as the work waits for the registry."""
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
            self.beat()


class LivingCancellation(Cancellation):
    """The run's cancellation as its action sees it: to look at it is a sign of life."""

    def __init__(self, asked: Cancellation, pulse: Pulse) -> None:
        super().__init__()
        self._asked = asked
        self._pulse = pulse

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._asked.cancel()

    @property
    def requested(self) -> bool:
        """Whether someone has asked."""
        self._pulse.beat()
        return self._asked.requested

    def check(self) -> None:
        """Call between steps: raises Cancelled once someone has asked."""
        self._pulse.beat()
        self._asked.check()

    def wait(self, seconds: float) -> bool:
        """Sleep, but wake at once when someone asks; returns whether they did."""
        self._pulse.beat()
        return self._asked.wait(seconds)

"""How long things take here, as measured, and what that means for who waits. Knows nothing of runs or threads."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Sequence

_FIRST_GUESS = 1.0  # seconds; used only until the first run has ended: a small network on one core
_WEIGHT = 0.2  # of the newest measurement in the moving mean: the last ten or so runs count


class ServiceTimes:
    """Moving mean of how long a run takes, in seconds, per action and over all. Thread-safe."""

    def __init__(self) -> None:
        self._mean: float | None = None
        self._by_action: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, action: str, seconds: float) -> None:
        """A run of this action took so long."""
        with self._lock:
            self._by_action[action] = _moved(self._by_action.get(action), seconds)
            self._mean = _moved(self._mean, seconds)

    def expect(self, action: str) -> float:
        """Seconds that a run of this action is likely to take."""
        with self._lock:
            return self._by_action.get(action, self._mean if self._mean is not None else _FIRST_GUESS)

    @property
    def mean(self) -> float | None:
        """Seconds over all actions; None before the first run has ended."""
        return self._mean


def seconds_until_starts(free_in: Sequence[float], line: Sequence[float]) -> list[float]:
    """When each run in line starts, and after them when one more would: one number more than `line`.

    free_in: per worker (at least one), seconds until it is free (0 = now). line: seconds that each run takes, in order.
    A run starts on the worker that is free first (list scheduling; Graham, 1966).
    """
    workers = [max(0.0, seconds) for seconds in free_in]
    heapq.heapify(workers)
    starts = []
    for seconds in line:
        starts.append(workers[0])
        heapq.heapreplace(workers, workers[0] + seconds)
    return [*starts, workers[0]]


def starts_beside_long(
    free_in: Sequence[float], long_free_in: Sequence[float], line: Sequence[tuple[float, bool]]
) -> list[float]:
    """The same where some runs are long, and only as many of those go at once as `long_free_in` has entries.

    long_free_in: seconds until each of those places is free. line: (seconds, whether it is long) of each run. A long
    run that has to wait for its place lets those behind it go first.
    """
    workers = sorted(max(0.0, seconds) for seconds in free_in)
    places = sorted(max(0.0, seconds) for seconds in long_free_in)
    starts = []
    for seconds, long in line:
        at = max(workers[0], places[0] if long else 0.0)
        worker = min((free for free in workers if free >= at), default=workers[0])  # which the earlier long run leaves
        starts.append(max(at, worker))
        workers = sorted([*_without(workers, worker), starts[-1] + seconds])
        if long:
            places = sorted([*places[1:], starts[-1] + seconds])
    return [*starts, workers[0]]


def _without(values: Sequence[float], value: float) -> list[float]:
    at = list(values).index(value)
    return [*values[:at], *values[at + 1 :]]


def _moved(mean: float | None, seconds: float) -> float:
    return seconds if mean is None else mean + _WEIGHT * (seconds - mean)

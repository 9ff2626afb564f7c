"""The lane for live controls: quick actions, run on every change, the latest wins, nothing is stored.

It has its own few threads, so that a long run never delays a slider.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from backends.core.action import Action
from backends.core.cancellation import Cancellation
from backends.core.errors import Cancelled, Interrupted, VitrineError
from backends.core.events import Event, Output
from backends.core.experiment import Experiment
from backends.registry.registry import Registry
from backends.runtime.batching import Batches
from backends.runtime.failures import new_reference, unexpected, where
from backends.runtime.job import RunJob, steps
from backends.runtime.provenance import Notes
from backends.runtime.pulse import Pulse
from backends.runtime.queue import FairQueue
from backends.runtime.stream import Stream
from backends.runtime.waits import ServiceTimes, seconds_until_starts
from backends.runtime.workers import Workers
from backends.store.store import Store

_TOTAL = 64  # waiting at once: 50 visitors at one view each, and room
_PER_VISITOR = 8  # channels of one visitor that wait at once: a comparison of eight settings has as many

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _Change:
    """One change of a control, on its way to a picture."""

    action: Action
    experiment: Experiment
    visitor: str
    channel: str
    cancellation: Cancellation = field(default_factory=Cancellation)
    stream: Stream[Event] = field(default_factory=Stream)
    pulse: Pulse = field(default_factory=Pulse)
    started: float | None = None


class LiveLane:
    """Runs live actions, fairly between visitors, the latest per (visitor, channel) only."""

    def __init__(self, store: Store, registry: Registry, batches: Batches, workers: int) -> None:
        self._store = store
        self._registry = registry
        self._batches = batches
        self._times = ServiceTimes()
        self._latest: dict[tuple[str, str], _Change] = {}
        self._lock = threading.Lock()
        self._queue: FairQueue[_Change] = FairQueue(
            total=_TOTAL, per_visitor=_PER_VISITOR, estimate=self._seconds_until_start
        )
        self._workers = Workers("vitrine-live", workers, self._queue, self._perform)

    def start(self) -> None:
        """Start the threads."""
        self._workers.start()

    def follow(self, action: Action, experiment: Experiment, visitor: str, channel: str) -> Iterator[Event]:
        """The action's events; an earlier one on the same channel ends with Cancelled at once. Raises Busy."""
        change = _Change(action, experiment, visitor, channel)
        with self._lock:
            older = self._latest.pop((visitor, channel), None)
            if older is not None:
                self._stop(older, Cancelled("A newer setting replaced this one."))
            self._queue.put(visitor, change)
            self._latest[visitor, channel] = change
        return self._events(change)

    def cancel_all(self, visitor: str) -> None:
        """Stop all changes of a visitor."""
        with self._lock:
            theirs = [key for key in self._latest if key[0] == visitor]
            for key in theirs:
                self._stop(self._latest.pop(key), Cancelled())

    @property
    def queued(self) -> int:
        """Changes that wait."""
        return len(self._queue)

    @property
    def workers(self) -> int:
        """Threads that are alive."""
        return self._workers.count

    def pulses(self) -> list[Pulse]:
        """Signs of life of the changes that are running."""
        return [change.pulse for change in self._workers.busy()]

    def close(self) -> None:
        """Stop all of it; threads end with the step they are at."""
        self._queue.close()
        with self._lock:
            changes = [*self._latest.values(), *self._workers.busy()]
            self._latest.clear()
        for change in changes:
            self._stop(change, Interrupted("The server is stopping.", hint="Try again in a minute."))

    def join(self, seconds: float) -> list[str]:
        """Wait for the threads; the names of those that have not ended."""
        return self._workers.join(seconds)

    def _events(self, change: _Change) -> Iterator[Event]:
        try:
            yield from change.stream.follow()
        finally:
            change.cancellation.cancel()  # whoever stops listening stops the work

    def _stop(self, change: _Change, reason: VitrineError) -> None:
        change.cancellation.cancel()
        change.stream.close(reason)
        self._queue.remove(change)

    def _perform(self, change: _Change) -> None:
        change.started = time.monotonic()
        change.pulse.beat()
        try:
            self._run(change)
            change.stream.close()
            self._times.add(change.experiment.action, time.monotonic() - change.started)
        except VitrineError as err:
            change.stream.close(err.with_traceback(None))
        except BaseException as err:  # noqa: BLE001 - the boundary to an action's code: any bug ends here
            reference = new_reference()
            name = change.experiment.action
            log.error("live run broke", reference=reference, action=name, error=type(err).__name__, where=where(err))
            change.stream.close(unexpected(reference))
        finally:
            with self._lock:
                if self._latest.get((change.visitor, change.channel)) is change:
                    del self._latest[change.visitor, change.channel]

    def _run(self, change: _Change) -> None:
        job = RunJob(
            change.experiment,
            change.visitor,
            store=self._store,
            registry=self._registry,
            batches=self._batches,
            cancellation=change.cancellation,
            pulse=change.pulse,
            notes=Notes(),
        )
        for event in steps(change.action, job):
            change.pulse.beat()
            key = ("output", event.name) if isinstance(event, Output) else "progress"
            change.stream.post(key, event)

    def _seconds_until_start(self, ahead: Sequence[_Change]) -> float:
        now = time.monotonic()
        busy = [
            self._times.expect(change.experiment.action) - (now - (change.started or now))
            for change in self._workers.busy()
        ]
        free = [0.0] * max(0, self._workers.size - len(busy))
        line = [self._times.expect(change.experiment.action) for change in ahead]
        return seconds_until_starts([*busy, *free], line)[-1]

"""The lane that ledger runs wait and run in: queue, threads, what they are likely to take, and whether they live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from backends.runtime.executor import Progressed
from backends.runtime.pulse import Pulse
from backends.runtime.queue import FairQueue
from backends.runtime.ticket import Ticket
from backends.runtime.waits import ServiceTimes, starts_beside_long
from backends.runtime.workers import Workers

_LOOK = 0.05  # seconds between looks at busy workers during a ping


@dataclass(eq=False)
class _Ping:
    """A no-op that goes through the queue to show that somebody works there."""

    answered: threading.Event = field(default_factory=threading.Event)


_Task = Ticket | _Ping


class RunLane:
    """Tickets wait here in fair order, and `workers` threads hand them to `perform`.

    total, per_visitor: tickets that may wait. silence: seconds without a sign of life after which one counts as stuck.
    """

    def __init__(
        self, perform: Callable[[Ticket], None], *, workers: int, total: int, per_visitor: int, silence: float
    ) -> None:
        self.times = ServiceTimes()
        self._perform = perform
        self._silence = silence
        self._starting = threading.Lock()  # so that nobody is told to wait after they have started
        self._long_at_once = max(1, workers - 1)  # so that a worker is left to everybody else's short runs
        self._queue: FairQueue[_Task] = FairQueue(
            total=total,
            per_visitor=per_visitor,
            estimate=self._seconds_until_start,
            long=_is_long,
            long_at_once=self._long_at_once,
        )
        self._workers = Workers("vitrine-run", workers, self._queue, self._do)

    def start(self) -> None:
        """Start the threads."""
        self._workers.start()

    def check(self, visitor: str) -> None:
        """Raises Busy as `put` would now."""
        self._queue.check(visitor)

    def put(self, ticket: Ticket) -> None:
        """Let it wait its turn. Raises Busy, which says in how many seconds a place comes free."""
        self._queue.put(ticket.run.visitor, ticket)

    def remove(self, ticket: Ticket) -> bool:
        """Take it out before it starts; False when it is too late."""
        return self._queue.remove(ticket)

    def waiting(self) -> list[Ticket]:
        """Those that wait, in the order in which they would start."""
        return [task for _, task in self._queue.waiting() if isinstance(task, Ticket)]

    def running(self) -> list[Ticket]:
        """Those that a worker has."""
        return [task for task in self._workers.busy() if isinstance(task, Ticket)]

    @property
    def workers(self) -> int:
        """Threads that are alive."""
        return self._workers.count

    @property
    def wedged(self) -> bool:
        """Whether no worker is left that shows signs of life."""
        return wedged([ticket.pulse for ticket in self.running()], self._workers.count, self._silence)

    def tell_waiting(self) -> None:
        """Tell the watchers of each ticket that waits how many go first and about how long that takes."""
        waiting = self.waiting()
        for place, (ticket, seconds) in enumerate(zip(waiting, self._starts(waiting), strict=False)):
            event = Progressed(0.0, _ahead(place), seconds)
            with self._starting:
                if ticket.started is None:
                    ticket.stream.post("progress", event)

    def ping(self, timeout: float) -> bool:
        """Whether a no-op comes back within `timeout` seconds, or all workers are busy and live."""
        began = time.monotonic()
        ping = _Ping()
        self._queue.put_first(ping)
        while (left := began + timeout - time.monotonic()) > 0:
            if ping.answered.wait(min(left, _LOOK)):
                return True
            if self._all_busy() and any(
                ticket.pulse.silent_for < time.monotonic() - began for ticket in self.running()
            ):
                break
        self._queue.remove(ping)
        return ping.answered.is_set() or (self._all_busy() and not self.wedged)

    def close(self) -> None:
        """Hand out no more tickets; threads end with what they are doing."""
        self._queue.close()

    def join(self, seconds: float) -> list[str]:
        """Wait for the threads; the names of those that have not ended."""
        return self._workers.join(seconds)

    def _do(self, task: _Task) -> None:
        if isinstance(task, _Ping):
            task.answered.set()
            return
        with self._starting:
            task.started = time.monotonic()
        task.pulse.beat()
        self.tell_waiting()
        self._perform(task)

    def _all_busy(self) -> bool:
        return 0 < self._workers.count <= len(self.running())

    def _seconds_until_start(self, ahead: Sequence[_Task]) -> float:
        return self._starts(ahead)[-1]

    def _starts(self, line: Sequence[_Task]) -> list[float]:
        """Seconds until each task in line starts, and after them one more."""
        running = self.running()
        left = [(self._expected(ticket) - ticket.seconds_running, _is_long(ticket)) for ticket in running]
        free = [seconds for seconds, _ in left] + [0.0] * max(0, self._workers.size - len(left))
        long = [seconds for seconds, is_long in left if is_long]
        places = long + [0.0] * max(0, self._long_at_once - len(long))
        return starts_beside_long(free, places, [(self._expected(task), _is_long(task)) for task in line])

    def _expected(self, task: _Task) -> float:
        return self.times.expect(task.run.experiment.action) if isinstance(task, Ticket) else 0.0


def _is_long(task: _Task) -> bool:
    return isinstance(task, Ticket) and task.action.long


def _ahead(place: int) -> str:
    return ("Next in line", "One run goes first")[place] if place < 2 else f"{place} runs go first"


def wedged(pulses: Sequence[Pulse], workers: int, silence: float) -> bool:
    """Whether as many pulses have been silent for `silence` seconds as there are workers."""
    return sum(pulse.silent_for > silence for pulse in pulses) >= workers

"""The local executor: a fair queue and a few threads in this process. The contract is in executor.py.

Lock order: `_submitting` (one row is written and put in line at a time), `_lock` (which runs there are), the lanes'
own. The last two are never held while the store or an action works.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import structlog

from backends.core.action import Action
from backends.core.errors import BadInput, Cancelled, NotFound, NotYours, StoreError
from backends.core.events import Event
from backends.core.experiment import Experiment
from backends.core.limits import Limits
from backends.core.playground import Actions
from backends.registry.registry import Registry
from backends.runtime.batching import Batches
from backends.runtime.executor import Final, Produced, Progressed, RunEvent, RuntimeStatus, Started, VisitorLoad
from backends.runtime.lane import RunLane, wedged
from backends.runtime.live import LiveLane
from backends.runtime.perform import Performer, check_revisions
from backends.runtime.ticket import Ticket
from backends.store.store import Store
from backends.store.values import Run

GRACE = 2.0  # seconds that stopped work has to reach its next step before its thread is given up

log = structlog.get_logger(__name__)


class LocalRuntime:
    """Runs experiments on threads of this process.

    workers: runs at a time. queue_limit: runs that may wait, of all visitors; limits.visitor_waiting of one.
    version: Vitrine's own; results are reused within it. live_workers: live changes at a time. silence: seconds
    without a sign of life after which a worker counts as stuck (60: the longest step of a diffusion model on a CPU).
    """

    def __init__(
        self,
        actions: Actions,
        registry: Registry,
        store: Store,
        *,
        workers: int = 2,
        queue_limit: int = 128,
        version: str,
        limits: Limits | None = None,
        live_workers: int = 2,
        silence: float = 60.0,
    ) -> None:
        self._actions = actions
        self._registry = registry
        self._store = store
        self._version = version
        self._silence = silence
        self._tickets: dict[str, Ticket] = {}
        self._under_way: dict[tuple[str, str], Ticket] = {}  # by visitor and experiment: a double click finds the first
        self._closed = False
        self._submitting = threading.Lock()
        self._lock = threading.Lock()
        waiting = (limits or Limits()).visitor_waiting
        self._lane = RunLane(self._perform, workers=workers, total=queue_limit, per_visitor=waiting, silence=silence)
        batches = Batches(crowd=self._running_now)
        self._live = LiveLane(store, registry, batches, live_workers)
        self._performer = Performer(store, registry, batches=batches, times=self._lane.times, version=version)

    def start(self) -> None:
        """Begin to work. Runs that an earlier process left unfinished are marked interrupted."""
        left = self._interrupt()
        if left:
            log.warning("runs of an earlier process were interrupted", count=left)
        self._lane.start()
        self._live.start()

    def submit(self, experiment: Experiment, visitor: str, *, fresh: bool = False) -> Run:
        """Ask for a run: see `Runtime.submit`."""
        action = self._checked(experiment, visitor)
        key = (visitor, experiment.digest)
        if key not in self._under_way and not fresh:
            known = self._known(experiment, visitor)
            if known is not None:
                return known
        with self._submitting:
            twin = self._under_way.get(key)
            if twin is not None:
                return self._store.runs.get(twin.run.id, visitor)
            run = self._enqueue(action, experiment, visitor)
        self._lane.tell_waiting()
        return run

    def cancel(self, run_id: str, visitor: str) -> None:
        """Stop a run of one's own: see `Runtime.cancel`."""
        ticket = self._tickets.get(run_id)
        if ticket is not None and ticket.run.visitor == visitor:
            self._stop(ticket)
        elif self._store.runs.get(run_id, visitor).visitor != visitor:
            raise NotYours("There is no such run of yours.")

    def cancel_all(self, visitor: str) -> None:
        """Stop all that a visitor has here: see `Runtime.cancel_all`."""
        self._live.cancel_all(visitor)
        with self._lock:
            theirs = [ticket for ticket in self._tickets.values() if ticket.run.visitor == visitor]
        for ticket in reversed(theirs):  # the newest first: a worker set free must not take up the next of them
            self._stop(ticket)

    def watch(self, run_id: str, visitor: str) -> Iterator[RunEvent]:
        """What the run says, to a Final: see `Runtime.watch`."""
        ticket = self._tickets.get(run_id)
        if ticket is not None and ticket.run.visitor == visitor:
            return ticket.stream.follow()
        run = self._store.runs.get(run_id, visitor)
        if ticket is None and not run.ended:
            with self._submitting:  # its row was written a moment ago: let `submit` put it in line
                ticket = self._tickets.get(run_id)
        if ticket is None:
            return self._replay(run_id, visitor)
        return ticket.stream.follow() if run.visitor else _without_owner(ticket.stream.follow())

    def progress(self, run_id: str, visitor: str) -> Progressed | None:
        """How far a run of the visitor's own is, or its place in line: see `Runtime.progress`."""
        ticket = self._tickets.get(run_id)
        if ticket is None or ticket.run.visitor != visitor:
            return None
        told = ticket.stream.latest("progress")
        return told if isinstance(told, Progressed) else None

    def live(self, experiment: Experiment, visitor: str, channel: str) -> Iterator[Event]:
        """Run now, without the ledger: see `Runtime.live`."""
        action = self._checked(experiment, visitor)
        if not action.live:
            raise BadInput(f"{action.title} does not run live.", hint="Press Run.")
        return self._live.follow(action, experiment, visitor, channel)

    def status(self) -> RuntimeStatus:
        """What is going on now."""
        waiting, running, live = self._lane.waiting(), self._lane.running(), self._live.pulses()
        queued_by = Counter(ticket.run.visitor for ticket in waiting)
        running_by = Counter(ticket.run.visitor for ticket in running)
        now = time.monotonic()
        silences = [pulse.silent_for for pulse in (*(ticket.pulse for ticket in running), *live)]
        return RuntimeStatus(
            queued=len(waiting),
            running=len(running),
            visitors={name: VisitorLoad(queued_by[name], running_by[name]) for name in queued_by | running_by},
            workers=self._lane.workers,
            live_queued=self._live.queued,
            live_running=len(live),
            mean_service_seconds=self._lane.times.mean,
            oldest_wait=max((now - ticket.notes.queued for ticket in waiting), default=0.0),
            silent=sum(seconds > self._silence for seconds in silences),
            wedged=self._lane.wedged or wedged(live, self._live.workers, self._silence),
            ended=dict(self._performer.ended),
        )

    def ping(self, timeout: float) -> bool:
        """Whether the queue and a worker answer: see `Runtime.ping`."""
        return self._lane.ping(timeout)

    def close(self, drain_seconds: float) -> None:
        """Take no more work, let what runs finish for so long, stop the rest and mark it interrupted."""
        if self._closed:
            return
        self._closed = True
        self._lane.close()
        self._live.close()
        self._lane.join(drain_seconds)
        with self._lock:
            rest = list(self._tickets.values())
        for ticket in rest:
            ticket.interrupted = True
            ticket.cancellation.cancel()
        stuck = self._lane.join(GRACE) + self._live.join(GRACE)
        self._interrupt()
        for ticket in rest:
            ticket.stream.end(Final(self._store.runs.get(ticket.run.id, ticket.run.visitor)))
            self._forget(ticket)
        if stuck:
            log.error("threads did not stop", names=stuck)

    def _interrupt(self) -> int:
        """Mark all runs of the store that have not ended: no other process works on it. Returns how many."""
        for run in self._store.runs.queued():
            with suppress(Cancelled, StoreError):  # it has moved on since it was listed
                self._store.runs.start(run.id)
        return self._store.runs.interrupt_running()

    def _checked(self, experiment: Experiment, visitor: str) -> Action:
        """The action, validated anew (an experiment may come from a link), with what it needs there and allowed."""
        action = self._actions.get(experiment.action).from_experiment(experiment)
        for digest in experiment.inputs.values():
            self._store.artifacts.media_type(digest, visitor)  # raises NotFound; known results need the right as well
        check_revisions(experiment, self._registry)
        return action

    def _known(self, experiment: Experiment, visitor: str) -> Run | None:
        """A run of the visitor's own that is done, with the results of an equal experiment; None if there are none."""
        found = self._store.runs.find_done(experiment.digest, self._version)
        if found is None:
            return None
        try:
            run = self._store.runs.reuse(found, visitor)
        except NotFound:  # it was erased a moment ago
            return None
        self._performer.count("cached")
        return run

    def _enqueue(self, action: Action, experiment: Experiment, visitor: str) -> Run:
        """Write the row, stand in line. `_submitting` is held: nobody takes the place between check and put."""
        self._lane.check(visitor)
        ticket = Ticket(self._store.runs.create(experiment, visitor), action)
        with self._lock:
            self._tickets[ticket.run.id] = ticket
            self._under_way[visitor, experiment.digest] = ticket
        self._lane.put(ticket)
        return ticket.run

    def _perform(self, ticket: Ticket) -> None:
        try:
            self._performer.perform(ticket)
        finally:
            if not ticket.interrupted:  # `close` ends those itself
                self._forget(ticket)

    def _stop(self, ticket: Ticket) -> None:
        self._forget_twin(ticket)
        ticket.cancellation.cancel()
        if self._lane.remove(ticket):
            try:
                self._performer.stopped(ticket)
            finally:
                self._forget(ticket)
            self._lane.tell_waiting()

    def _forget(self, ticket: Ticket) -> None:
        """The ticket has ended; from now on the store answers for it."""
        self._forget_twin(ticket)
        with self._lock:
            self._tickets.pop(ticket.run.id, None)

    def _forget_twin(self, ticket: Ticket) -> None:
        with self._lock:
            key = (ticket.run.visitor, ticket.run.experiment.digest)
            if self._under_way.get(key) is ticket:
                del self._under_way[key]

    def _replay(self, run_id: str, visitor: str) -> Iterator[RunEvent]:
        run = self._store.runs.get(run_id, visitor)
        if not run.ended:  # nobody performs it: the store could not be written when it ended
            run = replace(run, state="interrupted")
        if run.started is not None:
            yield Started()
        for name, result in self._store.runs.outputs(run_id, visitor).items():
            yield Produced(name, result)
        yield Final(run)

    def _running_now(self) -> int:
        return len(self._lane.running()) + len(self._live.pulses())


def _without_owner(events: Iterator[RunEvent]) -> Iterator[RunEvent]:
    """For who watches another's run through a link: its owner's id is not theirs to know."""
    for event in events:
        yield Final(replace(event.run, visitor="")) if isinstance(event, Final) else event

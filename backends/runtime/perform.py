"""Performs one run on a worker's thread: events to the watchers, state and results to the store, come what may."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import structlog

from backends.core.errors import Cancelled, NotFound, RevisionChanged, VitrineError
from backends.core.events import Output
from backends.core.experiment import Experiment
from backends.core.results import Result
from backends.registry.registry import Registry
from backends.runtime.batching import Batches
from backends.runtime.executor import Final, Produced, Progressed, Started
from backends.runtime.failures import new_reference, unexpected, where
from backends.runtime.job import RunJob, steps
from backends.runtime.ticket import Ticket
from backends.runtime.waits import ServiceTimes
from backends.store.store import Store
from backends.store.values import Run

PROGRESS_EVERY = 0.25  # seconds between writes of a run's progress: a person reads no faster, and SQLite has one writer
_JUDGE_AFTER = 0.5  # seconds, and
_JUDGE_FROM = 0.05  # of the work, before the time left is guessed from the pace so far

log = structlog.get_logger(__name__)


class Performer:
    """Takes tickets from start to end. version: Vitrine's, into the provenance. ended: how runs ended, counted."""

    def __init__(
        self, store: Store, registry: Registry, *, batches: Batches, times: ServiceTimes, version: str
    ) -> None:
        self._store = store
        self._registry = registry
        self._batches = batches
        self._times = times
        self._version = version
        self.ended: Counter[str] = Counter()
        self._counting = threading.Lock()

    def perform(self, ticket: Ticket) -> None:
        """Run it to its end, whatever that is; its watchers are told in any case. Raises what the store raises."""
        reference = new_reference()
        try:
            self._perform(ticket)
        except Cancelled:
            self.stopped(ticket)
        except VitrineError as err:
            self._failed(ticket, err, reference, cause=err)
        except BaseException as err:  # noqa: BLE001 - the boundary to an action's code: any bug ends here
            self._failed(ticket, unexpected(reference), reference, cause=err)
        finally:
            if not ticket.interrupted:  # in case the store could not write how it ended: nobody must watch for ever
                lost = replace(ticket.run, state="failed", error=unexpected(reference).as_dict(), reference=reference)
                ticket.stream.end(Final(lost))

    def count(self, state: str) -> None:
        """One more run has ended so."""
        with self._counting:
            self.ended[state] += 1

    def stopped(self, ticket: Ticket) -> None:
        """The ticket was cancelled, before or while it ran."""
        self._end(ticket, lambda: self._store.runs.cancel(ticket.run.id))

    def _perform(self, ticket: Ticket) -> None:
        run = ticket.run
        ticket.cancellation.check()
        check_revisions(run.experiment, self._registry)  # again: it may have waited for long
        self._store.runs.start(run.id)
        ticket.stream.post("started", Started())
        ticket.stream.post("progress", Progressed(0.0, "Starting"))
        outputs = self._compute(ticket)
        self._times.add(run.experiment.action, ticket.seconds_running)
        provenance = ticket.notes.provenance(run.experiment, self._version)
        self._end(ticket, lambda: self._store.runs.finish(run.id, outputs, provenance))

    def _compute(self, ticket: Ticket) -> dict[str, Result]:
        ticket.notes.begin()
        outputs: dict[str, Result] = {}
        written = time.monotonic()
        for event in steps(ticket.action, self._job(ticket)):
            ticket.pulse.beat()
            if isinstance(event, Output):
                outputs[event.name] = event.result
                ticket.stream.post(("output", event.name), Produced(event.name, event.result))
                continue
            ticket.fraction = fraction = min(1.0, max(0.0, event.fraction))
            left = seconds_left(fraction, ticket.seconds_running)
            ticket.stream.post("progress", Progressed(fraction, event.sentence, left))
            if time.monotonic() - written >= PROGRESS_EVERY:
                ticket.notes.sample()
                self._store.runs.progress(ticket.run.id, fraction, event.sentence)
                written = time.monotonic()
        return outputs

    def _job(self, ticket: Ticket) -> RunJob:
        return RunJob(
            ticket.run.experiment,
            ticket.run.visitor,
            store=self._store,
            registry=self._registry,
            batches=self._batches,
            cancellation=ticket.cancellation,
            pulse=ticket.pulse,
            notes=ticket.notes,
            say=lambda sentence: ticket.stream.post("progress", Progressed(ticket.fraction, sentence)),
        )

    def _failed(self, ticket: Ticket, told: VitrineError, reference: str, *, cause: BaseException) -> None:
        log.error(
            "run failed",
            reference=reference,
            run=ticket.run.id,
            action=ticket.run.experiment.action,
            experiment=ticket.run.experiment.digest,
            error=type(cause).__name__,
            code=told.code,
            where=where(cause),
        )
        self._end(ticket, lambda: self._store.runs.fail(ticket.run.id, told, reference))

    def _end(self, ticket: Ticket, write: Callable[[], Run]) -> None:
        """Write how it ended, then tell the watchers; unless the closing runtime has done both already."""
        if ticket.interrupted:
            return
        try:
            run = write()
        except NotFound:  # its owner had everything erased meanwhile
            run = replace(ticket.run, state="cancelled", error=Cancelled().as_dict())
        self.count(run.state)
        ticket.stream.end(Final(run))


def check_revisions(experiment: Experiment, registry: Registry) -> None:
    """Raises RevisionChanged when a model's weights are not those that the experiment names, NotFound without it."""
    for model_id, digest in experiment.models.values():
        if registry.revision(model_id) != digest:
            raise RevisionChanged(
                f"The weights of '{model_id}' are not those this was made with.", hint="Run it anew with today's."
            )


def seconds_left(fraction: float, elapsed: float) -> float | None:
    """Seconds to the end at the pace so far; None while it is too early to tell."""
    if elapsed < _JUDGE_AFTER or fraction < _JUDGE_FROM:
        return None
    return elapsed * (1 - fraction) / fraction

"""The job that a running action is given: its inputs, models, seed and stop sign, and nothing else of the house."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, TypeVar, runtime_checkable

from backends.core.action import Action, Job
from backends.core.cancellation import Cancellation
from backends.core.errors import Busy
from backends.core.events import Event
from backends.core.experiment import Experiment
from backends.registry.lease import Lease
from backends.registry.registry import DEADLINE, LOAD_DEADLINE, Registry
from backends.runtime.batching import Batches
from backends.runtime.provenance import Notes
from backends.runtime.pulse import LivingCancellation, Pulse
from backends.store.store import Store

M = TypeVar("M")
A = TypeVar("A")
B = TypeVar("B")


@runtime_checkable
class BatchingJob(Job, Protocol):
    """A job that can also put requests of several runs through a model together."""

    def batched(
        self,
        model: M,
        fn: Callable[[M, Sequence[A]], Sequence[B]],
        item: A,
        *,
        max_batch: int = 16,
        window_ms: float = 4.0,
    ) -> B:
        """The answer of `fn` to `item`, computed with other runs' items for the same model; see batching.py."""

    def apply(self, model_id: str, fn: Callable[[Any], B]) -> B:
        """`fn(model)` under a lease; where memory runs out, idle models make room and it is called once more."""


class RunJob:
    """One run's job. Everything goes through the visitor's rights and the run's cancellation.

    say: tells the user a sentence while the run waits. patience: seconds between looks at whether a load still moves.
    """

    def __init__(
        self,
        experiment: Experiment,
        visitor: str,
        *,
        store: Store,
        registry: Registry,
        batches: Batches,
        cancellation: Cancellation,
        pulse: Pulse,
        notes: Notes,
        say: Callable[[str], None] | None = None,
        patience: float = DEADLINE,
    ) -> None:
        self._seed = experiment.seed
        self._visitor = visitor
        self._store = store
        self._registry = registry
        self._batches = batches
        self._asked = cancellation
        self._living = LivingCancellation(cancellation, pulse)
        self._pulse = pulse
        self._notes = notes
        self._say = say
        self._patience = patience

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self._seed

    @property
    def cancellation(self) -> Cancellation:
        """Check it between steps."""
        return self._living

    def read(self, digest: str) -> bytes:
        """The bytes of an input. Raises ArtifactMissing, or NotFound where the visitor may not read it."""
        self._pulse.beat()
        return self._store.artifacts.read(digest, self._visitor)

    def lease(self, model_id: str) -> AbstractContextManager[Any]:
        """The model, loaded, held until the block ends. Raises ModelError, Busy, or Cancelled while it waits."""
        return _Held(lambda: self._enter(model_id))

    def apply(self, model_id: str, fn: Callable[[Any], B]) -> B:
        """`fn(model)` under a lease; where memory runs out, idle models make room and it is called once more.

        `fn` must be safe to call twice. Raises as `lease` does, and OutOfMemory.
        """
        held = _Held(lambda: self._enter(model_id))
        with held as model:
            return held.lease.retrying(lambda: fn(model))

    def batched(
        self,
        model: M,
        fn: Callable[[M, Sequence[A]], Sequence[B]],
        item: A,
        *,
        max_batch: int = 16,
        window_ms: float = 4.0,
    ) -> B:
        """The answer of `fn` to `item`, computed with other runs' items for the same model; see batching.py."""
        answer: B = self._batches.call(
            model,
            fn,
            item,
            visitor=self._visitor,
            cancellation=self._living,
            max_batch=max_batch,
            window_ms=window_ms,
        )
        return answer

    def _enter(self, model_id: str) -> tuple[Lease, Any]:
        """An entered lease and its model. A load that moves is waited for, as long as the registry's `load` would."""
        until = time.monotonic() + LOAD_DEADLINE
        with self._pulse.waiting():
            self._announce(model_id)
            while True:
                lease = self._registry.lease(model_id, deadline=self._patience, cancellation=self._asked)
                try:
                    model = lease.__enter__()
                    break
                except Busy:
                    if time.monotonic() > until or not self._loads(model_id):
                        raise
        try:
            self._notes.leased(model_id, self._registry.revision(model_id), model)
        except BaseException:
            lease.__exit__(None, None, None)
            raise
        return lease, model

    def _announce(self, model_id: str) -> None:
        """A load takes a while; say so before."""
        if self._say is not None:
            status = self._registry.status().model(self._registry.catalogue.get(model_id).id)
            if status.state not in ("resident", "leased"):
                self._say(f"Loading {status.title}")

    def _loads(self, model_id: str) -> bool:
        moving = model_id not in self._registry.health().stalled
        return moving and self._registry.status().model(model_id).state in ("loading", "resident")


class _Held(AbstractContextManager[Any]):
    """A lease that is waited for with patience. It keeps no reference to the model: the registry counts those."""

    lease: Lease

    def __init__(self, enter: Callable[[], tuple[Lease, Any]]) -> None:
        self._enter = enter

    def __enter__(self) -> Any:
        self.lease, model = self._enter()
        return model

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lease.__exit__(kind, error, trace)


def steps(action: Action, job: RunJob) -> Iterator[Event]:
    """The action's events, with a look at the stop sign after each. Leaving it ends the action and frees its leases."""
    events = action.run(job)
    try:
        job.cancellation.check()
        for event in events:
            yield event
            job.cancellation.check()
    finally:
        close = getattr(events, "close", None)  # generators have it: their `with` blocks end here
        if close is not None:
            close()

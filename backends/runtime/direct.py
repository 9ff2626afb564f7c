"""Runs one experiment here and now: no server, no queue, no store. For programs, notebooks and exported scripts.

outputs = run_experiment(experiment, read=lambda digest: Path("inputs", digest).read_bytes())
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from backends.core.cancellation import Cancellation
from backends.core.digest import sha256
from backends.core.errors import BadInput
from backends.core.events import Output, Progress
from backends.core.experiment import Experiment
from backends.core.playground import Actions
from backends.core.results import Result
from backends.registry.registry import LOAD_DEADLINE, Registry
from backends.runtime import discovery
from backends.runtime.perform import check_revisions

M = TypeVar("M")
A = TypeVar("A")
B = TypeVar("B")


def run_experiment(
    experiment: Experiment,
    *,
    read: Callable[[str], bytes],
    actions: Actions | None = None,
    registry: Registry | None = None,
    cancellation: Cancellation | None = None,
    say: Callable[[Progress], None] | None = None,
) -> dict[str, Result]:
    """The experiment's results by name, computed on this thread.

    read: digest -> bytes of an input. actions, registry: those of the folders under backends/ unless given.
    cancellation: stops it between steps. say: told how far it is.
    Raises BadParameter, BadInput where an input's bytes are not those of its digest, NotFound (action or model),
    RevisionChanged where the weights here are not the experiment's, NewerSchema, Cancelled, what the action raises.
    """
    own = None if registry else Registry(discovery.catalogue())
    models = registry or own
    assert models is not None
    try:
        action = (actions or discovery.actions()).get(experiment.action).from_experiment(experiment)
        check_revisions(experiment, models)
        job = DirectJob(experiment.seed, read, models, cancellation or Cancellation())
        found: dict[str, Result] = {}
        for event in action.run(job):
            job.cancellation.check()
            if isinstance(event, Output):
                found[event.name] = event.result
            elif say is not None:
                say(event)
        return found
    finally:
        if own is not None:
            own.close()


class DirectJob:
    """The job of a run that nobody waits in line for: a `BatchingJob` that is alone."""

    def __init__(self, seed: int, read: Callable[[str], bytes], registry: Registry, cancellation: Cancellation) -> None:
        self._seed = seed
        self._read = read
        self._registry = registry
        self._cancellation = cancellation

    @property
    def seed(self) -> int:
        """The run's seed."""
        return self._seed

    @property
    def cancellation(self) -> Cancellation:
        """Check it between steps."""
        return self._cancellation

    def read(self, digest: str) -> bytes:
        """The bytes of an input. Raises BadInput where they are others than the digest says."""
        data = self._read(digest)
        if sha256(data) != digest:
            raise BadInput(f"The input {digest[:12]} is not the one that was used.", hint="Fetch it again.")
        return data

    def lease(self, model_id: str) -> AbstractContextManager[Any]:
        """The model, loaded, held until the block ends. Raises ModelError, Busy."""
        return self._registry.lease(model_id, deadline=LOAD_DEADLINE, cancellation=self._cancellation)

    def apply(self, model_id: str, fn: Callable[[Any], B]) -> B:
        """`fn(model)` under a lease; where memory runs out, idle models make room and it is called once more."""
        return self._registry.run(model_id, fn, deadline=LOAD_DEADLINE, cancellation=self._cancellation)

    def batched(
        self,
        model: M,
        fn: Callable[[M, Sequence[A]], Sequence[B]],
        item: A,
        *,
        max_batch: int = 16,
        window_ms: float = 4.0,
    ) -> B:
        """The answer of `fn` to `item`: nobody else asks, so it goes through the model alone."""
        del max_batch, window_ms
        return fn(model, [item])[0]

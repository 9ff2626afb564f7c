"""Micro-batching: requests that arrive together go through the model together.

Used from an action through its job:

    def logits(model: Module, images: Sequence[Tensor]) -> list[Tensor]:
        return list(model(torch.stack(images)))

    with job.lease(self.model) as model:
        answer = job.batched(model, logits, image)

`logits` must be a module-level function that treats each item alone: its answers must not depend on what else is in
the batch (so a network in eval mode). Knows nothing of runs or models.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

from backends.core.cancellation import Cancellation
from backends.core.errors import Cancelled

A = TypeVar("A")
B = TypeVar("B")

_POLL = 0.05  # seconds between looks at the cancellation while another's batch computes

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class _Request(Generic[A, B]):
    item: A
    visitor: str
    cancellation: Cancellation
    ended: bool = False
    answer: B | None = None
    error: Exception | None = None


class Batcher(Generic[A, B]):
    """Collects items for up to `window_ms`, or until `max_batch` are there, and answers them with one call of `fn`.

    fn: items -> as many answers, in order. crowd: how many requests could be there at most at this moment; nobody waits
    for more than that, so a lone request is not delayed. The first to come does the work for all; no thread is kept.
    """

    def __init__(
        self,
        fn: Callable[[Sequence[A]], Sequence[B]],
        max_batch: int = 16,
        window_ms: float = 4.0,
        crowd: Callable[[], int] | None = None,
    ) -> None:
        self._fn = fn
        self._max = max_batch
        self._window = window_ms / 1000
        self._crowd = crowd or (lambda: max_batch)
        self._waiting: list[_Request[A, B]] = []
        self._computing = False
        self._changed = threading.Condition()

    def __call__(self, item: A, *, visitor: str = "", cancellation: Cancellation | None = None) -> B:
        """The answer to one item. Raises what `fn` raises for it, and Cancelled when its run is stopped."""
        request: _Request[A, B] = _Request(item, visitor, cancellation or Cancellation())
        with self._changed:
            self._waiting.append(request)
            self._changed.notify_all()
        while not self._ended_or_mine(request):
            batch = self._gather()
            try:
                self._answer(batch)
            finally:
                self._hand_over()
        if request.error is not None:
            raise request.error
        return request.answer  # type: ignore[return-value]  # ended without an error: `fn` gave it

    def _ended_or_mine(self, request: _Request[A, B]) -> bool:
        """Wait until the request has ended (True), or until it is its caller's turn to compute (False)."""
        with self._changed:
            while not request.ended:
                if request.cancellation.requested:
                    if request in self._waiting:
                        self._waiting.remove(request)
                    raise Cancelled
                if not self._computing:
                    self._computing = True
                    return False
                self._changed.wait(_POLL)
            return True

    def _gather(self) -> list[_Request[A, B]]:
        """Wait for company, then take up to `max_batch`, round robin between visitors, without those cancelled."""
        with self._changed:
            until = time.monotonic() + self._window
            while len(self._waiting) < min(self._max, self._crowd()):
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            live = [request for request in self._waiting if not request.cancellation.requested]
            batch = _in_turns(live)[: self._max]
            self._waiting = [request for request in live if request not in batch]
            return batch

    def _answer(self, batch: list[_Request[A, B]]) -> None:
        try:
            if batch:
                self._compute(batch)
        except Exception as err:  # noqa: BLE001 - the boundary to `fn`; one bad item must not fail its neighbours
            if len(batch) == 1:
                batch[0].ended, batch[0].error = True, err
                return
            log.warning("batch failed, one by one now", size=len(batch), error=type(err).__name__)
            for request in batch:
                self._answer([request])

    def _compute(self, batch: list[_Request[A, B]]) -> None:
        answers = self._fn([request.item for request in batch])
        if len(answers) != len(batch):
            raise ValueError(f"{len(batch)} items, but {len(answers)} answers")
        for request, answer in zip(batch, answers, strict=True):
            request.ended, request.answer = True, answer

    def _hand_over(self) -> None:
        with self._changed:
            self._computing = False
            self._changed.notify_all()


@dataclass
class Batches:
    """The batchers in use, by key. One exists only while somebody is in it, so it keeps no model in memory."""

    crowd: Callable[[], int]
    _open: dict[Hashable, tuple[Batcher[Any, Any], int]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def call(
        self,
        model: Any,
        fn: Callable[[Any, Sequence[Any]], Sequence[Any]],
        item: Any,
        *,
        visitor: str,
        cancellation: Cancellation,
        max_batch: int,
        window_ms: float,
    ) -> Any:
        """The answer of fn(model, [.., item, ..]) to `item`. Requests meet when model and fn are the same objects."""
        key = (id(model), fn, max_batch)  # every caller holds the model, so its id cannot be another's meanwhile
        with self._lock:
            batcher, users = self._open.get(key) or (
                Batcher(lambda items: fn(model, items), max_batch, window_ms, self.crowd),
                0,
            )
            self._open[key] = (batcher, users + 1)
        try:
            return batcher(item, visitor=visitor, cancellation=cancellation)
        finally:
            with self._lock:
                batcher, users = self._open.pop(key)
                if users > 1:
                    self._open[key] = (batcher, users - 1)


def _in_turns(requests: Sequence[_Request[A, B]]) -> list[_Request[A, B]]:
    """Round robin between visitors; each visitor's own stay in order."""
    depth: dict[str, int] = {}
    ranked: list[tuple[int, int, _Request[A, B]]] = []
    for place, request in enumerate(requests):
        depth[request.visitor] = depth.get(request.visitor, 0) + 1
        ranked.append((depth[request.visitor], place, request))
    return [request for _, _, request in sorted(ranked, key=lambda entry: entry[:2])]

"""Threads that take tasks from a fair queue and do them. Knows nothing of runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from backends.runtime.failures import where
from backends.runtime.queue import FairQueue

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Workers(Generic[T]):
    """`count` daemon threads named after `name`. do: does one task; what it raises is logged and forgotten."""

    def __init__(self, name: str, count: int, queue: FairQueue[T], do: Callable[[T], None]) -> None:
        self._queue = queue
        self._do = do
        self._busy: dict[int, T] = {}
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, name=f"{name}-{i}", daemon=True) for i in range(count)]

    def start(self) -> None:
        """Start the threads, once."""
        for thread in self._threads:
            thread.start()

    @property
    def count(self) -> int:
        """Threads that are alive."""
        return sum(thread.is_alive() for thread in self._threads)

    @property
    def size(self) -> int:
        """Threads that there should be."""
        return len(self._threads)

    def busy(self) -> list[T]:
        """What is being done now."""
        with self._lock:
            return list(self._busy.values())

    def join(self, seconds: float) -> list[str]:
        """Wait until all have ended, which they do once the queue is closed; the names of those that have not."""
        until = time.monotonic() + seconds
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]

    def _work(self) -> None:
        ident = threading.get_ident()
        while (taken := self._queue.take()) is not None:
            visitor, task = taken
            with self._lock:
                self._busy[ident] = task
            try:
                self._do(task)
            except BaseException as err:  # noqa: BLE001 - the last boundary: a task's failure must not end its worker
                log.error("a task escaped", error=type(err).__name__, where=where(err))
            finally:
                with self._lock:
                    del self._busy[ident]
                self._queue.done(visitor, task)
            del taken, task  # an idle worker keeps nothing of its last task in memory

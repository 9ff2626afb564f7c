"""The only way to a model: a context manager that holds it, and gives it back whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

from backends.core.errors import OutOfMemory
from backends.registry import memory
from backends.registry.entry import Entry

Value = TypeVar("Value")


@dataclass(frozen=True)
class Desk:
    """What a lease needs of the registry.

    acquire: waits and returns the entry. release: gives it back. ran_out: evicts idle models and returns the error
    that tells about it, by the bytes asked for. retry: runs a function, with one more try when memory runs out.
    """

    acquire: Callable[[], Entry]
    release: Callable[[Entry], None]
    ran_out: Callable[[Entry, int], OutOfMemory]
    retry: Callable[[Entry, Callable[[], Any]], Any]


class Lease(AbstractContextManager[Any]):
    """`with registry.lease(id) as model:`; used once, by one thread. The object must not be kept after the block.

    Entering raises Busy, Cancelled or ModelError. Where memory runs out inside the block, idle models are evicted and
    the block raises OutOfMemory; work that can simply be done again goes through `retrying`.
    Leasing an exclusive model inside a lease of it waits for itself until the deadline, then raises Busy.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._entry: Entry | None = None

    def __enter__(self) -> Any:
        entry = self._desk.acquire()
        if entry.card.fork is None:
            self._entry = entry
            return entry.model
        try:
            copy = entry.card.fork(entry.model)
        except BaseException:
            self._desk.release(entry)
            raise
        self._entry = entry
        return copy

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        entry, self._entry = self._entry, None
        if entry is None:
            return
        self._desk.release(entry)
        if error is not None and memory.is_out_of_memory(error):
            asked = memory.asked_for(error)
            memory.forget(error)
            raise self._desk.ran_out(entry, asked) from None

    def retrying(self, fn: Callable[[], Value]) -> Value:
        """`fn()`; when memory runs out, evict idle models and call it once more. Raises OutOfMemory if that fails too.

        `fn` must be safe to call twice.
        """
        if self._entry is None:
            raise RuntimeError("retrying is for use inside the lease's block")
        value: Value = self._desk.retry(self._entry, fn)
        return value

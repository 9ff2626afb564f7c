"""What a run says, for any number of watchers who come, leave and come back.

Only the latest of each thing is kept (progress; an output by its name), so history is bounded, a late watcher is told
what still holds, and a slow one skips what has been replaced. It knows nothing of runs.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

E = TypeVar("E")


class Stream(Generic[E]):
    """Events under keys; a later event of the same key replaces the earlier one. Thread-safe."""

    def __init__(self) -> None:
        self._latest: dict[Hashable, tuple[int, E]] = {}  # in order of version, which counts all events ever posted
        self._version = 0
        self._closed = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def post(self, key: Hashable, event: E) -> None:
        """Tell all watchers; nothing happens once the stream is closed."""
        with self._changed:
            if not self._closed:
                self._put(key, event)

    def end(self, last: E) -> None:
        """Post the last event and close; nothing happens if it is closed already."""
        with self._changed:
            if not self._closed:
                self._put("end", last)
                self._closed = True

    def close(self, error: BaseException | None = None) -> None:
        """Close: watchers see what was posted, then end, or have `error` raised at once."""
        with self._changed:
            if not self._closed:
                self._closed = True
                self._error = error
                self._changed.notify_all()

    def latest(self, key: Hashable) -> E | None:
        """What was last posted under the key; None before that."""
        with self._changed:
            _, event = self._latest.get(key, (0, None))
            return event

    def follow(self) -> Iterator[E]:
        """What still holds, then all that comes, until the end."""
        seen = 0
        while True:
            with self._changed:
                while not self._closed and self._version == seen:
                    self._changed.wait()
                if self._error is not None:
                    raise self._error
                fresh = [event for version, event in self._latest.values() if version > seen]
                seen, closed = self._version, self._closed
            yield from fresh
            if closed:
                return

    def _put(self, key: Hashable, event: E) -> None:
        self._version += 1
        self._latest.pop(key, None)
        self._latest[key] = (self._version, event)
        self._changed.notify_all()

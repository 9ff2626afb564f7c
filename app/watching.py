"""Following runs from asynchronous code: the runtime's blocking iterators, each on a thread of its own.

They must not sit on the threads that serve files and short requests: a few people watching would stop the pages.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

from backends.core.errors import Busy, VitrineError
from backends.runtime.executor import Final, RunEvent
from backends.runtime.lab import Lab
from backends.store.values import Run

_AT_ONCE = 256  # watchers, each a thread that sleeps: about 100 kB


class Watchers:
    """Turns `runtime.watch` into asynchronous iterators, up to a number at once."""

    def __init__(self, lab: Lab, at_once: int = _AT_ONCE) -> None:
        self._lab = lab
        self._free = threading.BoundedSemaphore(at_once)

    async def watch(self, run_id: str, visitor: str) -> AsyncIterator[RunEvent]:
        """The run's events to its end. Raises NotFound, and Busy when too many are watching."""
        events = self._lab.runtime.watch(run_id, visitor)
        if not self._free.acquire(blocking=False):
            raise Busy("Too many are watching runs right now.", retry_after=5.0)
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[RunEvent | VitrineError | None] = asyncio.Queue()
        gone = threading.Event()
        thread = threading.Thread(
            target=self._pump, args=(events, loop, queue, gone), name="vitrine-watch", daemon=True
        )
        thread.start()
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, VitrineError):
                    raise item
                yield item
        finally:
            gone.set()

    async def wait(self, run: Run, visitor: str, seconds: float) -> Run:
        """The run once it has ended, or as it is after so many seconds."""
        if run.ended or seconds <= 0:
            return run
        try:
            async with asyncio.timeout(seconds):
                async for event in self.watch(run.id, visitor):
                    if isinstance(event, Final):
                        return event.run
        except TimeoutError:
            pass
        return self._lab.store.runs.get(run.id, visitor)

    def _pump(
        self,
        events: Iterator[RunEvent],
        loop: asyncio.AbstractEventLoop,
        queue: asyncio.Queue[RunEvent | VitrineError | None],
        gone: threading.Event,
    ) -> None:
        """On the watcher's thread: hand events over until the end, or until nobody listens any more."""
        last: VitrineError | None = None
        try:
            for event in events:
                if gone.is_set():
                    return
                _hand_over(loop, queue, event)
        except VitrineError as err:
            last = err
        finally:
            self._free.release()
            if last is not None:
                _hand_over(loop, queue, last)
            _hand_over(loop, queue, None)


def _hand_over(
    loop: asyncio.AbstractEventLoop,
    queue: asyncio.Queue[RunEvent | VitrineError | None],
    item: RunEvent | VitrineError | None,
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(queue.put_nowait, item)

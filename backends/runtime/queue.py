"""A bounded queue that is fair between visitors: round robin between them, first in first out within one.

It knows nothing of runs or models. One lock guards all of it; nothing is called while it is held but `estimate`.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from backends.core.errors import Busy

T = TypeVar("T")

_RESTART = 30.0  # seconds until a server that was stopped is usually back


class FairQueue(Generic[T]):
    """Items of visitors, in the order in which they should start.

    The next item is the oldest of the visitor who has the fewest running; among equals, of who was served longest ago.
    A visitor who joins stands behind those already waiting for their first turn, so nobody starves.
    total, per_visitor: how many items may wait. estimate: given the items that go first, seconds until the next one
    after them starts. long: whether an item may take minutes; at most `long_at_once` such run at a time, and while
    they do, what waits behind a long one may go before it.
    """

    def __init__(
        self,
        *,
        total: int,
        per_visitor: int,
        estimate: Callable[[Sequence[T]], float],
        long: Callable[[T], bool] = lambda _: False,
        long_at_once: int = 1,
    ) -> None:
        self._total = total
        self._per_visitor = per_visitor
        self._estimate = estimate
        self._long = long
        self._long_left = long_at_once
        self._lines: dict[str, deque[T]] = {}
        self._turns: dict[str, int] = {}
        self._running: dict[str, int] = {}
        self._urgent: deque[T] = deque()
        self._clock = itertools.count()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, visitor: str, item: T) -> None:
        """Let it wait its turn. Raises Busy, which says in how many seconds a place comes free."""
        with self._changed:
            self._refuse_if_full(visitor)
            if visitor not in self._lines:
                self._lines[visitor] = deque()
                self._turns[visitor] = next(self._clock)
            self._lines[visitor].append(item)
            self._changed.notify()

    def check(self, visitor: str) -> None:
        """Raises Busy as `put` would now."""
        with self._changed:
            self._refuse_if_full(visitor)

    def put_first(self, item: T) -> None:
        """Hand it to the next worker that is free, outside all bounds (a health check)."""
        with self._changed:
            self._urgent.append(item)
            self._changed.notify()

    def take(self) -> tuple[str, T] | None:
        """The next (visitor, item), waiting for one; None once the queue is closed. Call `done` when it has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._urgent or self._ready())
            if self._closed:
                return None
            visitor, item = ("", self._urgent.popleft()) if self._urgent else self._pop()
            self._long_left -= self._long(item)
            self._running[visitor] = self._running.get(visitor, 0) + 1
            return visitor, item

    def done(self, visitor: str, item: T) -> None:
        """An item of this visitor that was taken has ended."""
        with self._changed:
            if self._long(item):
                self._long_left += 1
                self._changed.notify()
            self._running[visitor] -= 1
            if not self._running[visitor]:
                del self._running[visitor]

    def remove(self, item: T) -> bool:
        """Take it out before it starts; False when it is no longer waiting."""
        with self._changed:
            if item in self._urgent:
                self._urgent.remove(item)
                return True
            for visitor, line in self._lines.items():
                if item in line:
                    line.remove(item)
                    self._drop_empty(visitor)
                    return True
            return False

    def waiting(self) -> list[tuple[str, T]]:
        """All (visitor, item) that wait, in the order in which they would start if nobody else came.

        A long one may be told a place too early: those behind it go first while it must wait.
        """
        with self._changed:
            return self._order()

    def __len__(self) -> int:
        with self._changed:
            return sum(map(len, self._lines.values()))

    def close(self) -> None:
        """Hand out nothing more; whoever waits in `take` gets None. What still waits stays in `waiting`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _ready(self) -> dict[str, T]:
        """Visitor -> the item of theirs that may start now, if there is one."""
        if self._long_left > 0:
            return {visitor: line[0] for visitor, line in self._lines.items()}
        short = (
            (name, next((item for item in line if not self._long(item)), None)) for name, line in self._lines.items()
        )
        return {visitor: item for visitor, item in short if item is not None}

    def _pop(self) -> tuple[str, T]:
        ready = self._ready()
        visitor = min(ready, key=lambda name: (self._running.get(name, 0), self._turns[name]))
        self._lines[visitor].remove(ready[visitor])
        self._turns[visitor] = next(self._clock)
        self._drop_empty(visitor)
        return visitor, ready[visitor]

    def _drop_empty(self, visitor: str) -> None:
        if not self._lines[visitor]:
            del self._lines[visitor], self._turns[visitor]

    def _order(self) -> list[tuple[str, T]]:
        """What `_pop` would hand out if nothing ended meanwhile."""
        heads = [(self._running.get(name, 0), turn, name, 0) for name, turn in self._turns.items()]
        heapq.heapify(heads)
        turn = itertools.count(max(self._turns.values(), default=0) + 1)
        order: list[tuple[str, T]] = []
        while heads:
            running, _, visitor, place = heapq.heappop(heads)
            line = self._lines[visitor]
            order.append((visitor, line[place]))
            if place + 1 < len(line):
                heapq.heappush(heads, (running + 1, next(turn), visitor, place + 1))
        return order

    def _refuse_if_full(self, visitor: str) -> None:
        if self._closed:
            raise Busy("This server is about to stop and takes no new work.", retry_after=_RESTART)
        own = len(self._lines.get(visitor, ()))
        if own >= self._per_visitor:
            ahead = [item for _, item in itertools.takewhile(lambda entry: entry[0] != visitor, self._order())]
            raise Busy(f"You have {own} runs waiting, which is the most at a time.", retry_after=self._estimate(ahead))
        if sum(map(len, self._lines.values())) >= self._total:
            raise Busy("Too many runs are waiting here just now.", retry_after=self._estimate([]))

"""What the registry keeps about one model, about one who waits for it, and about one kind of memory.

All of it is guarded by `Registry._lock`; nothing here locks, waits, loads or frees.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from backends.core.errors import VitrineError
from backends.registry.catalogue import ModelCard
from backends.registry.progress import Progress
from backends.registry.status import MemoryStatus, ModelStatus, Phase, Reason, State

Survivors = list[Callable[[], Any]]  # weak references to what did not die when a model was freed


@dataclass
class Pool:
    """One kind of memory. budget: bytes that models may hold of it."""

    name: Literal["RAM", "VRAM"]
    budget: int
    resident: int = 0
    loading: int = 0

    @property
    def free(self) -> int:
        """What is left of the budget; below zero where a model took more than its card said."""
        return self.budget - self.resident - self.loading

    def status(self, allocated: int) -> MemoryStatus:
        """As plain data."""
        return MemoryStatus(self.name, self.budget, self.resident, self.loading, max(0, self.free), allocated)


class Ticket:
    """One who waits for a model. Its outcome is either a granted lease or an error; `ready` is told when it is there.

    number: the order of arrival, over all models.
    """

    def __init__(self, lock: threading.Lock, number: int) -> None:
        self.number = number
        self.ready = threading.Condition(lock)
        self.granted = False
        self.error: VitrineError | None = None

    @property
    def settled(self) -> bool:
        """Whether there is an outcome."""
        return self.granted or self.error is not None

    def grant(self) -> None:
        """The lease is theirs."""
        self.granted = True
        self.ready.notify()

    def fail(self, error: VitrineError) -> None:
        """They will get this error."""
        self.error = error
        self.ready.notify()


@dataclass
class Flight:
    """One load under way, however many wait for it. unload: somebody asked for it to leave again once it was used."""

    progress: Progress
    unload: bool = False


@dataclass
class Tally:
    """Counters of one model since the start."""

    hits: int = 0
    misses: int = 0
    loads: int = 0
    failures: int = 0
    load_seconds: float = 0.0
    last_load_seconds: float = 0.0
    oom: int = 0
    leaks: int = 0
    evictions: Counter[Reason] = field(default_factory=Counter)


@dataclass
class Entry:
    """One model. model: the object while it is here. bytes: what it holds of its pool. releasing_since: by the clock.

    retiring: why it will leave at its last release. turn: grows with each use; the smallest is the least recent.
    """

    card: ModelCard
    pool: Pool
    device: str
    model: Any = None
    bytes: int = 0
    leases: int = 0
    retiring: Reason | None = None
    releasing_since: float | None = None
    flight: Flight | None = None
    tickets: list[Ticket] = field(default_factory=list)
    turn: int = 0
    last_use: float = 0.0
    error: str = ""
    revision: str = ""
    commit: str = ""
    fetched: tuple[int, int] = (0, 0)
    survivors: Survivors = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    @property
    def id(self) -> str:
        """The model's id."""
        return self.card.id

    @property
    def state(self) -> State:
        """Derived, so that it cannot contradict the facts."""
        if self.flight is not None:
            return "loading"
        if self.releasing_since is not None:
            return "releasing"
        if self.model is not None:
            return "resident" if not self.leases else "retiring" if self.retiring else "leased"
        if self.tickets:
            return "waiting"
        return "failed" if self.error else "absent"

    @property
    def idle(self) -> bool:
        """Here, and nobody uses it or is about to: may be evicted."""
        return self.model is not None and not self.leases and not self.tickets

    @property
    def open(self) -> bool:
        """Whether a lease can be granted now."""
        return self.model is not None and not self.retiring and not (self.card.exclusive and self.leases)

    @property
    def wanted(self) -> bool:
        """Not here, not coming, not leaving, and somebody waits for it."""
        return bool(self.tickets) and self.state == "waiting"

    def take_leaks(self) -> list[str]:
        """The types of what still lives although the model was freed a sweep ago; each is told once."""
        found = [type(reference()).__name__ for reference in self.survivors if reference() is not None]
        self.survivors = []
        self.tally.leaks += bool(found)
        return sorted(set(found))

    def status(self, now: float) -> ModelStatus:
        """As plain data."""
        progress = self.flight.progress if self.flight else None
        phase: Phase = progress.phase if progress else ""
        done, total = (progress.done, progress.total) if progress else self.fetched
        tally = self.tally
        return ModelStatus(
            id=self.id,
            title=self.card.title,
            task=self.card.task,
            state=self.state,
            phase=phase,
            device=self.device,
            memory=self.pool.name,
            bytes=self.bytes,
            declared_bytes=self.card.bytes,
            leases=self.leases,
            waiting=len(self.tickets),
            hits=tally.hits,
            misses=tally.misses,
            loads=tally.loads,
            failures=tally.failures,
            load_seconds=tally.load_seconds,
            last_load_seconds=tally.last_load_seconds,
            evictions=dict(tally.evictions),
            oom_total=tally.oom,
            leaks=tally.leaks,
            download_done=done,
            download_total=total,
            revision=self.revision,
            commit=self.commit,
            idle_for=now - self.last_use if self.state == "resident" else None,
            error=self.error,
        )

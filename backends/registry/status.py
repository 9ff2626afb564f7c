"""What the registry says about itself: frozen plain data for a page, for Prometheus and for the command line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

State = Literal["absent", "waiting", "loading", "resident", "leased", "retiring", "releasing", "failed"]
Phase = Literal["", "fetching", "verifying", "queued", "constructing"]
Reason = Literal["budget", "idle", "unload", "oom", "close"]


@dataclass(frozen=True)
class ModelStatus:
    """One model.

    state: absent; waiting (asked for, no room yet); loading; resident (idle); leased; retiring (leased, and leaves at
    its last release); releasing; failed (absent, and the last load failed: `error` is its sentence).
    phase: of a load; queued is waiting for the construction lock. bytes: held now, in the memory that `memory` names.
    download_done, download_total: bytes of the Hub's files. commit: what a Hub revision was resolved to.
    load_seconds: of all loads together. idle_for: seconds since the last use; None unless resident.
    """

    id: str
    title: str
    task: str
    state: State
    phase: Phase
    device: str
    memory: Literal["RAM", "VRAM"]
    bytes: int
    declared_bytes: int
    leases: int
    waiting: int
    hits: int
    misses: int
    loads: int
    failures: int
    load_seconds: float
    last_load_seconds: float
    evictions: Mapping[Reason, int]
    oom_total: int
    leaks: int
    download_done: int
    download_total: int
    revision: str
    commit: str
    idle_for: float | None
    error: str


@dataclass(frozen=True)
class MemoryStatus:
    """One kind of memory, in bytes. budget: what models may hold. resident: held by models that are there or leaving.
    loading: set aside for loads under way. free: what is left of the budget (never negative). allocated: what the
    process holds of it for all purposes (resident set size; CUDA's own count), or 0 where that cannot be told.
    """

    name: Literal["RAM", "VRAM"]
    budget: int
    resident: int
    loading: int
    free: int
    allocated: int


@dataclass(frozen=True)
class RegistryStatus:
    """All of it. queue_depth: leases that are waiting. Totals are sums over the models."""

    device: str
    ram: MemoryStatus
    vram: MemoryStatus
    models: tuple[ModelStatus, ...]

    @property
    def hits(self) -> int:
        """Leases that found their model in memory."""
        return sum(model.hits for model in self.models)

    @property
    def misses(self) -> int:
        """Leases that had to wait for a load."""
        return sum(model.misses for model in self.models)

    @property
    def loads(self) -> int:
        """Loads that succeeded."""
        return sum(model.loads for model in self.models)

    @property
    def load_seconds(self) -> float:
        """Seconds spent in loads that succeeded."""
        return sum(model.load_seconds for model in self.models)

    @property
    def leases(self) -> int:
        """Leases held now."""
        return sum(model.leases for model in self.models)

    @property
    def queue_depth(self) -> int:
        """Leases waiting now."""
        return sum(model.waiting for model in self.models)

    @property
    def oom_total(self) -> int:
        """Times memory ran out, at load or inference."""
        return sum(model.oom_total for model in self.models)

    @property
    def evictions(self) -> Mapping[Reason, int]:
        """Models that left memory, by reason."""
        total: Counter[Reason] = Counter()
        for model in self.models:
            total.update(model.evictions)
        return dict(total)

    def model(self, model_id: str) -> ModelStatus:
        """The status of one model. Raises KeyError."""
        return {model.id: model for model in self.models}[model_id]


@dataclass(frozen=True)
class RegistryHealth:
    """Whether the registry does its work. stalled: models whose load or release has stopped moving."""

    ok: bool
    sentence: str
    stalled: tuple[str, ...] = ()

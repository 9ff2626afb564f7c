"""The registry as a state machine drives it: what is held, what is under way, what must always be true."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from backends.core.errors import Busy, OutOfMemory
from backends.registry.status import RegistryStatus
from tests.backends.registry.support import Crowd, Model, Workshop, until

# name: bytes on the card, bytes in truth, where, exclusive. Budgets are 100 of RAM and 60 of VRAM.
MODELS = {
    "a": (40, 40, "cpu", False),
    "b": (40, 40, "cpu", False),
    "c": (30, 55, "cpu", False),  # its card says less than it takes
    "d": (60, 60, "cpu", True),
    "e": (35, 35, "", False),
    "f": (40, 40, "", False),
    "g": (500, 500, "cpu", False),  # fits nowhere
}
ALWAYS_FITS = sorted(set(MODELS) - {"g"})


class Sized(Model):
    """A model whose size can be measured, and which knows whether it has been freed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.freed = False
        storage = SimpleNamespace(data_ptr=lambda: id(self), nbytes=lambda: MODELS[name][1])
        self._tensor = SimpleNamespace(untyped_storage=lambda: storage, is_cuda=False)

    def parameters(self) -> list[Any]:
        return [self._tensor]

    def buffers(self) -> list[Any]:
        return []


class Driven(RuleBasedStateMachine):
    """A registry, what the test holds of it, and what must be true of it at any moment. The rules come on top."""

    steps: ClassVar[int] = 0
    entered: ClassVar[Counter[str]] = Counter()
    folder: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        type(self).steps -= 1  # what must hold is also asked before the first step
        self.now = 0.0
        self.workshop = Workshop(self.folder)
        self.workshop.build = Sized
        self.workshop.on_load = self._see
        cards = [
            self.workshop.card(name, said, device=device, exclusive=exclusive)
            for name, (said, _, device, exclusive) in MODELS.items()
        ]
        self.seen: dict[str, str] = {}
        self.held: list[tuple[str, Any, Sized]] = []
        self.slow: tuple[str, threading.Event, Crowd] | None = None
        self.waiting: tuple[str, Crowd] | None = None
        self.violations: list[str] = []
        self.registry = self.workshop.registry(
            cards,
            ram_budget=100,
            vram_budget=60,
            device="cuda:0",
            clock=lambda: self.now,
            idle_seconds=50.0,
            free=self._free,
        )
        self.quiet = self.registry.status()  # as it was when the last step had had all its effects

    # What the registry calls back.

    def _see(self, _: str = "") -> None:
        """Count the states that models newly enter. Called by loaders too: proof that they run without the lock."""
        status = self.registry.status()
        for model in status.models:
            if self.seen.get(model.id) != model.state:
                self.seen[model.id] = model.state
                type(self).entered[model.state] += 1
        self._judge(status)

    def _judge(self, status: RegistryStatus) -> None:
        """Models fit their budget, unless all that are here are in use or on their way out. At any moment.

        Noted rather than raised: the registry survives, and hides, what raises in its callbacks.
        """
        for pool in (status.ram, status.vram):
            here = [model for model in status.models if model.memory == pool.name]
            loading = sum(model.declared_bytes for model in here if model.state == "loading")
            if (pool.resident, pool.loading) != (sum(model.bytes for model in here), loading):
                self.violations.append(f"the sums of {pool} are not those of {here}")
            leaving = sum(model.bytes for model in here if model.state == "releasing")
            over = pool.resident + pool.loading - leaving > pool.budget
            if over and any(model.state == "resident" for model in here):
                self.violations.append(f"{pool} is over its budget with idle models: {here}")

    def _free(self, box: list[Any]) -> list[Any]:
        model = box[0]
        if model.freed or any(model is held for _, _, held in self.held):
            self.violations.append(f"{model.name} was released while leased, or twice")
        self._see()
        model.freed = True
        box.clear()
        return []

    # What the rules ask.

    def _state(self, name: str) -> str:
        return self.registry.status().model(f"test/{name}").state

    def _cold(self) -> list[str]:
        """The models of which a load would begin at once."""
        return [name for name in self._absent() if self._can(name)]

    def _without_room(self) -> list[str]:
        """The models for which a lease would have to wait for room."""
        return [name for name in self._absent() if not self._can(name)]

    def _absent(self) -> list[str]:
        return [name for name in ALWAYS_FITS if self.quiet.model(f"test/{name}").state in ("absent", "failed")]

    def _can(self, name: str) -> bool:
        """Whether a lease of this model must be granted without anybody giving anything back."""
        model = self.quiet.model(f"test/{name}")
        if model.state in ("resident", "leased"):
            return not (MODELS[name][3] and model.leases)
        if model.state not in ("absent", "failed") or self.slow:  # a slow load holds the construction lock
            return False
        budget = {"RAM": self.quiet.ram, "VRAM": self.quiet.vram}[model.memory].budget
        here = [other for other in self.quiet.models if other.memory == model.memory]
        stuck = sum(other.bytes for other in here if other.leases or other.waiting)
        return stuck + model.declared_bytes <= budget

    def _quiesce(self) -> None:
        """Until nothing moves but what a rule holds back."""
        held_back = {f"test/{self.slow[0]}"} if self.slow else set()
        if self.slow and self.waiting:  # given room meanwhile, it waits for its turn to be constructed
            held_back.add(f"test/{self.waiting[0]}")

        def still() -> bool:
            status = self.registry.status()
            lurking = self.waiting is not None and self.waiting[1].threads[0].is_alive()
            if lurking and self.waiting and not status.model(f"test/{self.waiting[0]}").waiting:
                return False  # it has its lease, and is about to give it back
            moving = [model.id for model in status.models if model.state in ("releasing", "loading")]
            return set(moving) <= held_back

        until(still)
        self.quiet = self.registry.status()
        if self.waiting and not self.waiting[1].threads[0].is_alive():
            assert not self.waiting[1].errors
            self.waiting = None
        self._see()

    def _take(self, name: str) -> None:
        lease = self.registry.lease(f"test/{name}", deadline=10.0 if self._can(name) else 0.0)
        expected = (OutOfMemory,) if name == "g" else () if self._can(name) else (Busy,)
        try:
            model = lease.__enter__()
        except expected:
            assert expected
        else:
            assert not expected, f"{name} was granted"
            assert not model.freed
            self.held.append((name, lease, model))

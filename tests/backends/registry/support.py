"""Models that a test builds, and loaders that do what it says: wait, fail, run out of memory, count."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from backends.registry.catalogue import Bundled, Catalogue, ModelCard
from backends.registry.manifest import Manifest
from backends.registry.registry import Registry

PATIENCE = 20.0  # seconds after which a test gives up on another thread


def write_weights(folder: Path, shapes: dict[str, tuple[int, ...]] | None = None) -> Path:
    """A weight folder with one safetensors file and its manifest."""
    import numpy as np
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: np.ones(shape, np.float32) for name, shape in (shapes or {"w": (2, 3)}).items()}
    save_file(arrays, folder / "model.safetensors")
    Manifest.of(folder).write(folder)
    return folder


class Model:
    """What the workshop's loaders return."""

    def __init__(self, name: str) -> None:
        self.name = name


class Workshop:
    """Makes cards whose loading the test controls.

    loads: how often each loader ran to its end. trouble: exceptions that the next loads of a model raise, in order.
    gates: a loader waits for its model's gate; `entered` says that it has come there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = write_weights(folder)
        self.loads: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self.trouble: dict[str, list[BaseException]] = {}
        self.gates: dict[str, threading.Event] = {}
        self.entered: dict[str, threading.Event] = {}
        self.on_load: Callable[[str], None] = lambda _: None
        self.build: Callable[[str], Any] = Model

    def close_gate(self, name: str) -> threading.Event:
        """The next load of `name` waits for the event that this returns."""
        self.entered[name] = threading.Event()
        self.gates[name] = threading.Event()
        return self.gates[name]

    def await_load(self, name: str) -> None:
        """Until a loader stands at the closed gate."""
        assert self.entered[name].wait(PATIENCE)

    def card(self, name: str, size: int = 100, **more: Any) -> ModelCard:
        """A card with the id 'test/<name>'."""
        facts = {
            "id": f"test/{name}",
            "title": name.title(),
            "task": "image-classification",
            "domain": "test",
            "family": "None",
            "parameters": 6,
            "bytes": size,
            "licence": "MIT",
            "source": Bundled(self.folder),
            "loader": self.loader(name),
        }
        return ModelCard(**{**facts, **more})

    def registry(self, cards: Iterable[ModelCard], **more: Any) -> Registry:
        """A registry of these cards; memory is plentiful unless the test says otherwise."""
        return Registry(Catalogue(cards), **{"ram_budget": 1000, "available": lambda _: 2**60, **more})

    def loader(self, name: str) -> Callable[[Path, str], Any]:
        """The loader of 'test/<name>'."""

        def load(_: Path, __: str) -> Any:
            self.calls[name] += 1
            self.on_load(name)
            gate = self.gates.get(name)
            if gate is not None:
                self.entered[name].set()
                assert gate.wait(PATIENCE)
            if self.trouble.get(name):
                raise self.trouble[name].pop(0)
            self.loads[name] += 1
            return self.build(name)

        return load


class Crowd:
    """Threads that do one thing each; their results and errors, in the order of starting."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []
        self.results: dict[int, Any] = {}
        self.errors: dict[int, BaseException] = {}

    def start(self, work: Callable[[], Any], count: int = 1) -> None:
        """Start `count` threads on `work`."""
        for _ in range(count):
            number = len(self.threads)
            thread = threading.Thread(target=self._run, args=(number, work), daemon=True)
            self.threads.append(thread)
            thread.start()

    def join(self) -> None:
        """Until all have ended."""
        for thread in self.threads:
            thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in self.threads), "a thread hangs"

    def _run(self, number: int, work: Callable[[], Any]) -> None:
        try:
            self.results[number] = work()
        except Exception as err:
            self.errors[number] = err


def hold(stack: ExitStack, registry: Registry, name: str, **more: Any) -> Any:
    """Lease 'test/<name>' until the stack closes."""
    return stack.enter_context(registry.lease(f"test/{name}", **more))


def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something that other threads bring about and that no event tells."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.0005)

"""Tiny models of real architectures, cards for them, and a progress that remembers."""

from __future__ import annotations

from typing import Any

from backends.registry.catalogue import Catalogue, Hub, ModelCard
from backends.registry.hub import HubCache
from backends.registry.loaders import hub_loader
from backends.registry.progress import Progress
from backends.registry.registry import Registry

WEIGHTS = "model.safetensors"


def card(
    name: str = "bert", auto_class: str = "AutoModelForSequenceClassification", revision: str = "main"
) -> ModelCard:
    return ModelCard(
        id=f"test/{name}",
        title=name.title(),
        task="text-classification",
        domain="test",
        family=name,
        parameters=1,
        bytes=1_000_000,
        licence="MIT",
        source=Hub(f"tiny/{name}", revision),
        loader=hub_loader(auto_class),
    )


def registry_of(cache: HubCache | None, *cards: ModelCard) -> Registry:
    return Registry(Catalogue(cards), ram_budget=10**9, hub=cache)


class Watched(Progress):
    """A progress that remembers every figure it showed."""

    def __init__(self, **more: Any) -> None:
        super().__init__(lambda: 0.0, **more)
        self.shown: list[tuple[int, int]] = []
        self.moves = 0

    def moved(self, _: int = 0) -> None:
        super().moved()
        self.moves += 1

    def expect(self, done: int, total: int) -> None:
        super().expect(done, total)
        self.shown.append((self.done, self.total))

    def fetched(self, count: int) -> None:
        super().fetched(count)
        self.shown.append((self.done, self.total))

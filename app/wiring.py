"""Puts the parts together: finds the playgrounds and their models, opens the store, and makes the Lab.

A playground is a folder under backends/ with a playground.py (PLAYGROUND); its models.py (models()) is optional.
Nothing here is imported by name, so a new folder needs no change in the app.
"""

from __future__ import annotations

import importlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from app.settings import ROOT, Settings
from app.version import VERSION
from backends.core.identity import Identity
from backends.core.playground import Actions, Playground
from backends.registry.catalogue import Catalogue, ModelCard
from backends.registry.hub import HubCache
from backends.registry.registry import Registry
from backends.runtime.lab import Lab
from backends.runtime.local import LocalRuntime
from backends.store.store import Store

_GIB = 2**30


def build_lab(settings: Settings, more: tuple[Playground, ...] = ()) -> Lab:
    """The whole laboratory, not started yet. more: playgrounds besides those found under backends/.

    Raises DuplicateAction, DuplicateModel or IncompleteModel when a declaration is wrong, StoreError when the data
    folder cannot be used.
    """
    settings.data_folder.mkdir(parents=True, exist_ok=True)
    actions = Actions((*playgrounds(), *more))
    catalogue = build_catalogue()
    registry = build_registry(settings, catalogue)
    store = Store.open(settings.store_url, settings.data_folder / "artifacts", settings.limits)
    runtime = LocalRuntime(
        actions,
        registry,
        store,
        workers=settings.workers,
        queue_limit=settings.queue_limit,
        version=VERSION,
        limits=settings.limits,
    )
    return Lab(
        actions=actions,
        catalogue=catalogue,
        registry=registry,
        store=store,
        runtime=runtime,
        identity=Identity(secret(settings)),
        limits=settings.limits,
        version=VERSION,
    )


def build_catalogue() -> Catalogue:
    """Every model that the playground folders offer. Raises DuplicateModel or IncompleteModel."""
    catalogue = Catalogue()
    for module in _modules("models"):
        offer: Callable[[], tuple[ModelCard, ...]] = module.models
        for card in offer():
            catalogue.add(card)
    return catalogue


def build_registry(settings: Settings, catalogue: Catalogue) -> Registry:
    """The registry with its budgets: as set, or a share of what this machine or container has."""
    return Registry(
        catalogue,
        ram_budget=int(settings.ram_gigabytes * _GIB) or None,
        vram_budget=int(settings.vram_gigabytes * _GIB) or None,
        device=resolve_device(settings.device),
        hub=HubCache(settings.data_folder / "hub", offline=settings.offline),
    )


def resolve_device(wanted: str) -> str:
    """'auto' becomes the first GPU where there is one, else the CPU; looked up without importing torch for a CPU."""
    if wanted == "cuda":
        return "cuda:0"
    if wanted != "auto":
        return wanted
    if not Path("/dev/nvidiactl").exists() and not Path("/dev/dxg").exists():  # no NVIDIA driver: spare the import
        return "cpu"
    import torch

    return "cuda:0" if torch.cuda.is_available() else "cpu"


def playgrounds() -> tuple[Playground, ...]:
    """The PLAYGROUND of each folder under backends/, by name of the folder."""
    return tuple(module.PLAYGROUND for module in _modules("playground"))


def secret(settings: Settings) -> str:
    """What signs the visitor cookie: as set, or made once and kept in the data folder, readable by us only."""
    if settings.secret:
        return settings.secret
    file = settings.data_folder / "cookie.secret"
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(handle, "w") as opened:
        opened.write(secrets.token_urlsafe(32))
    return file.read_text().strip()


def _modules(name: str) -> Iterator[Any]:
    for file in sorted((ROOT / "backends").glob(f"*/{name}.py")):
        if file.parent.name != "core":  # core.playground is the vocabulary, not a playground
            yield importlib.import_module(f"backends.{file.parent.name}.{name}")

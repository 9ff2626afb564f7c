"""Puts the parts together: finds the playgrounds and their models, opens the store, and makes the Lab.

Playgrounds are found by backends.runtime.discovery, so a new folder needs no change in the app.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from app.settings import Settings
from app.version import VERSION
from backends.core.identity import Identity
from backends.core.playground import Playground
from backends.registry.catalogue import Catalogue
from backends.registry.hub import HubCache
from backends.registry.registry import Registry
from backends.runtime import discovery
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
    actions = discovery.actions(*more)
    catalogue = discovery.catalogue()
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

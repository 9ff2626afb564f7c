"""Finds the playgrounds and their models: folders under backends/, none of them named anywhere.

A playground is a folder with PLAYGROUND in its playground.py, or in its actions.py where it has no playground.py.
Its models.py, which is optional, has models(). The server and programs without a server start from here.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.core.playground import Actions, Playground
from backends.registry.catalogue import Catalogue, ModelCard

_BACKENDS = Path(__file__).resolve().parents[1]
_OURS = ("core", "experiments", "registry", "runtime", "store")  # rooms of the house, not playgrounds


def playgrounds() -> tuple[Playground, ...]:
    """The PLAYGROUND of each folder, by name of the folder. Raises AttributeError where a playground.py lacks it."""
    found = []
    for folder in _folders():
        if (folder / "playground.py").is_file():
            found.append(_module(folder, "playground").PLAYGROUND)
        elif (folder / "actions.py").is_file() and hasattr(module := _module(folder, "actions"), "PLAYGROUND"):
            found.append(module.PLAYGROUND)
    return tuple(found)


def actions(*more: Playground) -> Actions:
    """All actions there are. more: playgrounds besides those under backends/. Raises DuplicateAction."""
    return Actions((*playgrounds(), *more))


def catalogue() -> Catalogue:
    """Every model that the folders offer. Raises DuplicateModel or IncompleteModel."""
    return Catalogue(card for folder in _folders() if (folder / "models.py").is_file() for card in _models(folder))


def _models(folder: Path) -> tuple[ModelCard, ...]:
    cards: tuple[ModelCard, ...] = _module(folder, "models").models()
    return cards


def _folders() -> Iterator[Path]:
    return (folder for folder in sorted(_BACKENDS.iterdir()) if folder.is_dir() and folder.name not in _OURS)


def _module(folder: Path, name: str) -> Any:
    return importlib.import_module(f"backends.{folder.name}.{name}")

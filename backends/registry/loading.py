"""One load, from a card to an object: fetch, verify, construct; and what is done when memory runs out.

Runs in a thread of its own and without any lock but the construction lock, so that nobody who uses a resident model
waits for it, and nobody who asked for it waits longer than they said.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from backends.core.errors import Cancelled, OutOfMemory, VitrineError
from backends.registry import memory
from backends.registry.construct import construction
from backends.registry.entry import Entry
from backends.registry.progress import Progress
from backends.registry.sentences import load_failed
from backends.registry.shelf import Shelf, Weights

Value = TypeVar("Value")

_LOG = logging.getLogger(__name__)


@dataclass
class Loaded:
    """model: the object. bytes: what it holds, measured where it has parameters, else what the card says."""

    model: Any
    bytes: int
    weights: Weights


@dataclass(frozen=True)
class Crew:
    """What a load needs of the house.

    available: free bytes of a device's memory now. make_room: evict idle models of an entry's pool.
    give_up: the error when that did not help, by the bytes that were asked for (0 where unknown).
    """

    shelf: Shelf
    available: Callable[[str], int]
    make_room: Callable[[Entry], None]
    give_up: Callable[[Entry, int], OutOfMemory]


def load(entry: Entry, progress: Progress, crew: Crew) -> Loaded:
    """Do it. Raises ModelError or Cancelled, nothing else; what is raised holds no tensor."""
    try:
        weights = crew.shelf.fetch(entry.card, progress)
        model = twice(lambda: _construct(entry, weights, progress, crew), entry, crew)
        return Loaded(model, memory.model_bytes(model) or entry.card.bytes, weights)
    except Cancelled as err:
        if progress.cancellation.requested:
            raise
        memory.forget(err)
        raise load_failed(entry) from None  # a loader's own idea of stopping: nobody here asked for it
    except VitrineError as err:
        memory.forget(err)
        raise
    except Exception as err:
        _LOG.exception("loading %s failed", entry.id)
        memory.forget(err)
        raise load_failed(entry) from err


def twice(attempt: Callable[[], Value], entry: Entry, crew: Crew) -> Value:
    """Try; when memory runs out, evict idle models and try once more. Raises OutOfMemory, or what `attempt` raises.

    Both tries happen outside of `except`: inside, the interpreter itself would keep the first one's tensors alive.
    """
    asked, value = _once(attempt)
    if asked is None:
        return value[0]
    crew.make_room(entry)
    asked_again, value = _once(attempt)
    if asked_again is None:
        return value[0]
    raise crew.give_up(entry, asked_again or asked)


def _once(attempt: Callable[[], Value]) -> tuple[int | None, list[Value]]:
    """(None, [value]), or (the bytes that could not be had, [])."""
    try:
        return None, [attempt()]
    except (MemoryError, RuntimeError) as err:  # torch.OutOfMemoryError is a RuntimeError
        if not memory.is_out_of_memory(err):
            raise
        memory.forget(err)
        return memory.asked_for(err), []


def _construct(entry: Entry, weights: Weights, progress: Progress, crew: Crew) -> Any:
    progress.enter("queued")
    with construction():
        progress.enter("constructing")
        needed = entry.card.bytes
        if crew.available(entry.device) < needed:  # the kernel kills rather than refuses, so ask before
            raise MemoryError(f"tried to allocate {needed} bytes")
        model = entry.card.loader(weights.folder, entry.device)
    if model is None:
        raise TypeError("the loader returned nothing")
    return model

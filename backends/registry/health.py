"""Whether the registry does its work: a load or release that has stopped moving makes it unhealthy.

A server whose pages answer while its models hang looks healthy from outside (ollama#17408: 5.5 hours). A download
moves with every byte, hashing with every chunk; constructing and freeing count from their beginning.
"""

from __future__ import annotations

from collections.abc import Iterable

from backends.registry.entry import Entry
from backends.registry.status import RegistryHealth


def judge(entries: Iterable[Entry], now: float, stall_seconds: float) -> RegistryHealth:
    """The verdict on the entries at `now`; called under the registry's lock."""
    entries = list(entries)
    building = any(entry.flight and entry.flight.progress.phase == "constructing" for entry in entries)
    stalled = tuple(entry.id for entry in entries if now - _last_move(entry, now, building) > stall_seconds)
    if stalled:
        return RegistryHealth(False, f"Stuck for more than {stall_seconds:g} s: {', '.join(stalled)}.", stalled)
    return RegistryHealth(True, "The model registry works.")


def _last_move(entry: Entry, now: float, building: bool) -> float:
    """When it last moved. One that queues for its turn to be built is excused while another is being built."""
    if entry.releasing_since is not None:
        return entry.releasing_since
    if entry.flight is None or (entry.flight.progress.phase == "queued" and building):
        return now
    return entry.flight.progress.beat

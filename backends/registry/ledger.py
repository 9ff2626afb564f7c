"""The books: who holds what, who waits, who must leave. Pure bookkeeping under the registry's lock.

`settle` is the one place where anything is granted or evicted. It decides; the caller, once it has let go of the lock,
carries out (starts loads, frees models). Leases are handed over, not raced for: when a model falls idle, the oldest
load that waits for room gets it before any newcomer, so a busy pair of models cannot starve a third for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from backends.core.cancellation import Cancellation
from backends.core.errors import Cancelled, VitrineError
from backends.registry.catalogue import Catalogue, ModelCard
from backends.registry.entry import Entry, Flight, Pool, Survivors, Ticket
from backends.registry.loading import Loaded
from backends.registry.progress import Progress
from backends.registry.sentences import again, closing, never_fits
from backends.registry.status import Reason


@dataclass
class Victim:
    """A model that has been taken off its entry and is to be freed. box: holds the one reference to it."""

    entry: Entry
    box: list[Any]


@dataclass
class Work:
    """What a settlement decided."""

    victims: list[Victim] = field(default_factory=list)
    flights: list[tuple[Entry, Flight]] = field(default_factory=list)


class Ledger:
    """All entries and both pools. Every method expects `Registry._lock` to be held, and none of them blocks."""

    def __init__(self, catalogue: Catalogue, ram: Pool, vram: Pool, device: str, clock: Callable[[], float]) -> None:
        self.ram = ram
        self.vram = vram
        self.closed = False
        self._catalogue = catalogue
        self._device = device
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._turn = 0
        self._victims: list[Victim] = []

    def entry(self, model_id: str) -> Entry:
        """The entry of a model of the catalogue. Raises NotFound."""
        if model_id not in self._entries:
            self._entries[model_id] = self._new(self._catalogue.get(model_id))
        return self._entries[model_id]

    def entries(self) -> list[Entry]:
        """All of them, in the catalogue's order."""
        return [self.entry(card.id) for card in self._catalogue]

    def give_back(self, entry: Entry) -> None:
        """End a lease."""
        entry.leases -= 1
        self._used(entry)
        if not entry.leases and entry.retiring:
            self.evict(entry, entry.retiring)

    def ask(self, entry: Entry, lock: threading.Lock) -> Ticket | None:
        """A lease at once (None), or a ticket to wait with. Raises OutOfMemory if it never fits, Busy when closed."""
        if self.closed:
            raise closing()
        if entry.open and not entry.tickets:
            entry.tally.hits += 1
            self._take(entry)
            return None
        if entry.model is None and entry.card.bytes > entry.pool.budget:
            raise never_fits(entry, self.held_by(entry.pool))
        if entry.model is not None and not entry.retiring:  # exclusive, and in use
            entry.tally.hits += 1
        else:
            entry.tally.misses += 1
        self._turn += 1
        ticket = Ticket(lock, self._turn)
        entry.tickets.append(ticket)
        return ticket

    def leave(self, entry: Entry, ticket: Ticket, cancelled: bool) -> None:
        """A ticket that will not wait any longer. The last one to cancel stops the load, if it can be stopped."""
        if ticket in entry.tickets:
            entry.tickets.remove(ticket)
        if cancelled and not entry.tickets and entry.flight is not None:
            entry.flight.progress.cancellation.cancel()

    def evict(self, entry: Entry, reason: Reason) -> None:
        """Take an unleased model off its entry, to be freed by whoever carries out. Its bytes count until then."""
        entry.tally.evictions[reason] += 1
        entry.retiring = None
        entry.releasing_since = self._clock()
        self._victims.append(Victim(entry, [entry.model]))
        entry.model = None

    def freed(self, entry: Entry, survivors: Survivors) -> None:
        """The model is gone, but for what somebody else still holds; `sweep` looks at that again."""
        entry.pool.resident -= entry.bytes
        entry.bytes = 0
        entry.releasing_since = None
        entry.survivors = survivors

    def landed(self, entry: Entry, loaded: Loaded, seconds: float) -> None:
        """A load has succeeded: the model is here and those who waited have it."""
        unload = entry.flight is not None and entry.flight.unload
        self._close_flight(entry)
        entry.model, entry.bytes, entry.error = loaded.model, loaded.bytes, ""
        entry.revision, entry.commit = loaded.weights.revision, loaded.weights.commit
        entry.pool.resident += loaded.bytes
        entry.tally.loads += 1
        entry.tally.load_seconds += seconds
        entry.tally.last_load_seconds = seconds
        self._used(entry)
        self._grant(entry)
        if unload or self.closed:
            self.retire(entry, "unload" if unload else "close")

    def crashed(self, entry: Entry, error: VitrineError) -> None:
        """A load has failed: all who waited get the same error. One that was merely stopped is begun again for them."""
        self._close_flight(entry)
        if isinstance(error, Cancelled):  # by its last waiter; who came since waits on
            return
        entry.tally.failures += 1
        entry.error = error.sentence
        for ticket in entry.tickets:
            ticket.fail(again(error))
        entry.tickets.clear()

    def retire(self, entry: Entry, reason: Reason) -> None:
        """Let a model go: at once if nobody has it, else at its last release."""
        if entry.flight is not None:
            entry.flight.unload = True
        elif entry.model is not None and entry.leases:
            entry.retiring = reason
        elif entry.model is not None:
            self.evict(entry, reason)

    def evict_idle(self, pool: Pool, reason: Reason) -> None:
        """Take every idle model out of a pool."""
        for entry in self._idle(pool):
            self.evict(entry, reason)

    def close(self, error: VitrineError) -> None:
        """Turn away who waits, stop what loads, let go of what is here; grant nothing from now on."""
        self.closed = True
        for entry in self._entries.values():
            for ticket in entry.tickets:
                ticket.fail(again(error))
            entry.tickets.clear()
            if entry.flight is not None:
                entry.flight.progress.cancellation.cancel()
            self.retire(entry, "close")

    def settle(self) -> Work:
        """Grant what can be granted, and decide what must leave for the rest. Idempotent."""
        if self._quiet():
            return Work()
        for entry in self._entries.values():
            self._grant(entry)
        for pool in (self.ram, self.vram):
            self._trim(pool)
        flights = self._admit()
        victims, self._victims = self._victims, []
        return Work(victims, flights)

    def held_by(self, pool: Pool) -> dict[str, int]:
        """Bytes of each model of a pool that is in use."""
        busy = [entry for entry in self._entries.values() if entry.pool is pool and (entry.leases or entry.flight)]
        return {entry.id: entry.bytes or entry.card.bytes for entry in busy}

    def _take(self, entry: Entry) -> None:
        entry.leases += 1
        self._used(entry)

    def _new(self, card: ModelCard) -> Entry:
        device = card.device or self._device
        return Entry(card, self.ram if device == "cpu" else self.vram, device)

    def _quiet(self) -> bool:
        """Whether there is nothing to decide; so it is at nearly every release, which must be quick."""
        if self._victims or self.ram.free < 0 or self.vram.free < 0:
            return False
        return not any(entry.tickets for entry in self._entries.values())

    def _used(self, entry: Entry) -> None:
        self._turn += 1
        entry.turn, entry.last_use = self._turn, self._clock()

    def _grant(self, entry: Entry) -> None:
        while entry.tickets and entry.open:
            self._take(entry)
            entry.tickets.pop(0).grant()

    def _idle(self, pool: Pool) -> list[Entry]:
        """The idle models of a pool, least recently used first."""
        found = [entry for entry in self._entries.values() if entry.pool is pool and entry.idle]
        return sorted(found, key=lambda entry: entry.turn)

    def _trim(self, pool: Pool) -> None:
        """A model that turned out larger than its card said may have pushed the pool over its budget."""
        over = -pool.free - _leaving(self._entries.values(), pool)
        for entry in self._idle(pool):
            if over <= 0:
                return
            over -= entry.bytes
            self.evict(entry, "budget")

    def _admit(self) -> list[tuple[Entry, Flight]]:
        """Start the loads that fit, oldest first; make room for those that do not, where idle models can give it."""
        spoken_for = {pool.name: 0 for pool in (self.ram, self.vram)}
        flights = []
        wanted = [entry for entry in self._entries.values() if entry.wanted]
        for entry in sorted(wanted, key=lambda entry: entry.tickets[0].number):
            pool, size = entry.pool, entry.card.bytes
            if size <= pool.free - spoken_for[pool.name]:
                flights.append((entry, self._take_off(entry)))
            elif self._make_room(pool, size + spoken_for[pool.name]):
                spoken_for[pool.name] += size
        return flights

    def _make_room(self, pool: Pool, size: int) -> bool:
        """Evict as few idle models as give `size` bytes once they are gone; none if that cannot be reached."""
        lacking = size - pool.free - _leaving(self._entries.values(), pool)
        chosen = []
        for entry in self._idle(pool):
            if lacking <= 0:
                break
            chosen.append(entry)
            lacking -= entry.bytes
        if lacking > 0:
            return False
        for entry in chosen:
            self.evict(entry, "budget")
        return True

    def _take_off(self, entry: Entry) -> Flight:
        entry.flight = Flight(Progress(self._clock, Cancellation()))
        entry.pool.loading += entry.card.bytes
        return entry.flight

    def _close_flight(self, entry: Entry) -> None:
        if entry.flight is not None:
            entry.fetched = (entry.flight.progress.done, entry.flight.progress.total)
            entry.flight = None
            entry.pool.loading -= entry.card.bytes


def _leaving(entries: Iterable[Entry], pool: Pool) -> int:
    """Bytes of models that are being freed right now."""
    return sum(entry.bytes for entry in entries if entry.pool is pool and entry.releasing_since is not None)

"""The registry: leases of models, within byte budgets, loaded once however many ask.

    with registry.lease("medical/pneumonia-resnet18") as model: ...

Knows no UI, no store and no queue. Loads run in threads of their own; whoever waits, waits no longer than they said.

Locks, in the order in which they may be taken: `construct.construction()`, then `Registry._lock`. The latter guards
the ledger and is held for bookkeeping only: never while loading, freeing, hashing, downloading or calling foreign code.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from backends.core.cancellation import Cancellation
from backends.core.errors import Cancelled, OutOfMemory, VitrineError
from backends.registry import memory
from backends.registry.catalogue import Catalogue
from backends.registry.entry import Entry, Flight, Pool, Survivors, Ticket
from backends.registry.health import judge
from backends.registry.hub import HubCache
from backends.registry.lease import Desk, Lease
from backends.registry.ledger import Ledger, Victim, Work
from backends.registry.loading import Crew, load, twice
from backends.registry.progress import Progress
from backends.registry.sentences import busy, closing, load_failed, no_thread, out_of_memory
from backends.registry.shelf import Shelf
from backends.registry.status import ModelStatus, RegistryHealth, RegistryStatus
from backends.registry.sweeper import Sweeper

Value = TypeVar("Value")

DEADLINE = 30.0  # seconds a lease waits unless told otherwise
LOAD_DEADLINE = 600.0  # seconds `load` waits: it may download gigabytes
IDLE_SECONDS = 900.0  # unload after a quarter of an hour without use: a lecture's pause keeps its models
STALL_SECONDS = 8.0  # without a byte or a phase: red within 10 s, with 2 s left for whoever asks
SWEEP_SECONDS = 5.0
CANCEL_POLL = 0.02  # seconds between looks at a cancellation while waiting: well under the promised 50 ms

_LOG = logging.getLogger(__name__)


class Registry:
    """All models of a catalogue. Thread-safe.

    ram_budget, vram_budget: bytes; None: a share of what the container or the device has. device: 'cpu' or 'cuda:0'.
    hub: where Hub models are kept; None: no Hub. clock: seconds, for idle times and statistics (waits use real time).
    idle_seconds: of cards that do not say; None: never. available, free: how free memory is told and models are freed.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        ram_budget: int | None = None,
        vram_budget: int | None = None,
        device: str = "cpu",
        hub: HubCache | None = None,
        clock: Callable[[], float] = time.monotonic,
        idle_seconds: float | None = IDLE_SECONDS,
        stall_seconds: float = STALL_SECONDS,
        available: Callable[[str], int] = memory.available,
        free: Callable[[list[Any]], Survivors] = memory.release,
    ) -> None:
        self.catalogue = catalogue
        self.device = device
        ram = Pool("RAM", memory.ram_budget() if ram_budget is None else ram_budget)
        vram = Pool("VRAM", memory.vram_budget(device) if vram_budget is None else vram_budget)
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._stall_seconds = stall_seconds
        self._free_model = free
        self._available = available
        self._shelf = Shelf(hub)
        self._crew = Crew(self._shelf, available, self._make_room, self._out_of_memory)
        self._sweeper = Sweeper(self.sweep, SWEEP_SECONDS)
        self._lock = threading.Lock()
        self._ledger = Ledger(catalogue, ram, vram, device, clock)

    def lease(self, model_id: str, *, deadline: float = DEADLINE, cancellation: Cancellation | None = None) -> Lease:
        """A lease, to be entered with `with`. deadline: the most seconds that entering waits; 0 takes it or leaves it.

        Entering raises NotFound, Busy, Cancelled or ModelError. After Busy, a load goes on for whoever comes next.
        """
        return Lease(
            Desk(lambda: self._acquire(model_id, deadline, cancellation), self._release, self._ran_out, self._retry)
        )

    def run(
        self,
        model_id: str,
        fn: Callable[[Any], Value],
        *,
        deadline: float = DEADLINE,
        cancellation: Cancellation | None = None,
    ) -> Value:
        """`fn(model)` under a lease; when memory runs out, idle models are evicted and it is called once more."""
        lease = self.lease(model_id, deadline=deadline, cancellation=cancellation)
        with lease as model:
            return lease.retrying(lambda: fn(model))

    def revision(self, model_id: str) -> str:
        """The weight digest of what would be, or is, loaded. Raises WeightsMissing, WeightsCorrupt, DownloadFailed."""
        with self._lock:
            entry = self._ledger.entry(model_id)
            known = "" if entry.model is None else entry.revision
        return known or self._shelf.revision(self.catalogue.get(model_id), Progress(self._clock))

    def load(
        self, model_id: str, *, deadline: float = LOAD_DEADLINE, cancellation: Cancellation | None = None
    ) -> ModelStatus:
        """Bring a model into memory. Raises as `lease` does."""
        with self.lease(model_id, deadline=deadline, cancellation=cancellation):
            pass
        return self.status().model(model_id)

    def unload(self, model_id: str) -> bool:
        """Let a model go; returns whether it is gone. One that is leased or loading goes at its last release."""
        with self._lock:
            entry = self._ledger.entry(model_id)
            self._ledger.retire(entry, "unload")
            work = self._ledger.settle()
        self._carry_out(work)
        with self._lock:
            return entry.model is None and entry.flight is None

    def verify(self, model_id: str) -> str:
        """Hash every file of a model again; returns the digest. Raises WeightsMissing or WeightsCorrupt."""
        return self._shelf.verify(self.catalogue.get(model_id), Progress(self._clock)).revision

    def sweep(self) -> None:
        """Unload what has been idle for too long, and report models that something else keeps alive."""
        with self._lock:
            now = self._clock()
            for entry in self._ledger.entries():
                limit = self._idle_seconds if entry.card.idle_seconds is None else entry.card.idle_seconds
                if entry.idle and limit is not None and now - entry.last_use >= limit:
                    self._ledger.evict(entry, "idle")
            work = self._ledger.settle()
            leaks = [(entry.id, kind) for entry in self._ledger.entries() for kind in entry.take_leaks()]
        self._carry_out(work)
        for model_id, kind in leaks:
            _LOG.warning("%s was unloaded, but something still holds its %s", model_id, kind)

    def start(self) -> None:
        """Sweep in the background every few seconds, until `close`."""
        self._sweeper.start()

    def close(self) -> None:
        """Let all models go; leases that are held stay good until they end. Afterwards every lease raises Busy."""
        self._sweeper.stop()
        with self._lock:
            self._ledger.close(closing())
            work = self._ledger.settle()
        self._carry_out(work)

    def status(self) -> RegistryStatus:
        """All there is to know, as plain frozen data."""
        ram, vram = memory.allocated("cpu"), memory.vram_allocated(self.device)
        with self._lock:
            now = self._clock()
            models = tuple(entry.status(now) for entry in self._ledger.entries())
            return RegistryStatus(self.device, self._ledger.ram.status(ram), self._ledger.vram.status(vram), models)

    def health(self, timeout: float = 1.0) -> RegistryHealth:
        """Whether the registry answers within `timeout` seconds, and no load or release is stuck."""
        if not self._lock.acquire(timeout=timeout):
            return RegistryHealth(False, "The model registry does not answer.")
        try:
            return judge(self._ledger.entries(), self._clock(), self._stall_seconds)
        finally:
            self._lock.release()

    def _acquire(self, model_id: str, deadline: float, cancellation: Cancellation | None) -> Entry:
        end = time.monotonic() + deadline
        if cancellation is not None:
            cancellation.check()
        with self._lock:
            entry = self._ledger.entry(model_id)
            ticket = self._ledger.ask(entry, self._lock)
            work = self._ledger.settle()
        if ticket is not None:
            self._carry_out_aside(work)
            self._wait(entry, ticket, end, cancellation)
        return entry

    def _wait(self, entry: Entry, ticket: Ticket, end: float, cancellation: Cancellation | None) -> None:
        """Until the ticket is granted. Raises its error, Busy at the deadline, Cancelled."""
        work = Work()
        with self._lock:
            while not ticket.settled:
                left = end - time.monotonic()
                stopped = cancellation is not None and cancellation.requested
                if stopped or left <= 0:
                    held_by = self._ledger.held_by(entry.pool)
                    ticket.error = Cancelled() if stopped else busy(entry, held_by, self._clock())
                    self._ledger.leave(entry, ticket, stopped)
                    work = self._ledger.settle()
                else:
                    ticket.ready.wait(left if cancellation is None else min(left, CANCEL_POLL))
        self._carry_out_aside(work)
        if ticket.error is not None:
            raise ticket.error

    def _release(self, entry: Entry) -> None:
        with self._lock:
            self._ledger.give_back(entry)
            work = self._ledger.settle()
        self._carry_out(work)

    def _carry_out(self, work: Work) -> None:
        """Start the loads and free the models that a settlement decided on; each of these may settle more."""
        queue = [work]
        while queue:
            work = queue.pop()
            queue += [self._take_off(entry, flight) for entry, flight in work.flights]
            queue += [self._free(victim) for victim in work.victims]

    def _carry_out_aside(self, work: Work) -> None:
        """The same for one who waits: their deadline must not depend on how long freeing takes."""
        if work.victims:
            try:
                threading.Thread(target=self._carry_out, args=(work,), name="registry release", daemon=True).start()
                return
            except RuntimeError:
                _LOG.warning("no thread to free models in: doing it here")
        self._carry_out(work)

    def _take_off(self, entry: Entry, flight: Flight) -> Work:
        try:
            threading.Thread(target=self._fly, args=(entry, flight), name=f"load {entry.id}", daemon=True).start()
        except RuntimeError:  # no thread to be had
            return self._crash(entry, no_thread())
        return Work()

    def _crash(self, entry: Entry, error: VitrineError) -> Work:
        with self._lock:
            self._ledger.crashed(entry, error)
            return self._ledger.settle()

    def _fly(self, entry: Entry, flight: Flight) -> None:
        """A load's thread. However it ends, everyone who waits for it hears of it."""
        work: Work | None = None
        error: VitrineError = load_failed(entry)
        try:
            work = self._land(entry, flight.progress)
        except VitrineError as err:
            error = err
        finally:
            self._carry_out(self._crash(entry, error) if work is None else work)

    def _land(self, entry: Entry, progress: Progress) -> Work:
        """A frame of its own, so that nothing holds the model when the next settlement lets it go."""
        started = self._clock()
        loaded = load(entry, progress, self._crew)
        with self._lock:
            self._ledger.landed(entry, loaded, self._clock() - started)
            return self._ledger.settle()

    def _free(self, victim: Victim) -> Work:
        survivors: Survivors = []
        try:
            survivors = self._free_model(victim.box)
        except Exception as err:  # noqa: BLE001 - a model's destructor, or CUDA: the books go on, whatever it says
            _LOG.exception("freeing %s failed", victim.entry.id)
            memory.forget(err)
        victim.box.clear()
        with self._lock:
            self._ledger.freed(victim.entry, survivors)
            return self._ledger.settle()

    def _make_room(self, entry: Entry) -> None:
        with self._lock:
            entry.tally.oom += 1
            self._ledger.evict_idle(entry.pool, "oom")
            work = self._ledger.settle()
        self._carry_out(work)

    def _ran_out(self, entry: Entry, asked: int) -> OutOfMemory:
        self._make_room(entry)
        return self._out_of_memory(entry, asked)

    def _out_of_memory(self, entry: Entry, asked: int) -> OutOfMemory:
        available = self._available(entry.device)
        with self._lock:
            own = entry.card.bytes if entry.flight is not None else 0  # what is set aside for this very load
            free = min(max(0, entry.pool.free + own), available)
            return out_of_memory(entry, max(asked, own), free, self._ledger.held_by(entry.pool))

    def _retry(self, entry: Entry, fn: Callable[[], Value]) -> Value:
        return twice(fn, entry, self._crew)

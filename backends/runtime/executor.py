"""The executor's interface and its data. What runs experiments is behind it: threads here today, a cluster later.

Every implementation passes tests/backends/runtime/conformance.py. It must not know how work is done or stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from backends.core.events import Event
from backends.core.experiment import Experiment
from backends.core.results import Result
from backends.store.values import Run


@dataclass(frozen=True)
class Started:
    """A worker has taken the run up."""


@dataclass(frozen=True)
class Progressed:
    """fraction: in [0, 1]. sentence: for the user. seconds_left: an estimate, to the start while waiting, else to the
    end; None while there is nothing to judge by.
    """

    fraction: float
    sentence: str
    seconds_left: float | None = None


@dataclass(frozen=True)
class Produced:
    """A result under a name; a later one of the same name replaces it."""

    name: str
    result: Result


@dataclass(frozen=True)
class Final:
    """The last event. run: as the store has it; its state says how it ended."""

    run: Run


RunEvent = Started | Progressed | Produced | Final


@dataclass(frozen=True)
class VisitorLoad:
    """How many runs of one visitor wait and how many are running."""

    queued: int
    running: int


@dataclass(frozen=True)
class RuntimeStatus:
    """What the runtime is doing now.

    queued, running: runs. visitors: visitor -> their share. workers: threads that run them, dead ones not counted.
    live_queued, live_running: the same of the lane for live controls.
    mean_service_seconds: moving mean of how long a run takes; None before the first has ended.
    oldest_wait: seconds that the run which waits longest has waited; 0 when none waits.
    silent: workers that have shown no sign of life for too long. wedged: no worker of a lane is left that does.
    ended: runs since the start, by the state in which they ended; cached ones count as 'cached'.
    """

    queued: int
    running: int
    visitors: Mapping[str, VisitorLoad]
    workers: int
    live_queued: int
    live_running: int
    mean_service_seconds: float | None
    oldest_wait: float
    silent: int
    wedged: bool
    ended: Mapping[str, int]


class Runtime(Protocol):
    """Runs experiments. Thread-safe. Ids of runs that the visitor may not see raise NotFound everywhere."""

    def start(self) -> None:
        """Begin to work. Runs that an earlier process left unfinished are marked interrupted."""

    def submit(self, experiment: Experiment, visitor: str, *, fresh: bool = False) -> Run:
        """Ask for a run: queued; or done at once when its result is known; or the visitor's own that is under way.

        fresh: compute it in any case, for comparing with a result that is known.
        Raises BadParameter, NotFound (action, model or input), RevisionChanged, Busy (says when to try again).
        """

    def cancel(self, run_id: str, visitor: str) -> None:
        """Stop a run of one's own: at once while it waits, within a step once it runs. An ended run stays as it is."""

    def cancel_all(self, visitor: str) -> None:
        """Stop all that a visitor has waiting or running, live changes too: before their data is erased, say."""

    def watch(self, run_id: str, visitor: str) -> Iterator[RunEvent]:
        """What the run has said so far that still holds, then what it says, to a Final. Any number may watch.

        Raises ArtifactMissing while replaying a stored run whose results are gone.
        """

    def progress(self, run_id: str, visitor: str) -> Progressed | None:
        """How far a run of the visitor's own is, or its place in line, without waiting; None once it has ended."""

    def live(self, experiment: Experiment, visitor: str, channel: str) -> Iterator[Event]:
        """Run now, without the ledger; nothing is stored. A later call on the same channel stops this one.

        channel: what must show the latest only, a view on a page. The iterator raises Cancelled when it was overtaken,
        and what the action raised. Raises as `submit` does, and BadInput for an action that is not declared live.
        """

    def status(self) -> RuntimeStatus:
        """What is going on now."""

    def ping(self, timeout: float) -> bool:
        """Whether a no-op comes back through the real queue within `timeout` seconds, or all workers are busy and live.

        False also before `start` and after `close`.
        """

    def close(self, drain_seconds: float) -> None:
        """Take no more work, let what runs finish for so long, stop the rest and mark it interrupted."""

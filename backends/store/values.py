"""What the store hands out: frozen values, with nothing of the database in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from backends.core.experiment import Experiment
from backends.core.results import Kind

State = Literal["queued", "running", "done", "cancelled", "failed", "interrupted"]
ENDED: frozenset[State] = frozenset(("done", "cancelled", "failed", "interrupted"))


def utc_now() -> datetime:
    """The time now, in UTC; the store's usual clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class StoredOutput:
    """A result as it is kept. bytes: length of the artifact. meta: the small data that `core.encoding` gave."""

    name: str
    kind: Kind
    digest: str
    media_type: str
    bytes: int
    meta: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One execution of an experiment.

    visitor: its owner; empty when someone else reads it through a link. fraction: in [0, 1]. times: UTC.
    error: `VitrineError.as_dict()` of what went wrong. reference: the id under which logs tell more.
    saved: whether it is in a session and so never expires.
    """

    id: str
    visitor: str
    experiment: Experiment
    state: State
    fraction: float
    sentence: str
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: dict[str, str] | None
    reference: str
    provenance: dict[str, Any]
    saved: bool
    outputs: tuple[StoredOutput, ...]

    @property
    def ended(self) -> bool:
        """Whether it will never change again."""
        return self.state in ENDED


@dataclass(frozen=True)
class Session:
    """A titled, ordered set of runs. link: the unguessable id to share. mine: whether the reader owns it."""

    id: str
    link: str
    title: str
    notes: str
    created: datetime
    updated: datetime
    runs: tuple[Run, ...]
    mine: bool


@dataclass(frozen=True)
class Collected:
    """What a collection removed. bytes: freed on disk."""

    uploads: int = 0
    runs: int = 0
    visitors: int = 0
    artifacts: int = 0
    bytes: int = 0

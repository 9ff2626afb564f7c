"""What the store hands out: frozen values, with nothing of the database in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from backends.core.experiment import Experiment
from backends.core.results import Kind

State = Literal["queued", "running", "done", "cancelled", "failed", "interrupted"]
ENDED: frozenset[State] = frozenset(("done", "cancelled", "failed", "interrupted"))
UNDO = timedelta(minutes=10)  # a deleted session can be had back: long enough to notice, short enough to free its space


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
    saved: whether it is in a session that stands and so never expires. expires: when it goes unless it is saved.
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
    expires: datetime | None = None

    @property
    def ended(self) -> bool:
        """Whether it will never change again."""
        return self.state in ENDED


@dataclass(frozen=True)
class Link:
    """A share link. id: 128 random bits, the part of the address that opens the session, read-only.

    expires: None for never. revoked: when its owner withdrew it. times: UTC.
    """

    id: str
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether it opens the session at this time."""
        return self.revoked is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True)
class Item:
    """A run's place in a session, and what its slide says.

    title: empty for the usual one. note: Markdown, seen by everyone. speaker: Markdown, for the owner only.
    live: whether the slide has live controls.
    """

    run: Run
    title: str = ""
    note: str = ""
    speaker: str = ""
    live: bool = False


@dataclass(frozen=True)
class Session:
    """A titled, ordered set of runs. notes: Markdown.

    link: the newest link that is open, or the one that the reader came by; empty when there is none.
    links: all of them, newest first; for the owner only. mine: whether the reader owns it.
    deleted: when its owner deleted it; it can be restored until the next collection after the time for that.
    """

    id: str
    link: str
    title: str
    notes: str
    tags: tuple[str, ...]
    created: datetime
    updated: datetime
    deleted: datetime | None
    items: tuple[Item, ...]
    links: tuple[Link, ...]
    mine: bool

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs in order."""
        return tuple(item.run for item in self.items)

    @property
    def address(self) -> str:
        """What opens it for this reader: an open link, else (for the owner alone) its id."""
        return self.link or self.id


@dataclass(frozen=True)
class Collected:
    """What a collection removed. bytes: freed on disk."""

    uploads: int = 0
    runs: int = 0
    sessions: int = 0
    links: int = 0
    visitors: int = 0
    artifacts: int = 0
    bytes: int = 0

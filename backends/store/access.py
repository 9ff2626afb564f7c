"""Who may read what, and how much of their space is used: queries inside a caller's transaction.

A visitor reads: their uploads; inputs and outputs of their runs; and, while a link by which they came is open and its
session stands, its runs with inputs and outputs. Nothing else, and what is refused looks the same as what is not there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import and_, bindparam, exists, func, or_, select
from sqlalchemy.orm import Session

from backends.core.digest import is_sha256
from backends.core.errors import BadInput, NotFound, NotYours, QuotaExceeded
from backends.core.limits import MIB, Limits
from backends.store.database import Database
from backends.store.files import Files
from backends.store.tables import (
    ArtifactRow,
    GrantRow,
    LinkRow,
    RunInputRow,
    RunOutputRow,
    RunRow,
    SessionRow,
    SessionRunRow,
    UploadRow,
    UtcTime,
    VisitorRow,
)
from backends.store.values import UNDO

_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_VISITOR = re.compile(r"[A-Za-z0-9_.:@-]{1,128}")  # our own ids, and what a login provider calls a person
_FREED = 2 * UNDO  # after the time for undo the collector has to come by, which it does as often as that
_QUERY_CHUNK = 500  # SQLite takes 32,766 variables, older ones 999


class Clock(Protocol):
    """Tells the time, aware and in UTC."""

    def __call__(self) -> datetime:
        """The time now."""


@dataclass(frozen=True)
class Parts:
    """What every room of the store works with."""

    database: Database
    files: Files
    limits: Limits
    clock: Clock


def checked_id(text: str, what: str) -> str:
    """`text` if it has the form of our ids. Raises NotFound ('There is no such <what>.')."""
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise missing(what)
    return text


def checked_digest(text: str) -> str:
    """`text` if it has the form of a content hash. Raises NotFound."""
    if not isinstance(text, str) or not is_sha256(text):
        raise missing("file")
    return text


def checked_visitor(text: str) -> str:
    """`text` if it can be a visitor's id. Raises BadInput."""
    if not isinstance(text, str) or not _VISITOR.fullmatch(text):
        raise BadInput("It is not known who is visiting.", hint="Reload the page.")
    return text


def missing(what: str) -> NotFound:
    """The one answer for things that are not there."""
    return NotFound(f"There is no such {what}.", hint=_HINT)


def not_yours(what: str) -> NotYours:
    """The same answer for things that belong to someone else."""
    return NotYours(f"There is no such {what}.", hint=_HINT)


_HINT = "It may have expired or been deleted; ask for a link if someone else made it."


def ensure_visitor(session: Session, visitor: str, now: datetime) -> VisitorRow:
    """The visitor's row, made if this is the first that is heard of them."""
    row = session.get(VisitorRow, visitor)
    if row is None:
        row = VisitorRow(id=visitor, created=now, seen=now, accepted={})
        session.add(row)
        session.flush()
    return row


# Built once, here and below: putting such statements together takes longer than SQLite needs to answer them.
# A link joined with its session opens something at the time `now`.
OPEN_LINK = and_(
    LinkRow.revoked.is_(None),
    or_(LinkRow.expires.is_(None), LinkRow.expires > bindparam("now", type_=UtcTime())),
    SessionRow.deleted.is_(None),
)
_GRANTED = (
    exists()
    .where(SessionRunRow.run_id == RunRow.id, SessionRow.id == SessionRunRow.session_id)
    .where(LinkRow.session_id == SessionRow.id, GrantRow.link_id == LinkRow.id)
    .where(GrantRow.visitor == bindparam("visitor"), OPEN_LINK)
)
# The runs that `visitor` may read: their own, and those that an open link of theirs shows.
READABLE = or_(RunRow.visitor == bindparam("visitor"), _GRANTED)
_READABLE_ARTIFACT = select(ArtifactRow).where(
    ArtifactRow.sha256 == bindparam("digest"),
    or_(
        exists().where(UploadRow.sha256 == ArtifactRow.sha256, UploadRow.visitor == bindparam("visitor")),
        exists().where(RunInputRow.sha256 == ArtifactRow.sha256, RunRow.id == RunInputRow.run_id, READABLE),
        exists().where(RunOutputRow.sha256 == ArtifactRow.sha256, RunRow.id == RunOutputRow.run_id, READABLE),
    ),
)


def readable_artifact(session: Session, digest: str, visitor: str, now: datetime) -> ArtifactRow:
    """The artifact's row. Raises NotFound, or NotYours where the visitor may not read it."""
    asked = {"digest": checked_digest(digest), "visitor": visitor, "now": now}
    row = session.scalar(_READABLE_ARTIFACT, asked)
    if row is None:
        raise missing("file") if session.get(ArtifactRow, digest) is None else not_yours("file")
    return row


_OWN_RUNS = select(RunRow.id).where(RunRow.visitor == bindparam("visitor"))
_KEPT = (
    select(UploadRow.sha256)
    .where(UploadRow.visitor == bindparam("visitor"))
    .union(
        select(RunInputRow.sha256).where(RunInputRow.run_id.in_(_OWN_RUNS)),
        select(RunOutputRow.sha256).where(RunOutputRow.run_id.in_(_OWN_RUNS)),
    )
)
_USED = select(func.sum(ArtifactRow.bytes)).where(ArtifactRow.sha256.in_(_KEPT))
_THEIRS = select(ArtifactRow.sha256).where(
    ArtifactRow.sha256.in_(bindparam("digests", expanding=True)), ArtifactRow.sha256.in_(_KEPT)
)


def kept_by(session: Session, visitor: str) -> set[str]:
    """The digests that count towards a visitor's space: their uploads, and inputs and outputs of their runs."""
    return set(session.scalars(_KEPT, {"visitor": visitor}))


def used_bytes(session: Session, visitor: str) -> int:
    """How much a visitor keeps; what they keep twice counts once."""
    return int(session.scalar(_USED, {"visitor": visitor}) or 0)


def check_room(session: Session, visitor: str, sizes: Mapping[str, int], limits: Limits) -> None:
    """Raise QuotaExceeded unless `sizes` (digest -> bytes) fit into what the visitor may keep.

    With no sizes, unless there is any room left at all.
    """
    theirs = set(session.scalars(_THEIRS, {"visitor": visitor, "digests": list(sizes)})) if sizes else set()
    more = sum(size for digest, size in sizes.items() if digest not in theirs)
    used = used_bytes(session, visitor)
    if used + max(more, 0 if sizes else 1) <= limits.visitor_bytes or (sizes and not more):
        return
    needed = f" and {more / MIB:.1f} MiB more are needed" if more else ""
    raise QuotaExceeded(
        f"Your space is full: {used / MIB:.1f} of {limits.visitor_bytes / MIB:.1f} MiB are used{needed}.",
        hint="Delete saved sessions that you no longer need: their space is free "
        f"within {_FREED.total_seconds() / 60:g} minutes, or at once when you erase them. "
        f"What was not saved goes by itself after {limits.keep_hours:g} hours.",
    )


def chunks(values: Iterable[str]) -> list[list[str]]:
    """`values` in lists short enough for one query."""
    every = list(values)
    return [every[start : start + _QUERY_CHUNK] for start in range(0, len(every), _QUERY_CHUNK)]

"""The collector: what has expired goes, then the files that nothing refers to. Run every few minutes by the server."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from backends.store.access import Parts, chunks
from backends.store.erasing import (
    drop_runs,
    drop_session,
    expired_runs,
    remove_strays,
    remove_unreferenced,
    unreferenced_before,
)
from backends.store.tables import LinkRow, RunRow, SessionRow, UploadRow, VisitorRow
from backends.store.values import UNDO, Collected

GRACE = timedelta(minutes=10)  # between a file's writing and its row's commit lie milliseconds
VISITOR_KEPT = timedelta(days=90)  # for a visitor who keeps nothing; all they lose is having accepted a notice


LINK_KEPT = timedelta(days=90)  # after it closed: who still tries it is told how it closed, and not just 'no such link'


def collect(parts: Parts, now: datetime) -> Collected:
    """Remove what has expired by `now`. Several short transactions, each safe to be the last."""
    with parts.database.write() as session:
        sessions, saved_runs = _drop_deleted(session, now)
        runs, _ = drop_runs(session, expired_runs(now))
        uploads = _count_and_drop(session, UploadRow, UploadRow.expires <= now)
        closed = or_(LinkRow.revoked <= now - LINK_KEPT, LinkRow.expires <= now - LINK_KEPT)
        links = _count_and_drop(session, LinkRow, closed)
        visitors = _drop_idle(session, now)
    artifacts, freed = remove_unreferenced(parts, unreferenced_before(parts, now - GRACE))
    strays, stray_bytes = remove_strays(parts, now - GRACE)
    parts.files.sweep_incoming()
    return Collected(
        uploads=uploads,
        runs=runs + saved_runs,
        sessions=sessions,
        links=links,
        visitors=visitors,
        artifacts=artifacts + strays,
        bytes=freed + stray_bytes,
    )


def _drop_deleted(session: Session, now: datetime) -> tuple[int, int]:
    """Erase the sessions whose time to be restored is over; returns how many, and how many runs went with them."""
    over = list(session.scalars(select(SessionRow.id).where(SessionRow.deleted <= now - UNDO)))
    return len(over), sum(drop_session(session, session_id)[0] for session_id in over)


def _count_and_drop(session: Session, table: type[UploadRow | LinkRow], which: ColumnElement[bool]) -> int:
    found = session.scalar(select(func.count()).select_from(table).where(which)) or 0
    session.execute(delete(table).where(which))
    return found


def _drop_idle(session: Session, now: datetime) -> int:
    kept = [exists().where(table.visitor == VisitorRow.id) for table in (UploadRow, RunRow, SessionRow)]
    idle = select(VisitorRow.id).where(VisitorRow.seen < now - VISITOR_KEPT, *(~item for item in kept))
    visitors = list(session.scalars(idle))
    for part in chunks(visitors):
        session.execute(delete(VisitorRow).where(VisitorRow.id.in_(part)))
    return len(visitors)

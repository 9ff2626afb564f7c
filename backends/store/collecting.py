"""The collector: what has expired goes, then the files that nothing refers to. Run every few minutes by the server."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, exists, select

from backends.store.access import Parts, chunks
from backends.store.erasing import drop_runs, expired_runs, remove_strays, remove_unreferenced, unreferenced_before
from backends.store.tables import RunRow, SessionRow, UploadRow, VisitorRow
from backends.store.values import Collected

GRACE = timedelta(minutes=10)  # between a file's writing and its row's commit lie milliseconds
VISITOR_KEPT = timedelta(days=90)  # for a visitor who keeps nothing; all they lose is having accepted a notice


def collect(parts: Parts, now: datetime) -> Collected:
    """Remove what has expired by `now`. Several short transactions, each safe to be the last."""
    runs, uploads, visitors = _drop_expired(parts, now)
    artifacts, freed = remove_unreferenced(parts, unreferenced_before(parts, now - GRACE))
    strays, stray_bytes = remove_strays(parts, now - GRACE)
    parts.files.sweep_incoming()
    return Collected(uploads, runs, visitors, artifacts + strays, freed + stray_bytes)


def _drop_expired(parts: Parts, now: datetime) -> tuple[int, int, int]:
    kept = [exists().where(table.visitor == VisitorRow.id) for table in (UploadRow, RunRow, SessionRow)]
    idle = select(VisitorRow.id).where(VisitorRow.seen < now - VISITOR_KEPT, *(~item for item in kept))
    with parts.database.write() as session:
        runs, _ = drop_runs(session, expired_runs(now))
        late = select(UploadRow.sha256).where(UploadRow.expires <= now)
        uploads = len(session.scalars(late).all())
        session.execute(delete(UploadRow).where(UploadRow.expires <= now))
        visitors = list(session.scalars(idle))
        for part in chunks(visitors):
            session.execute(delete(VisitorRow).where(VisitorRow.id.in_(part)))
    return runs, uploads, len(visitors)

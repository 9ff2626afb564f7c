"""Removing rows, and then the artifacts that nothing refers to any more.

Files are removed only inside a writing transaction that has just seen that nothing refers to them, and whoever
refers to a file checks inside a writing transaction that it is there (artifacts.record). One of the two comes first;
either way no reference is left without its file. A crash in between leaves files without rows, never the reverse
for anything that is referred to.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, exists, select
from sqlalchemy.orm import Session

from backends.store.access import Parts, chunks
from backends.store.tables import ArtifactRow, RunInputRow, RunOutputRow, RunRow, SessionRow, SessionRunRow, UploadRow
from backends.store.values import ENDED


def kept_only_by(session_id: str) -> Select[str]:
    """The ended runs that this session holds and no other does."""
    others = exists().where(SessionRunRow.run_id == RunRow.id, SessionRunRow.session_id != session_id)
    here = exists().where(SessionRunRow.run_id == RunRow.id, SessionRunRow.session_id == session_id)
    return select(RunRow.id).where(here, ~others, RunRow.state.in_(ENDED))


def expired_runs(now: datetime) -> Select[str]:
    """The ended runs whose time has come and that no session holds."""
    saved = exists().where(SessionRunRow.run_id == RunRow.id)
    return select(RunRow.id).where(RunRow.expires <= now, ~saved)


def drop_runs(session: Session, which: Select[str]) -> tuple[int, set[str]]:
    """Delete runs; returns how many, and the digests they referred to."""
    run_ids, digests = list(session.scalars(which)), set[str]()
    for part in chunks(run_ids):
        for table in (RunInputRow, RunOutputRow):
            digests.update(session.scalars(select(table.sha256).where(table.run_id.in_(part))))
        session.execute(delete(RunRow).where(RunRow.id.in_(part)))
    return len(run_ids), digests


def drop_session(session: Session, session_id: str) -> tuple[int, set[str]]:
    """Delete a session, its links, and the runs it alone holds; returns how many runs, and the digests they had."""
    dropped = drop_runs(session, kept_only_by(session_id))
    session.execute(delete(SessionRow).where(SessionRow.id == session_id))
    return dropped


def remove_unreferenced(parts: Parts, digests: Iterable[str]) -> tuple[int, int]:
    """Remove those of `digests` that nothing refers to, rows and files; returns (how many, bytes freed)."""
    count = freed = 0
    for part in chunks(digests):
        with parts.database.write() as session:
            orphans = list(session.scalars(select(ArtifactRow.sha256).where(ArtifactRow.sha256.in_(part), *_unused())))
            session.execute(delete(ArtifactRow).where(ArtifactRow.sha256.in_(orphans)))
            freed += sum(parts.files.remove(digest) for digest in orphans)
            count += len(orphans)
    return count, freed


def unreferenced_before(parts: Parts, moment: datetime) -> list[str]:
    """The artifacts made before `moment` that nothing refers to."""
    with parts.database.read() as session:
        return list(session.scalars(select(ArtifactRow.sha256).where(ArtifactRow.created < moment, *_unused())))


def remove_strays(parts: Parts, moment: datetime) -> tuple[int, int]:
    """Remove files last written before `moment` that have no row: their writer died, or was refused."""
    count = freed = 0
    for part in chunks(parts.files.older_than(moment)):
        known = select(ArtifactRow.sha256).where(ArtifactRow.sha256.in_(part))
        with parts.database.read() as session:
            strays = set(part) - set(session.scalars(known))
        if not strays:
            continue
        with parts.database.write() as session:
            strays -= set(session.scalars(known))
            freed += sum(parts.files.remove(digest) for digest in strays)
            count += len(strays)
    return count, freed


def _unused() -> tuple[ColumnElement[bool], ...]:
    return tuple(
        ~exists().where(table.sha256 == ArtifactRow.sha256) for table in (UploadRow, RunInputRow, RunOutputRow)
    )

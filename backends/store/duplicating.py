"""Copies of sessions. One's own share their runs; a shared one gives the reader runs of their own, no new bytes."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction

from backends.core.errors import Busy
from backends.core.identity import new_id
from backends.store.access import Parts, check_room, chunks
from backends.store.recording import copy_inputs, copy_outputs, new_session
from backends.store.tables import ArtifactRow, RunInputRow, RunOutputRow, RunRow, SessionRow, SessionRunRow
from backends.store.texts import copy_title
from backends.store.values import Session


def duplicate(session: Transaction, source: Session, visitor: str, parts: Parts) -> SessionRow:
    """A copy of `source`, which the visitor may read, with all its texts that they see.

    Raises QuotaExceeded, Busy while a shared run has not ended; the caller's transaction then leaves no trace.
    """
    now = parts.clock()
    row = new_session(session, visitor, copy_title(source.title), source.notes, list(source.tags), now)
    run_ids = [run.id for run in source.runs]
    if not source.mine:
        if not all(run.ended for run in source.runs):
            raise Busy("A result of this session is still being computed.", retry_after=10.0)
        check_room(session, visitor, _sizes(session, run_ids), parts.limits)
        run_ids = [_copy_run(session, run_id, visitor, parts, now) for run_id in run_ids]
    for position, (item, run_id) in enumerate(zip(source.items, run_ids, strict=True)):
        session.add(
            SessionRunRow(
                session_id=row.id,
                run_id=run_id,
                position=position,
                title=item.title,
                note=item.note,
                speaker=item.speaker,
                live=item.live,
            )
        )
    return row


def _sizes(session: Transaction, run_ids: list[str]) -> dict[str, int]:
    """Bytes by digest, of all that the runs refer to."""
    found: dict[str, int] = {}
    for part in chunks(run_ids):
        for table in (RunInputRow, RunOutputRow):
            query = select(ArtifactRow.sha256, ArtifactRow.bytes).join(table, table.sha256 == ArtifactRow.sha256)
            found.update(session.execute(query.where(table.run_id.in_(part))).all())
    return found


def _copy_run(session: Transaction, source_id: str, visitor: str, parts: Parts, now: datetime) -> str:
    """The same run for another owner. It tells when it was computed, and that this is a copy; not whose it was."""
    source = session.get_one(RunRow, source_id)
    keep_hours = min(source.keep_hours, parts.limits.keep_hours)
    row = RunRow(
        id=new_id(),
        visitor=visitor,
        experiment=source.experiment,
        experiment_digest=source.experiment_digest,
        version=source.version,
        state=source.state,
        fraction=source.fraction,
        sentence=source.sentence,
        created=source.created,
        started=source.started,
        finished=source.finished,
        expires=now + timedelta(hours=keep_hours),
        keep_hours=keep_hours,
        error=source.error,
        provenance={**source.provenance, "copied": True},
    )
    session.add(row)
    session.flush()
    copy_inputs(session, source_id, row.id)
    copy_outputs(session, source_id, row.id)
    return row.id

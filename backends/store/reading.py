"""Rows into values. `VIEW` and `SESSION_VIEW` name all that a value needs, so that lists cost a fixed few queries."""

from __future__ import annotations

from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import selectinload

from backends.core.experiment import Experiment
from backends.core.results import Kind
from backends.store.access import may_read_run, missing, not_yours
from backends.store.tables import RunOutputRow, RunRow, SessionRow, SessionRunRow
from backends.store.values import Run, Session, State, StoredOutput

VIEW = (selectinload(RunRow.outputs).joinedload(RunOutputRow.artifact), selectinload(RunRow.memberships))
_MEMBER_RUN = selectinload(SessionRow.members).joinedload(SessionRunRow.run)
SESSION_VIEW = (
    _MEMBER_RUN.selectinload(RunRow.outputs).joinedload(RunOutputRow.artifact),
    _MEMBER_RUN.selectinload(RunRow.memberships),
)


def run_row(session: Transaction, run_id: str) -> RunRow:
    """The run with all that a value needs. Raises NotFound."""
    row = session.scalar(select(RunRow).where(RunRow.id == run_id).options(*VIEW))
    if row is None:
        raise missing("run")
    return row


def readable_run(session: Transaction, run_id: str, visitor: str) -> RunRow:
    """The run, if the visitor may read it. Raises NotFound, NotYours."""
    row = run_row(session, run_id)
    if row.visitor != visitor and not may_read_run(session, run_id, visitor):
        raise not_yours("run")
    return row


def run_value(row: RunRow, reader: str | None = None) -> Run:
    """The run as a value. reader: who will see it; the owner is not named to others. None: the server itself."""
    return Run(
        id=row.id,
        visitor=row.visitor if reader in (None, row.visitor) else "",
        experiment=Experiment.from_json(row.experiment),
        state=cast("State", row.state),
        fraction=row.fraction,
        sentence=row.sentence,
        created=row.created,
        started=row.started,
        finished=row.finished,
        error=row.error,
        reference=row.reference,
        provenance=row.provenance,
        saved=bool(row.memberships),
        outputs=tuple(_output_value(output) for output in row.outputs),
    )


def session_value(row: SessionRow, reader: str) -> Session:
    """The session as a value for this reader."""
    return Session(
        id=row.id,
        link=row.link,
        title=row.title,
        notes=row.notes,
        created=row.created,
        updated=row.updated,
        runs=tuple(run_value(member.run, reader) for member in row.members),
        mine=row.visitor == reader,
    )


def _output_value(row: RunOutputRow) -> StoredOutput:
    return StoredOutput(row.name, cast("Kind", row.kind), row.sha256, row.media_type, row.artifact.bytes, row.meta)

"""Runs and sessions on their way in: artifacts first, then the rows, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from backends.core.digest import sha256
from backends.core.encoding import encode
from backends.core.errors import StoreError
from backends.core.experiment import Experiment
from backends.core.identity import new_id
from backends.core.results import Encoded, Result
from backends.store.access import Parts, check_room, ensure_visitor, readable_artifact
from backends.store.artifacts import Piece, record
from backends.store.tables import LinkRow, RunInputRow, RunOutputRow, RunRow, SessionRow, UploadRow


@dataclass(frozen=True)
class Prepared:
    """A result as bytes, with their hash."""

    name: str
    digest: str
    encoded: Encoded


def prepare(outputs: Mapping[str, Result], parts: Parts, now: datetime) -> list[Prepared]:
    """Encode the results and write their bytes; no transaction is open. Raises StoreError."""
    try:
        encoded = {name: encode(result) for name, result in outputs.items()}
    except ValueError as err:  # canonical JSON has no NaN and no infinity
        raise StoreError(
            "A result of this run has a value that cannot be kept, such as infinity.", hint="Try other settings."
        ) from err
    prepared = [Prepared(name, sha256(item.data), item) for name, item in encoded.items()]
    for item in prepared:
        parts.files.write(item.digest, item.encoded.data, now)
    return prepared


def record_outputs(session: Session, row: RunRow, prepared: list[Prepared], parts: Parts, now: datetime) -> None:
    """Write the rows of a run's outputs. Raises QuotaExceeded when its owner's space is full."""
    check_room(session, row.visitor, {item.digest: len(item.encoded.data) for item in prepared}, parts.limits)
    pieces = [Piece(item.digest, item.encoded.data, item.encoded.media_type) for item in prepared]
    record(session, parts.files, pieces, now)
    for position, item in enumerate(prepared):
        session.add(
            RunOutputRow(
                run_id=row.id,
                name=item.name,
                position=position,
                kind=item.encoded.kind,
                sha256=item.digest,
                media_type=item.encoded.media_type,
                meta=dict(item.encoded.meta),
            )
        )


def record_inputs(session: Session, run_id: str, experiment: Experiment, visitor: str, now: datetime) -> None:
    """Tie a run to its inputs. Raises NotFound unless the visitor may read each; else any hash would open any file."""
    for name, digest in experiment.inputs.items():
        readable_artifact(session, digest, visitor, now)
        session.add(RunInputRow(run_id=run_id, name=name, sha256=digest))


def copy_outputs(session: Session, source_id: str, run_id: str) -> None:
    """Give a run the outputs of another; the bytes are shared."""
    _copy_rows(session, RunOutputRow, source_id, run_id)


def copy_inputs(session: Session, source_id: str, run_id: str) -> None:
    """Give a run the inputs of another that its owner may read; the bytes are shared."""
    _copy_rows(session, RunInputRow, source_id, run_id)


def _copy_rows(session: Session, table: type[RunInputRow | RunOutputRow], source_id: str, run_id: str) -> None:
    columns = [column for column in table.__table__.columns if column.name != "run_id"]
    for found in session.execute(select(*columns).where(table.run_id == source_id)).mappings().all():
        session.execute(insert(table).values(run_id=run_id, **found))


def keep_hours(session: Session, experiment: Experiment, visitor: str, usual: float) -> float:
    """How long a run is kept that was not saved: as long as the input that is kept for the shortest time."""
    inputs = list(experiment.inputs.values())
    query = select(UploadRow.keep_hours).where(UploadRow.visitor == visitor, UploadRow.sha256.in_(inputs))
    found: list[float] = list(session.scalars(query))
    return min([usual, *found])


def new_session(session: Session, visitor: str, title: str, notes: str, tags: list[str], now: datetime) -> SessionRow:
    """An empty session with one open link. The texts are checked already."""
    ensure_visitor(session, visitor, now)
    row = SessionRow(id=new_id(), visitor=visitor, title=title, notes=notes, tags=tags, created=now, updated=now)
    session.add(row)
    session.flush()
    session.add(LinkRow(id=new_id(), session_id=row.id, created=now))
    session.flush()
    return row

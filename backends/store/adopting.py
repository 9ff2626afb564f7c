"""A session from elsewhere becomes a visitor's own: files first, then every row in one transaction, or none.

What it says is believed as far as its owner goes and no further. Its runs never answer what anybody else asks: they
carry no version, by which the cache looks runs up, and tell of themselves that they were brought here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session as Transaction

from backends.core.digest import is_sha256
from backends.core.experiment import Experiment
from backends.core.identity import new_id
from backends.store.access import Parts, check_room, checked_visitor, ensure_visitor
from backends.store.artifacts import record, renew_upload
from backends.store.files import Files
from backends.store.finding import loaded
from backends.store.reading import own_session_value
from backends.store.recording import new_session
from backends.store.tables import RunInputRow, RunOutputRow, RunRow, SessionRunRow
from backends.store.values import Item, Run, Session, StoredOutput

IMPORTED = "imported"  # in a run's provenance: true where it was brought here, lest it be taken for computed here


@dataclass(frozen=True)
class BroughtFile:
    """An artifact that lies elsewhere. chunks: its bytes, as often as it is called."""

    digest: str
    size: int
    media_type: str
    chunks: Callable[[], Iterable[bytes]]

    def write(self, files: Files, now: datetime) -> None:
        """Put it where it belongs. Raises ArtifactMissing where the bytes are not of its digest, StoreError."""
        files.bring(self.digest, self.size, self.chunks, now)


@dataclass(frozen=True)
class Adopted:
    """What is brought. session: without ids; all of its runs have ended. files: by digest, all that the runs refer to.

    more_bytes: what it takes besides the files, its texts say. keep_hours: of an action, by its name: how long its
    runs and their inputs are kept once they are in no session.
    """

    session: Session
    files: Mapping[str, BroughtFile]
    more_bytes: int
    keep_hours: Callable[[str], float]

    @property
    def sizes(self) -> dict[str, int]:
        """Bytes by digest, of all that it takes."""
        return {"": self.more_bytes, **{digest: file.size for digest, file in self.files.items()}}


def adopt(parts: Parts, visitor: str, brought: Adopted) -> Session:
    """A new session of the visitor's with runs of their own. Raises QuotaExceeded, ArtifactMissing, StoreError.

    Whatever it raises, no row is left; files are left at most until the next collection.
    """
    checked_visitor(visitor)
    with parts.database.read() as session:  # before the disk is touched
        check_room(session, visitor, brought.sizes, parts.limits)
    now = parts.clock()
    for file in brought.files.values():
        file.write(parts.files, now)
    with parts.database.write() as session:
        ensure_visitor(session, visitor, now)
        check_room(session, visitor, brought.sizes, parts.limits)
        record(session, parts.files, brought.files.values(), now)
        given = brought.session
        row = new_session(session, visitor, given.title, given.notes, list(given.tags), now)
        for position, item in enumerate(given.items):
            hours = min(brought.keep_hours(item.run.experiment.action), parts.limits.keep_hours)
            run_id = _add_run(session, item.run, visitor, now, hours)
            session.add(_place(row.id, run_id, position, item))
        session.flush()
        session.expire_all()
        return own_session_value(loaded(session, row.id), now)


def inputs_of(experiment: Experiment) -> dict[str, str]:
    """Parameter name -> sha256 of the inputs. Of a newer form's only what is told as a content hash."""
    return {name: digest for name, digest in experiment.inputs.items() if is_sha256(digest)}


def _add_run(session: Transaction, run: Run, visitor: str, now: datetime, hours: float) -> str:
    row = RunRow(
        id=new_id(),
        visitor=visitor,
        experiment=run.experiment.canonical.decode(),
        experiment_digest=run.experiment.digest,
        version="",  # the cache finds runs by version, and must not find this one
        state=run.state,
        fraction=run.fraction,
        sentence=run.sentence,
        created=run.created,
        started=run.started,
        finished=run.finished,
        expires=now + timedelta(hours=hours),
        keep_hours=hours,
        error=run.error,
        provenance={**run.provenance, IMPORTED: True},
    )
    session.add(row)
    session.flush()
    for name, digest in inputs_of(run.experiment).items():
        renew_upload(session, visitor, digest, now, hours)
        session.add(RunInputRow(run_id=row.id, name=name, sha256=digest))
    session.add_all(_output(row.id, position, output) for position, output in enumerate(run.outputs))
    return row.id


def _output(run_id: str, position: int, output: StoredOutput) -> RunOutputRow:
    return RunOutputRow(
        run_id=run_id,
        name=output.name,
        position=position,
        kind=output.kind,
        sha256=output.digest,
        media_type=output.media_type,
        meta=output.meta,
    )


def _place(session_id: str, run_id: str, position: int, item: Item) -> SessionRunRow:
    return SessionRunRow(
        session_id=session_id,
        run_id=run_id,
        position=position,
        title=item.title,
        note=item.note,
        speaker=item.speaker,
        live=item.live,
    )

"""The ledger of runs: queued -> running -> done | cancelled | failed | interrupted. An ended run never changes again.

What the runtime calls takes a run's id alone; what a visitor can cause takes the visitor too and checks them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from backends.core.digest import canonical_json
from backends.core.encoding import decode
from backends.core.errors import Cancelled, Interrupted, StoreError, VitrineError
from backends.core.experiment import Experiment
from backends.core.identity import new_id
from backends.core.results import Encoded, Result
from backends.store.access import Parts, check_room, checked_id, checked_visitor, ensure_visitor, missing
from backends.store.reading import VIEW, readable_run, run_row, run_value
from backends.store.recording import copy_outputs, keep_hours, prepare, record_inputs, record_outputs
from backends.store.tables import RunRow
from backends.store.values import ENDED, Run, State

_RECENT_MAX = 500
_CACHE_TRIES = 4  # older runs of the same experiment to look at when the newest has lost a file


class Runs:
    """Runs: written by the runtime, read by their owners and by who was given a link. Thread-safe."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def create(self, experiment: Experiment, visitor: str) -> Run:
        """A queued run. Raises NotFound when the visitor may not read an input, QuotaExceeded when no room is left."""
        with self._parts.database.write() as session:
            return run_value(self._new_row(session, experiment, visitor))

    def start(self, run_id: str) -> Run:
        """Queued -> running. Raises Cancelled when it was stopped while it waited, StoreError when it ran before."""
        with self._parts.database.write() as session:
            row = run_row(session, checked_id(run_id, "run"))
            if row.state == "cancelled":
                raise Cancelled
            if row.state != "queued":
                raise StoreError(f"This run cannot start: it is {row.state} already.")
            row.state, row.started = "running", self._parts.clock()
            return run_value(row)

    def progress(self, run_id: str, fraction: float, sentence: str) -> None:
        """Note how far a running run is; says nothing when it has ended or was erased meanwhile."""
        within = min(1.0, max(0.0, fraction))  # 1.0000001 after a division is no reason to fail a run
        change = update(RunRow).where(RunRow.id == checked_id(run_id, "run"), RunRow.state == "running")
        with self._parts.database.write() as session:
            session.execute(change.values(fraction=within, sentence=sentence[:500]))

    def finish(self, run_id: str, outputs: Mapping[str, Result], provenance: Mapping[str, Any]) -> Run:
        """Store the results and mark the run done, all or nothing; an ended run is returned as it stands.

        provenance: plain data with at least "version", the package version that the cache goes by.
        Raises QuotaExceeded (the run goes on: fail it), NotFound when it was erased meanwhile, StoreError.
        """
        checked_id(run_id, "run")
        _check_provenance(provenance)
        prepared = prepare(outputs, self._parts, self._parts.clock())

        def done(session: Session, row: RunRow) -> None:
            record_outputs(session, row, prepared, self._parts, self._parts.clock())
            row.fraction, row.version, row.provenance = 1.0, provenance["version"], dict(provenance)

        return self._end(run_id, "done", done)

    def fail(self, run_id: str, error: VitrineError, reference: str = "") -> Run:
        """Mark the run failed. reference: the id under which the log tells more."""

        def failed(_session: Session, row: RunRow) -> None:
            row.error, row.reference = error.as_dict(), reference[:64]

        return self._end(run_id, "failed", failed)

    def cancel(self, run_id: str) -> Run:
        """Mark the run stopped; an ended run is returned as it stands."""

        def cancelled(_session: Session, row: RunRow) -> None:
            row.error = Cancelled().as_dict()

        return self._end(run_id, "cancelled", cancelled)

    def get(self, run_id: str, visitor: str) -> Run:
        """The run. Raises NotFound unless the visitor owns it or opened a link to it."""
        with self._parts.database.read() as session:
            now = self._parts.clock()
            return run_value(readable_run(session, checked_id(run_id, "run"), checked_visitor(visitor), now), visitor)

    def outputs(self, run_id: str, visitor: str) -> dict[str, Result]:
        """The results by name, in the order they were given. Raises NotFound as `get`; ArtifactMissing."""
        found = self.get(run_id, visitor).outputs
        read = self._parts.files.read
        return {item.name: decode(Encoded(item.kind, item.media_type, read(item.digest), item.meta)) for item in found}

    def recent(self, visitor: str, limit: int = 50) -> list[Run]:
        """The visitor's own runs, newest first; at most 500."""
        query = select(RunRow).where(RunRow.visitor == checked_visitor(visitor)).options(*VIEW)
        query = query.order_by(RunRow.created.desc(), RunRow.id).limit(min(max(limit, 0), _RECENT_MAX))
        with self._parts.database.read() as session:
            return [run_value(row, visitor) for row in session.scalars(query)]

    def queued(self) -> list[Run]:
        """All runs that wait, oldest first: what a new start of the server takes up again."""
        query = select(RunRow).where(RunRow.state == "queued").options(*VIEW)
        with self._parts.database.read() as session:
            return [run_value(row) for row in session.scalars(query.order_by(RunRow.created, RunRow.id))]

    def interrupt_running(self) -> int:
        """At start-up: mark runs that were going when the server stopped; returns how many."""
        error = Interrupted("The server stopped while this was running.", hint="Run it again.").as_dict()
        with self._parts.database.write() as session:
            rows = session.scalars(select(RunRow).where(RunRow.state == "running")).all()
            for row in rows:
                row.error = error
                self._close(row, "interrupted")
            return len(rows)

    def find_done(self, experiment_digest: str, version: str) -> Run | None:
        """The cache: the newest done run of this experiment and version whose files are all there, whoever's it is.

        For the server itself; `reuse` gives a visitor their own copy.
        """
        query = (
            select(RunRow)
            .where(RunRow.experiment_digest == experiment_digest, RunRow.version == version, RunRow.state == "done")
            .order_by(RunRow.created.desc(), RunRow.id)
            .options(*VIEW)
            .limit(_CACHE_TRIES)
        )
        with self._parts.database.read() as session:
            runs = [run_value(row) for row in session.scalars(query)]
        whole = self._parts.files.whole
        return next((run for run in runs if all(whole(item.digest, item.bytes) for item in run.outputs)), None)

    def reuse(self, done: Run, visitor: str) -> Run:
        """A done run of the visitor's own with the results of `done` (from `find_done`); nothing is computed.

        Their own run is given back with its expiry renewed. A copy says so in provenance["cached"].
        Raises NotFound when `done` is gone or the visitor may not read an input, QuotaExceeded.
        """
        with self._parts.database.write() as session:
            source = run_row(session, checked_id(done.id, "run"))
            if source.state != "done":
                raise missing("run")
            if source.visitor == visitor:
                source.expires = self._parts.clock() + timedelta(hours=source.keep_hours)
                return run_value(source, visitor)
            row = self._new_row(session, done.experiment, visitor)
            sizes = {item.sha256: item.artifact.bytes for item in source.outputs}
            check_room(session, visitor, sizes, self._parts.limits)
            copy_outputs(session, source.id, row.id)
            row.fraction, row.version = 1.0, source.version
            row.provenance = {**source.provenance, "cached": True}
            self._close(row, "done")
            session.flush()
            session.expire_all()
            return run_value(run_row(session, row.id), visitor)

    def _new_row(self, session: Session, experiment: Experiment, visitor: str) -> RunRow:
        now = self._parts.clock()
        ensure_visitor(session, checked_visitor(visitor), now)
        check_room(session, visitor, {}, self._parts.limits)
        row = RunRow(
            id=new_id(),
            visitor=visitor,
            experiment=experiment.canonical.decode(),
            experiment_digest=experiment.digest,
            state="queued",
            created=now,
            keep_hours=keep_hours(session, experiment, visitor, self._parts.limits.keep_hours),
            provenance={},
        )
        session.add(row)
        session.flush()
        record_inputs(session, row.id, experiment, visitor, now)
        return run_row(session, row.id)

    def _end(self, run_id: str, state: State, change: Callable[[Session, RunRow], None]) -> Run:
        with self._parts.database.write() as session:
            row = run_row(session, checked_id(run_id, "run"))
            if row.state not in ENDED:
                change(session, row)
                self._close(row, state)
                session.flush()
                session.expire_all()
                row = run_row(session, run_id)
            return run_value(row)

    def _close(self, row: RunRow, state: State) -> None:
        now = self._parts.clock()
        row.state, row.finished, row.expires = state, now, now + timedelta(hours=row.keep_hours)


def _check_provenance(provenance: Mapping[str, Any]) -> None:
    if not isinstance(provenance.get("version"), str):
        raise StoreError("A run's provenance needs the version that made it.")
    try:
        canonical_json(dict(provenance))
    except (ValueError, TypeError) as err:
        raise StoreError("A run's provenance must be plain data without infinities.") from err

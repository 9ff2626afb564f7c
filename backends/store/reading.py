"""Rows into values. `VIEW` and `SESSION_VIEW` name all that a value needs, so that lists cost a fixed few queries."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session as Transaction
from sqlalchemy.orm import selectinload

from backends.core.experiment import Experiment
from backends.core.results import Kind
from backends.store.access import READABLE, missing, not_yours
from backends.store.tables import LinkRow, RunOutputRow, RunRow, SessionRow, SessionRunRow
from backends.store.values import Item, Link, Run, Session, State, StoredOutput

VIEW = (
    selectinload(RunRow.outputs).joinedload(RunOutputRow.artifact),
    selectinload(RunRow.memberships).joinedload(SessionRunRow.session),
)
_MEMBER_RUN = selectinload(SessionRow.members).joinedload(SessionRunRow.run)
SESSION_VIEW = (
    _MEMBER_RUN.selectinload(RunRow.outputs).joinedload(RunOutputRow.artifact),
    _MEMBER_RUN.selectinload(RunRow.memberships).joinedload(SessionRunRow.session),
    selectinload(SessionRow.links),
)


def run_row(session: Transaction, run_id: str) -> RunRow:
    """The run with all that a value needs. Raises NotFound."""
    row = session.scalar(select(RunRow).where(RunRow.id == run_id).options(*VIEW))
    if row is None:
        raise missing("run")
    return row


_READABLE_RUN = select(RunRow).where(RunRow.id == bindparam("run"), READABLE).options(*VIEW)


def readable_run(session: Transaction, run_id: str, visitor: str, now: datetime) -> RunRow:
    """The run, if the visitor may read it. Raises NotFound, NotYours."""
    row = session.scalar(_READABLE_RUN, {"run": run_id, "visitor": visitor, "now": now})
    if row is None:
        raise missing("run") if session.get(RunRow, run_id) is None else not_yours("run")
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
        saved=any(member.session.deleted is None for member in row.memberships),
        outputs=tuple(_output_value(output) for output in row.outputs),
        expires=row.expires,
    )


def own_session_value(row: SessionRow, now: datetime) -> Session:
    """The session as its owner sees it: with all links and speaker notes."""
    links = tuple(link_value(link) for link in row.links)
    newest = next((link.id for link in links if link.is_open(now)), "")
    return _session_value(row, row.visitor, newest, links)


def shared_session_value(row: SessionRow, reader: str, link: str) -> Session:
    """The session as someone sees it who came by `link`."""
    return _session_value(row, reader, link, ())


def link_value(row: LinkRow) -> Link:
    """The link as a value."""
    return Link(row.id, row.created, row.expires, row.revoked)


def _session_value(row: SessionRow, reader: str, link: str, links: tuple[Link, ...]) -> Session:
    mine = row.visitor == reader
    return Session(
        id=row.id,
        link=link,
        title=row.title,
        notes=row.notes,
        tags=tuple(row.tags),
        created=row.created,
        updated=row.updated,
        deleted=row.deleted,
        items=tuple(_item_value(member, reader, mine) for member in row.members),
        links=links,
        mine=mine,
    )


def _item_value(row: SessionRunRow, reader: str, mine: bool) -> Item:
    return Item(run_value(row.run, reader), row.title, row.note, row.speaker if mine else "", row.live)


def _output_value(row: RunOutputRow) -> StoredOutput:
    return StoredOutput(row.name, cast("Kind", row.kind), row.sha256, row.media_type, row.artifact.bytes, row.meta)

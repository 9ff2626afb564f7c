"""Which session a visitor means by an id or a link, and whether it is for them. Queries in a caller's transaction."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session as Transaction

from backends.core.errors import LinkClosed
from backends.store.access import OPEN_LINK, checked_id, checked_visitor, missing, not_yours
from backends.store.reading import SESSION_VIEW, link_value, own_session_value, shared_session_value
from backends.store.tables import GrantRow, LinkRow, SessionRow, SessionRunRow
from backends.store.values import Session

_ASK = "Ask whoever shared it for a new one."


def owned(session: Transaction, session_id: str, visitor: str) -> SessionRow:
    """The visitor's session that stands. Raises NotFound."""
    row = owned_ever(session, session_id, visitor)
    if row.deleted is not None:
        raise missing("session")
    return row


def owned_ever(session: Transaction, session_id: str, visitor: str) -> SessionRow:
    """The visitor's session, also one that was deleted and not erased yet. Raises NotFound."""
    row = session.get(SessionRow, checked_id(session_id, "session"))
    if row is None:
        raise missing("session")
    if row.visitor != checked_visitor(visitor):
        raise not_yours("session")
    return row


def loaded(session: Transaction, session_id: str) -> SessionRow:
    """The session with all that a value needs, deleted or not. Raises NotFound."""
    row = session.scalar(select(SessionRow).where(SessionRow.id == session_id).options(*SESSION_VIEW))
    if row is None:
        raise missing("session")
    return row


def standing(session: Transaction, session_id: str) -> SessionRow:
    """The same, unless it was deleted. Raises NotFound."""
    row = loaded(session, session_id)
    if row.deleted is not None:
        raise missing("session")
    return row


def member(session: Transaction, session_id: str, run_id: str) -> SessionRunRow:
    """The run's place in the session. Raises NotFound when it is not in."""
    row = session.get(SessionRunRow, (session_id, checked_id(run_id, "run")))
    if row is None:
        raise missing("run")
    return row


def readable(session: Transaction, session_id: str, visitor: str, now: datetime) -> Session:
    """The session as this visitor sees it: their own, or one of whose open links they came by. Raises NotFound."""
    row = session.get(SessionRow, checked_id(session_id, "session"))
    if row is None or row.deleted is not None:
        raise missing("session")
    if row.visitor == checked_visitor(visitor):
        return own_session_value(loaded(session, row.id), now)
    came_by = session.scalar(_CAME_BY, {"session": row.id, "visitor": visitor, "now": now})
    if came_by is None:
        raise not_yours("session")
    return shared_session_value(loaded(session, row.id), visitor, came_by)


# The newest open link of a session by which a visitor came.
_CAME_BY = (
    select(LinkRow.id)
    .join(SessionRow, SessionRow.id == LinkRow.session_id)
    .join(GrantRow, GrantRow.link_id == LinkRow.id)
    .where(LinkRow.session_id == bindparam("session"), GrantRow.visitor == bindparam("visitor"), OPEN_LINK)
    .order_by(LinkRow.created.desc(), LinkRow.id)
    .limit(1)
)


def addressed(session: Transaction, address: str, visitor: str, now: datetime) -> Session:
    """The session that a link opens, or the visitor's own by its id; also their own by a link that is closed.

    Raises NotFound, LinkClosed. Knowing a link is enough to read, whether or not one came by it before.
    """
    link = session.get(LinkRow, checked_id(address, "session"))
    if link is None:
        return own_session_value(loaded(session, owned(session, address, visitor).id), now)
    row = standing(session, link.session_id)
    if row.visitor == checked_visitor(visitor):
        return own_session_value(row, now)
    check_open(link, now)
    return shared_session_value(row, visitor, link.id)


def check_open(row: LinkRow, now: datetime) -> None:
    """Raises LinkClosed with a sentence that says how it was closed."""
    if row.revoked is not None:
        raise LinkClosed("This link was withdrawn by whoever shared it.", hint=_ASK)
    if row.expires is not None and not link_value(row).is_open(now):
        raise LinkClosed(f"This link expired on {row.expires.day} {row.expires:%B %Y}.", hint=_ASK)

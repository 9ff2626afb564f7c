"""Sessions: what a visitor saved, and the links by which others may look at it."""

from __future__ import annotations

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as Transaction

from backends.core.errors import BadInput
from backends.core.identity import new_id
from backends.store.access import Parts, checked_id, checked_visitor, ensure_visitor, missing, not_yours
from backends.store.erasing import drop_runs, kept_only_by, remove_unreferenced
from backends.store.reading import SESSION_VIEW, readable_run, session_value
from backends.store.tables import GrantRow, SessionRow, SessionRunRow
from backends.store.values import Session

TITLE_MAX = 200
NOTES_MAX = 20_000
SessionList = list[Session]


class Sessions:
    """Saved work. Only the owner writes; who opened the link reads. Thread-safe."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def create(self, visitor: str, title: str, notes: str = "") -> Session:
        """An empty session. Raises BadInput on an empty or overlong title."""
        checked_visitor(visitor)
        title, notes = _checked_title(title), _checked_notes(notes)
        now = self._parts.clock()
        with self._parts.database.write() as session:
            ensure_visitor(session, visitor, now)
            row = SessionRow(
                id=new_id(), link=new_id(), visitor=visitor, title=title, notes=notes, created=now, updated=now
            )
            session.add(row)
            session.flush()
            return session_value(_loaded(session, row.id), visitor)

    def add_run(self, session_id: str, visitor: str, run_id: str) -> Session:
        """Put a run of theirs at the end; it no longer expires. A run that is in already stays where it is.

        Raises NotFound unless both are the visitor's own (`runs.reuse` makes a shared run theirs).
        """
        with self._parts.database.write() as session:
            row = _owned(session, session_id, visitor)
            if readable_run(session, checked_id(run_id, "run"), visitor).visitor != visitor:
                raise not_yours("run")
            if session.get(SessionRunRow, (row.id, run_id)) is None:
                last = session.scalar(
                    select(func.max(SessionRunRow.position)).where(SessionRunRow.session_id == row.id)
                )
                position = 0 if last is None else last + 1
                session.add(SessionRunRow(session_id=row.id, run_id=run_id, position=position))
            return self._updated(session, row)

    def rename(self, session_id: str, visitor: str, title: str, notes: str | None = None) -> Session:
        """Change the title, and the notes where given. Raises NotFound unless it is theirs, BadInput."""
        title = _checked_title(title)
        with self._parts.database.write() as session:
            row = _owned(session, session_id, visitor)
            row.title = title
            if notes is not None:
                row.notes = _checked_notes(notes)
            return self._updated(session, row)

    def delete(self, session_id: str, visitor: str) -> None:
        """Erase the session, its link, and its ended runs that no other session holds; frees their space at once.

        Raises NotFound unless it is theirs.
        """
        with self._parts.database.write() as session:
            row = _owned(session, session_id, visitor)
            _, digests = drop_runs(session, kept_only_by(row.id))
            session.execute(delete(SessionRow).where(SessionRow.id == row.id))
        remove_unreferenced(self._parts, digests)

    def list(self, visitor: str) -> SessionList:
        """The visitor's own sessions, last changed first."""
        query = select(SessionRow).where(SessionRow.visitor == checked_visitor(visitor)).options(*SESSION_VIEW)
        with self._parts.database.read() as session:
            rows = session.scalars(query.order_by(SessionRow.updated.desc(), SessionRow.id))
            return [session_value(row, visitor) for row in rows]

    def get(self, session_id: str, visitor: str) -> Session:
        """The session. Raises NotFound unless the visitor owns it or opened its link."""
        checked_visitor(visitor)
        with self._parts.database.read() as session:
            row = _loaded(session, checked_id(session_id, "session"))
            if row.visitor != visitor and session.get(GrantRow, (visitor, row.id)) is None:
                raise not_yours("session")
            return session_value(row, visitor)

    def open_link(self, link: str, visitor: str) -> Session:
        """The session behind a link; from now on, and while it stands, the visitor may read its runs and their files.

        Raises NotFound.
        """
        checked_id(link, "session")
        with self._parts.database.read() as session:
            row = session.scalar(select(SessionRow).where(SessionRow.link == link).options(*SESSION_VIEW))
            if row is None:
                raise missing("session")
            known = row.visitor == checked_visitor(visitor) or session.get(GrantRow, (visitor, row.id)) is not None
        if not known:
            self._grant(row.id, visitor)
        return session_value(row, visitor)

    def _grant(self, session_id: str, visitor: str) -> None:
        now = self._parts.clock()
        with self._parts.database.write() as session:
            ensure_visitor(session, visitor, now)
            if session.get(SessionRow, session_id) is None:
                raise missing("session")
            if session.get(GrantRow, (visitor, session_id)) is None:
                session.add(GrantRow(visitor=visitor, session_id=session_id, created=now))

    def _updated(self, session: Transaction, row: SessionRow) -> Session:
        row.updated = self._parts.clock()
        session.flush()
        session.expire_all()
        return session_value(_loaded(session, row.id), row.visitor)


def _owned(session: Transaction, session_id: str, visitor: str) -> SessionRow:
    row = session.get(SessionRow, checked_id(session_id, "session"))
    if row is None:
        raise missing("session")
    if row.visitor != checked_visitor(visitor):
        raise not_yours("session")
    return row


def _loaded(session: Transaction, session_id: str) -> SessionRow:
    row = session.scalar(select(SessionRow).where(SessionRow.id == session_id).options(*SESSION_VIEW))
    if row is None:
        raise missing("session")
    return row


def _checked_title(title: str) -> str:
    clean = " ".join(title.replace("\0", "").split())
    if not 1 <= len(clean) <= TITLE_MAX:
        raise BadInput(f"The title must have 1 to {TITLE_MAX} characters.", hint="Give it a short name.", field="title")
    return clean


def _checked_notes(notes: str) -> str:
    clean = notes.replace("\0", "")  # PostgreSQL keeps no NUL
    if len(clean) > NOTES_MAX:
        raise BadInput(f"The notes must have at most {NOTES_MAX} characters.", hint="Shorten them.", field="notes")
    return clean

"""Sessions: what a visitor saved, and the links by which others may look at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session as Transaction

from backends.core.errors import BadInput
from backends.core.identity import new_id
from backends.store.access import Parts, checked_id, checked_visitor, ensure_visitor, missing, not_yours
from backends.store.duplicating import duplicate
from backends.store.erasing import drop_session, remove_unreferenced
from backends.store.finding import addressed, check_open, loaded, member, owned, owned_ever, readable, standing
from backends.store.reading import SESSION_VIEW, link_value, own_session_value, readable_run
from backends.store.recording import new_session
from backends.store.tables import GrantRow, LinkRow, RunRow, SessionRow, SessionRunRow
from backends.store.texts import checked_item_title, checked_tags, checked_text, checked_title
from backends.store.values import Link, Session

LINK_HOURS_MAX = 24.0 * 366  # a link that lives longer is meant to stay: give it no end
OPEN_LINKS_MAX = 100
SessionList = list[Session]


class Sessions:
    """Saved work. Only the owner writes; who came by an open link reads. Thread-safe."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def create(self, visitor: str, title: str, notes: str = "", tags: Sequence[str] = ()) -> Session:
        """An empty session with one open link. Raises BadInput."""
        checked_visitor(visitor)
        title, notes, clean = checked_title(title), checked_text(notes, "notes", "The notes"), checked_tags(tags)
        with self._parts.database.write() as session:
            return self._fresh(session, new_session(session, visitor, title, notes, clean, self._parts.clock()))

    def change(
        self,
        session_id: str,
        visitor: str,
        *,
        title: str | None = None,
        notes: str | None = None,
        tags: Sequence[str] | None = None,
    ) -> Session:
        """Change what is given. Raises NotFound unless it is theirs, BadInput."""
        with self._parts.database.write() as session:
            row = owned(session, session_id, visitor)
            if title is not None:
                row.title = checked_title(title)
            if notes is not None:
                row.notes = checked_text(notes, "notes", "The notes")
            if tags is not None:
                row.tags = checked_tags(tags)
            return self._updated(session, row)

    def add_run(self, session_id: str, visitor: str, run_id: str) -> Session:
        """Put a run of theirs at the end; it no longer expires. A run that is in already stays where it is.

        Raises NotFound unless both are the visitor's own (`runs.reuse` makes a shared run theirs).
        """
        with self._parts.database.write() as session:
            row, now = owned(session, session_id, visitor), self._parts.clock()
            if readable_run(session, checked_id(run_id, "run"), visitor, now).visitor != visitor:
                raise not_yours("run")
            if session.get(SessionRunRow, (row.id, run_id)) is None:
                here = SessionRunRow.session_id == row.id
                last = session.scalar(select(func.max(SessionRunRow.position)).where(here))
                position = 0 if last is None else last + 1
                session.add(SessionRunRow(session_id=row.id, run_id=run_id, position=position))
            return self._updated(session, row)

    def remove_run(self, session_id: str, visitor: str, run_id: str) -> Session:
        """Take a run out, with its texts here. In no other session, it expires like others from now on.

        Raises NotFound unless the session is theirs and the run is in.
        """
        with self._parts.database.write() as session:
            row = owned(session, session_id, visitor)
            session.delete(member(session, row.id, run_id))
            run = session.get_one(RunRow, run_id)
            if run.expires is not None:  # its first time is long over; going at once would leave nothing to put back
                run.expires = self._parts.clock() + timedelta(hours=run.keep_hours)
            return self._updated(session, row)

    def order(self, session_id: str, visitor: str, run_ids: Sequence[str]) -> Session:
        """Put the runs into this order. Raises NotFound unless it is theirs, BadInput unless each is named once."""
        with self._parts.database.write() as session:
            row = owned(session, session_id, visitor)
            members = session.scalars(select(SessionRunRow).where(SessionRunRow.session_id == row.id)).all()
            by_run = {one.run_id: one for one in members}
            if len(run_ids) != len(by_run) or set(run_ids) != set(by_run):
                raise BadInput(
                    "The order must name every result of the session once; one was added or removed meanwhile.",
                    hint="Nothing was changed. Reload, and order them again.",
                    field="run_ids",
                )
            for position, run_id in enumerate(run_ids):
                by_run[run_id].position = position
            return self._updated(session, row)

    def annotate(
        self,
        session_id: str,
        visitor: str,
        run_id: str,
        *,
        title: str | None = None,
        note: str | None = None,
        speaker: str | None = None,
        live: bool | None = None,
    ) -> Session:
        """Change what a run's slide says. Raises NotFound unless it is theirs and the run is in, BadInput."""
        with self._parts.database.write() as session:
            row = owned(session, session_id, visitor)
            place = member(session, row.id, run_id)
            if title is not None:
                place.title = checked_item_title(title)
            if note is not None:
                place.note = checked_text(note, "note", "The note")
            if speaker is not None:
                place.speaker = checked_text(speaker, "speaker", "The speaker note")
            if live is not None:
                place.live = live
            return self._updated(session, row)

    def duplicate(self, address: str, visitor: str) -> Session:
        """A copy with all texts the visitor sees; of someone else's session with runs of the visitor's own.

        All or nothing. Raises NotFound, LinkClosed, QuotaExceeded, Busy while a shared run has not ended.
        """
        with self._parts.database.write() as session:
            source = addressed(session, address, visitor, self._parts.clock())
            return self._fresh(session, duplicate(session, source, visitor, self._parts))

    def delete(self, session_id: str, visitor: str) -> Session:
        """Put it away: nobody sees it and its links open nothing, until it is restored or, after UNDO, collected.

        Raises NotFound unless it is theirs.
        """
        with self._parts.database.write() as session:
            row = owned(session, session_id, visitor)
            row.deleted = self._parts.clock()
            return self._fresh(session, row)

    def restore(self, session_id: str, visitor: str) -> Session:
        """Bring back what was deleted, with its links; nothing happens to one that stands. Raises NotFound."""
        with self._parts.database.write() as session:
            row = owned_ever(session, session_id, visitor)
            row.deleted = None
            return self._fresh(session, row)

    def erase(self, session_id: str, visitor: str) -> None:
        """Erase it for good, deleted or not: links, and ended runs that no other session holds; frees space at once.

        Raises NotFound unless it is theirs.
        """
        with self._parts.database.write() as session:
            _, digests = drop_session(session, owned_ever(session, session_id, visitor).id)
        remove_unreferenced(self._parts, digests)

    def share(self, session_id: str, visitor: str, *, hours: float | None = None) -> Link:
        """A new link. hours: how long it opens the session, more than 0 and at most a year; None for always.

        Raises NotFound unless it is theirs, BadInput.
        """
        if hours is not None and not 0 < hours <= LINK_HOURS_MAX:  # also false for NaN
            raise BadInput(
                f"A link can last from 0 to {LINK_HOURS_MAX:g} hours.", hint="Leave it empty for no end.", field="hours"
            )
        with self._parts.database.write() as session:
            row, now = standing(session, owned(session, session_id, visitor).id), self._parts.clock()
            if sum(link_value(link).is_open(now) for link in row.links) >= OPEN_LINKS_MAX:
                raise BadInput(f"A session can have {OPEN_LINKS_MAX} open links.", hint="Withdraw some.", field="hours")
            expires = None if hours is None else now + timedelta(hours=hours)
            link = LinkRow(id=new_id(), session_id=row.id, created=now, expires=expires)
            session.add(link)
            session.flush()
            return link_value(link)

    def revoke(self, session_id: str, visitor: str, link_id: str) -> Session:
        """Withdraw a link; who came by it reads nothing more. One that is closed stays closed as it is.

        Raises NotFound unless session and link are theirs.
        """
        with self._parts.database.write() as session:
            row, now = owned(session, session_id, visitor), self._parts.clock()
            link = session.get(LinkRow, checked_id(link_id, "link"))
            if link is None or link.session_id != row.id:
                raise missing("link")
            if link_value(link).is_open(now):
                link.revoked = now
            return self._fresh(session, row)

    def list(self, visitor: str) -> SessionList:
        """The visitor's own sessions, last changed first."""
        return self._all(visitor, SessionRow.deleted.is_(None), SessionRow.updated.desc())

    def deleted(self, visitor: str) -> SessionList:
        """The visitor's sessions that can be restored, last deleted first."""
        return self._all(visitor, SessionRow.deleted.is_not(None), SessionRow.deleted.desc())

    def get(self, session_id: str, visitor: str) -> Session:
        """The session. Raises NotFound unless the visitor owns it or came by one of its links that is open."""
        with self._parts.database.read() as session:
            return readable(session, session_id, visitor, self._parts.clock())

    def open(self, address: str, visitor: str) -> Session:
        """The session that a link opens, or one's own by its id. From now on this visitor may read its runs.

        Raises NotFound, and LinkClosed on a link that has expired or was withdrawn (its owner it still lets in).
        """
        with self._parts.database.read() as session:
            found = addressed(session, address, visitor, self._parts.clock())
            known = found.mine or session.get(GrantRow, (visitor, address)) is not None
        if not known:
            self._grant(address, visitor)
        return found

    def _all(self, visitor: str, which: ColumnElement[bool], first: ColumnElement[Any]) -> SessionList:
        query = select(SessionRow).where(SessionRow.visitor == checked_visitor(visitor), which)
        with self._parts.database.read() as session:
            rows = session.scalars(query.order_by(first, SessionRow.id).options(*SESSION_VIEW))
            return [own_session_value(row, self._parts.clock()) for row in rows]

    def _grant(self, link_id: str, visitor: str) -> None:
        now = self._parts.clock()
        with self._parts.database.write() as session:
            link = session.get(LinkRow, link_id)
            if link is None:
                raise missing("session")
            standing(session, link.session_id)
            check_open(link, now)
            ensure_visitor(session, visitor, now)
            if session.get(GrantRow, (visitor, link_id)) is None:
                session.add(GrantRow(visitor=visitor, link_id=link_id, created=now))

    def _updated(self, session: Transaction, row: SessionRow) -> Session:
        row.updated = self._parts.clock()
        return self._fresh(session, row)

    def _fresh(self, session: Transaction, row: SessionRow) -> Session:
        """The session as it now stands in the database."""
        session.flush()
        session.expire_all()
        return own_session_value(loaded(session, row.id), self._parts.clock())

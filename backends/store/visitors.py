"""Visitors: who came, what they accepted, and forgetting all of it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from backends.core.digest import sha256
from backends.store.access import Parts, checked_visitor, ensure_visitor, kept_by
from backends.store.erasing import remove_unreferenced
from backends.store.tables import VisitorRow

_SEEN_EVERY = timedelta(minutes=5)  # a page reruns many times a minute; each need not be a write


class Visitors:
    """Who has come. Thread-safe."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def seen(self, visitor: str) -> None:
        """Note that the visitor is here (to five minutes). Raises BadInput on what cannot be a visitor's id."""
        now = self._parts.clock()
        with self._parts.database.read() as session:
            row = session.get(VisitorRow, checked_visitor(visitor))
        if row is not None and now - row.seen < _SEEN_EVERY:
            return
        with self._parts.database.write() as session:
            ensure_visitor(session, visitor, now).seen = now

    def accept(self, visitor: str, notice: str) -> None:
        """Note that the visitor accepted this notice, word for word."""
        now = self._parts.clock()
        with self._parts.database.write() as session:
            row = ensure_visitor(session, checked_visitor(visitor), now)
            row.accepted = {**row.accepted, sha256(notice.encode()): now.isoformat()}

    def has_accepted(self, visitor: str, notice: str) -> bool:
        """Whether the visitor accepted this very text; a changed one has to be accepted anew."""
        with self._parts.database.read() as session:
            row = session.get(VisitorRow, checked_visitor(visitor))
        return row is not None and sha256(notice.encode()) in row.accepted

    def forget(self, visitor: str) -> None:
        """Erase all that is theirs, at once: uploads, runs, sessions, and the files that nobody else refers to."""
        with self._parts.database.write() as session:
            digests = kept_by(session, checked_visitor(visitor))
            session.execute(delete(VisitorRow).where(VisitorRow.id == visitor))
        remove_unreferenced(self._parts, digests)

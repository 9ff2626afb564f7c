"""Who may read what, as sets and lists: what the store must agree with, written without looking at how it does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

UNDO_MINUTES = 10


@dataclass(eq=False)
class MadeRun:
    """`gone` once nobody may find it."""

    id: str
    owner: str
    inputs: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    gone: bool = False


@dataclass(eq=False)
class MadeLink:
    id: str
    expires: datetime | None = None
    revoked: bool = False


@dataclass(eq=False)
class MadeSession:
    """`deleted`: when, while it can be restored."""

    id: str
    owner: str
    links: list[MadeLink]
    members: list[MadeRun] = field(default_factory=list)
    deleted: datetime | None = None
    gone: bool = False

    @property
    def stands(self) -> bool:
        return not self.gone and self.deleted is None


class Model:
    def __init__(self) -> None:
        self.uploads: set[tuple[str, str]] = set()
        self.digests: set[str] = set()
        self.runs: list[MadeRun] = []
        self.sessions: list[MadeSession] = []
        self.grants: set[tuple[str, str]] = set()  # visitor, link

    def is_open(self, link: MadeLink, session: MadeSession, now: datetime) -> bool:
        return session.stands and not link.revoked and (link.expires is None or now < link.expires)

    def may_read_session(self, visitor: str, session: MadeSession, now: datetime) -> bool:
        came = any((visitor, link.id) in self.grants and self.is_open(link, session, now) for link in session.links)
        return session.stands and (session.owner == visitor or came)

    def may_read_run(self, visitor: str, run: MadeRun, now: datetime) -> bool:
        shown = (one for one in self.sessions if run in one.members and self.may_read_session(visitor, one, now))
        return not run.gone and (run.owner == visitor or any(True for _ in shown))

    def may_read_bytes(self, visitor: str, digest: str, now: datetime) -> bool:
        if (visitor, digest) in self.uploads:
            return True
        holding = [run for run in self.runs if digest in run.inputs | run.outputs]
        return any(self.may_read_run(visitor, run, now) for run in holding)

    def erase(self, session: MadeSession) -> None:
        """With the runs that no other session holds, be it deleted or not."""
        session.gone = True
        held = [run for one in self.sessions if not one.gone for run in one.members]
        for run in session.members:
            run.gone = run.gone or run not in held

    def forget(self, visitor: str) -> None:
        self.uploads = {pair for pair in self.uploads if pair[0] != visitor}
        self.grants = {pair for pair in self.grants if pair[0] != visitor}
        for made in (*self.runs, *self.sessions):
            made.gone = made.gone or made.owner == visitor

    def collect(self, now: datetime, *, all_expired: bool) -> None:
        for session in self.sessions:
            if session.deleted and not session.gone and session.deleted <= now - timedelta(minutes=UNDO_MINUTES):
                self.erase(session)
        if all_expired:
            self.uploads.clear()
            saved = [run for one in self.sessions if not one.gone for run in one.members]
            for run in self.runs:
                run.gone = run.gone or run not in saved

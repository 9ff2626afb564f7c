"""Who may read what, against a model of sets: visitors do anything in any order, and every reading method is asked."""

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from backends.core.errors import NotFound, VitrineError
from backends.core.results import Text
from backends.store.store import Store
from tests.backends.store.making import VERSION, done_run
from tests.backends.store.ownership_model import MadeLink, MadeRun, MadeSession
from tests.backends.store.ownership_visits import VISITORS, Visits, other_than, picks, some_sessions, theirs, visitors

Given = TypeVar("Given")


class Ownership(Visits):
    # What owners do with sessions, and others try

    @some_sessions
    @rule(own=theirs, pick=picks, hours=st.sampled_from([None, 0.5, 30]))
    def share(self, own: bool, pick: int, hours: float | None) -> None:
        session, visitor = self.someone(own, pick)
        now = self.clock()
        if link := self.attempt(lambda: self.store.sessions.share(session.id, visitor, hours=hours), session, visitor):
            assert (link.expires is None) == (hours is None)
            assert link.is_open(now)
            session.links.append(MadeLink(link.id, link.expires))

    @some_sessions
    @rule(own=theirs, pick=picks)
    def revoke(self, own: bool, pick: int) -> None:
        session, visitor = self.someone(own, pick)
        link = session.links[pick // 7 % len(session.links)]
        if self.attempt(lambda: self.store.sessions.revoke(session.id, visitor, link.id), session, visitor):
            link.revoked = True

    @some_sessions
    @rule(own=theirs, pick=picks)
    def remove(self, own: bool, pick: int) -> None:
        session, visitor = self.someone(own, pick)
        if not session.members or session.gone:
            return
        run = session.members[0]
        if self.attempt(lambda: self.store.sessions.remove_run(session.id, visitor, run.id), session, visitor):
            session.members.remove(run)

    @some_sessions
    @rule(visitor=visitors, pick=picks)
    def duplicate(self, visitor: str, pick: int) -> None:
        source, now = self.session(pick), self.clock()
        link = source.links[pick // 7 % len(source.links)]
        allowed = source.stands and (source.owner == visitor or self.model.is_open(link, source, now))
        try:
            copy = self.store.sessions.duplicate(link.id, visitor)
        except NotFound:
            assert not allowed
            return
        assert allowed
        made = self.note(copy, visitor)
        for run, member in zip(copy.runs, source.members, strict=True):
            again = member
            if source.owner != visitor:
                assert run.id != member.id
                again = MadeRun(run.id, visitor, set(member.inputs), set(member.outputs))
                self.model.runs.append(again)
            made.members.append(again)

    @some_sessions
    @rule(own=theirs, pick=picks)
    def delete(self, own: bool, pick: int) -> None:
        session, visitor = self.someone(own, pick)
        if self.attempt(lambda: self.store.sessions.delete(session.id, visitor), session, visitor):
            session.deleted = self.clock()

    @some_sessions
    @rule(own=theirs, pick=picks)
    def restore(self, own: bool, pick: int) -> None:
        session, visitor = self.someone(own, pick)
        try:
            restored = self.store.sessions.restore(session.id, visitor)
        except NotFound:
            assert session.gone or session.owner != visitor
            return
        assert not session.gone
        assert session.owner == visitor
        assert [run.id for run in restored.runs] == [run.id for run in session.members]
        session.deleted = None

    @some_sessions
    @rule(own=theirs, pick=picks)
    def erase(self, own: bool, pick: int) -> None:
        session, visitor = self.someone(own, pick)
        try:
            self.store.sessions.erase(session.id, visitor)
        except NotFound:
            assert session.gone or session.owner != visitor
            return
        assert session.owner == visitor
        self.model.erase(session)

    def someone(self, own: bool, pick: int) -> tuple[MadeSession, str]:
        session = self.session(pick)
        return session, session.owner if own else other_than(session.owner)

    def attempt(self, change: Callable[[], Given], session: MadeSession, visitor: str) -> Given | None:
        """Do it; it must work for the owner of a session that stands and for nobody else."""
        try:
            given = change()
        except NotFound:
            assert not session.stands or session.owner != visitor
            return None
        assert session.stands
        assert session.owner == visitor
        return given

    # What time does

    @rule(visitor=visitors)
    def forget(self, visitor: str) -> None:
        self.store.visitors.forget(visitor)
        self.model.forget(visitor)

    @rule(hours=st.sampled_from([0, 1, 25]))
    def collect(self, hours: int) -> None:
        self.clock.forward(hours=hours)
        self.store.collect()
        self.model.collect(self.clock(), all_expired=hours == 25)

    # What every reader sees

    @invariant()
    def nobody_reads_what_is_not_theirs_and_everybody_what_is(self) -> None:
        if not hasattr(self, "store"):
            return
        store, model, now = self.store, self.model, self.clock()
        for visitor in (*VISITORS, "stranger"):
            for run in model.runs:
                allowed = model.may_read_run(visitor, run, now)
                assert reads(store.runs.get, run.id, visitor) == allowed
                assert reads(store.runs.outputs, run.id, visitor) == allowed
            for digest in model.digests:
                allowed = model.may_read_bytes(visitor, digest, now)
                assert reads(store.artifacts.read, digest, visitor) == allowed
                assert reads(store.artifacts.open_path, digest, visitor) == allowed
                assert reads(store.artifacts.media_type, digest, visitor) == allowed
            for session in model.sessions:
                assert reads(store.sessions.get, session.id, visitor) == model.may_read_session(visitor, session, now)
            own = {run.id for run in model.runs if run.owner == visitor and not run.gone}
            assert {run.id for run in store.runs.recent(visitor)} == own
            mine = [one for one in model.sessions if one.owner == visitor and not one.gone]
            assert {one.id for one in store.sessions.list(visitor)} == {one.id for one in mine if one.stands}
            assert {one.id for one in store.sessions.deleted(visitor)} == {one.id for one in mine if one.deleted}


def reads(method: object, thing: str, visitor: str) -> bool:
    """Whether the method answers."""
    assert callable(method)
    try:
        method(thing, visitor)
    except NotFound:
        return False
    return True


SETTINGS = settings(stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck))


class TestOwnership(Ownership.TestCase):
    """Thousands of reads."""

    settings = settings(SETTINGS, max_examples=8)


@pytest.mark.slow
class TestOwnershipAtLength(Ownership.TestCase):
    """More than 100,000 reads."""

    settings = settings(SETTINGS, max_examples=250)


def test_a_refusal_tells_the_same_as_an_absence(store: Store) -> None:
    """Ids cannot be probed: what exists and what does not give one answer, word for word."""
    digest = store.artifacts.put("alice", b"secret", "image/png")
    run = done_run(store, "alice", {"t": Text(VERSION)})
    session = store.sessions.create("alice", "Mine")
    for method, thing in (
        (store.artifacts.read, digest),
        (store.artifacts.open_path, digest),
        (store.runs.get, run.id),
        (store.runs.outputs, run.id),
        (store.sessions.get, session.id),
        (store.sessions.open, session.id),
        (store.sessions.duplicate, session.id),
        (store.sessions.delete, session.id),
        (store.sessions.restore, session.id),
        (store.sessions.erase, session.id),
        (store.sessions.share, session.id),
    ):
        assert answer(method, thing) == answer(method, thing[:-2] + ("00" if len(thing) == 64 else "AA"))


def answer(method: object, thing: str) -> dict[str, str]:
    assert callable(method)
    try:
        method(thing, "bob")
    except VitrineError as err:
        return {**err.as_dict(), "status": str(err.status)}
    raise AssertionError("bob could read it")

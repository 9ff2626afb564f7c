"""Who may read what, against a model of sets: visitors do anything in any order, and every reading method is asked."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backends.core.digest import sha256
from backends.core.errors import NotFound, VitrineError
from backends.core.results import Text
from backends.store.store import Store
from tests.backends.store.making import VERSION, FakeClock, done_run, open_store

VISITORS = ("alice", "bob")
visitors = st.sampled_from(VISITORS)
picks = st.integers(0, 10**6)
theirs = st.integers(0, 3).map(bool)  # mostly the owner does it, sometimes the other one


@dataclass
class Made:
    """What the model remembers of a run or a session; `gone` once nobody may find it."""

    id: str
    owner: str
    link: str = ""
    inputs: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    members: list["Made"] = field(default_factory=list)
    gone: bool = False


class Ownership(RuleBasedStateMachine):
    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FakeClock()
        self.store = open_store(self.folder, self.clock)
        self.uploads: set[tuple[str, str]] = set()
        self.digests: set[str] = set()
        self.runs: list[Made] = []
        self.sessions: list[Made] = []
        self.grants: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    # What the model says

    def may_read_run(self, visitor: str, run: Made) -> bool:
        opened = [one for one in self.sessions if not one.gone and (visitor, one.id) in self.grants]
        return not run.gone and (run.owner == visitor or any(run in one.members for one in opened))

    def may_read_bytes(self, visitor: str, digest: str) -> bool:
        runs = [run for run in self.runs if self.may_read_run(visitor, run)]
        return (visitor, digest) in self.uploads or any(digest in run.inputs | run.outputs for run in runs)

    # What visitors do

    @rule(visitor=visitors, data=st.binary(min_size=1, max_size=2))
    def put(self, visitor: str, data: bytes) -> None:
        digest = self.store.artifacts.put(visitor, data, "image/png")
        self.uploads.add((visitor, digest))
        self.digests.add(digest)

    @rule(visitor=visitors, said=st.sampled_from("abcdef"), pick=picks)
    def run(self, visitor: str, said: str, pick: int) -> None:
        known = sorted(self.digests)
        self.make_run(visitor, said, {"photo": known[pick % len(known)]} if known and pick % 3 else {})

    def make_run(self, visitor: str, said: str, inputs: dict[str, str]) -> Made | None:
        allowed = all(self.may_read_bytes(visitor, digest) for digest in inputs.values())
        try:
            run = done_run(self.store, visitor, {"said": Text(said)}, **inputs)
        except NotFound:
            assert not allowed
            return None
        assert allowed
        made = Made(run.id, visitor, inputs=set(inputs.values()), outputs={run.outputs[0].digest})
        self.digests |= made.outputs
        self.runs.append(made)
        return made

    @rule(visitor=visitors, said=st.sampled_from("ghij"))
    def show(self, visitor: str, said: str) -> None:
        """What people come for: upload, run, save, and let someone look."""
        self.put(visitor, said.encode())
        run = self.make_run(visitor, said, {"photo": sha256(said.encode())})
        assert run is not None
        self.save_run(run, visitor)
        self.open_session(self.sessions[-1], other_than(visitor))

    @precondition(lambda self: self.runs)
    @rule(own=theirs, pick=picks)
    def save(self, own: bool, pick: int) -> None:
        run = self.runs[pick % len(self.runs)]
        self.save_run(run, run.owner if own else other_than(run.owner))

    def save_run(self, run: Made, visitor: str) -> None:
        session = self.store.sessions.create(visitor, "Saved")
        made = Made(session.id, visitor, session.link)
        self.sessions.append(made)
        try:
            self.store.sessions.add_run(session.id, visitor, run.id)
        except NotFound:
            assert run.gone or run.owner != visitor
            return
        assert run.owner == visitor
        made.members.append(run)

    @precondition(lambda self: self.sessions)
    @rule(own=theirs, pick=picks)
    def open_link(self, own: bool, pick: int) -> None:
        session = self.sessions[pick % len(self.sessions)]
        self.open_session(session, other_than(session.owner) if own else session.owner)

    def open_session(self, session: Made, visitor: str) -> None:
        try:
            opened = self.store.sessions.open(session.link, visitor)
        except NotFound:
            assert session.gone
            return
        assert not session.gone
        assert opened.mine == (session.owner == visitor)
        if not opened.mine:
            self.grants.add((visitor, session.id))

    @precondition(lambda self: self.runs)
    @rule(visitor=visitors, pick=picks)
    def reuse(self, visitor: str, pick: int) -> None:
        source = self.runs[pick % len(self.runs)]
        if source.gone:
            return
        done = self.store.runs.get(source.id, source.owner)
        allowed = source.owner == visitor or all(self.may_read_bytes(visitor, one) for one in source.inputs)
        try:
            run = self.store.runs.reuse(done, visitor)
        except NotFound:
            assert not allowed
            return
        assert allowed
        if run.id != source.id:
            self.runs.append(Made(run.id, visitor, inputs=set(source.inputs), outputs=set(source.outputs)))

    @precondition(lambda self: self.sessions)
    @rule(visitor=visitors, pick=picks)
    def delete(self, visitor: str, pick: int) -> None:
        session = self.sessions[pick % len(self.sessions)]
        try:
            self.store.sessions.delete(session.id, visitor)
        except NotFound:
            assert session.gone or session.owner != visitor
            return
        assert session.owner == visitor
        session.gone = True
        for run in session.members:
            run.gone = run.gone or not any(run in one.members for one in self.sessions if not one.gone)

    @rule(visitor=visitors)
    def forget(self, visitor: str) -> None:
        self.store.visitors.forget(visitor)
        self.uploads = {pair for pair in self.uploads if pair[0] != visitor}
        self.grants = {pair for pair in self.grants if pair[0] != visitor}
        for made in (*self.runs, *self.sessions):
            made.gone = made.gone or made.owner == visitor

    @rule(hours=st.sampled_from([0, 1, 25]))
    def collect(self, hours: int) -> None:
        self.clock.forward(hours=hours)
        self.store.collect()
        if hours == 25:
            self.uploads.clear()
            saved = [run for one in self.sessions if not one.gone for run in one.members]
            for run in self.runs:
                run.gone = run.gone or run not in saved

    # What every reader sees

    @invariant()
    def nobody_reads_what_is_not_theirs_and_everybody_what_is(self) -> None:
        if not hasattr(self, "store"):
            return
        store = self.store
        for visitor in (*VISITORS, "stranger"):
            for run in self.runs:
                allowed = self.may_read_run(visitor, run)
                assert reads(store.runs.get, run.id, visitor) == allowed
                assert reads(store.runs.outputs, run.id, visitor) == allowed
            for digest in self.digests:
                allowed = self.may_read_bytes(visitor, digest)
                assert reads(store.artifacts.read, digest, visitor) == allowed
                assert reads(store.artifacts.open_path, digest, visitor) == allowed
                assert reads(store.artifacts.media_type, digest, visitor) == allowed
            for session in self.sessions:
                allowed = not session.gone and (session.owner == visitor or (visitor, session.id) in self.grants)
                assert reads(store.sessions.get, session.id, visitor) == allowed
            own = {run.id for run in self.runs if run.owner == visitor and not run.gone}
            assert {run.id for run in store.runs.recent(visitor)} == own
            mine = {one.id for one in self.sessions if one.owner == visitor and not one.gone}
            assert {one.id for one in store.sessions.list(visitor)} == mine


def other_than(visitor: str) -> str:
    return VISITORS[1 - VISITORS.index(visitor)]


def reads(method: object, thing: str, visitor: str) -> bool:
    """Whether the method answers."""
    assert callable(method)
    try:
        method(thing, visitor)
    except NotFound:
        return False
    return True


SETTINGS = settings(stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))


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
    ):
        assert answer(method, thing) == answer(method, thing[:-2] + ("00" if len(thing) == 64 else "AA"))


def answer(method: object, thing: str) -> dict[str, str]:
    assert callable(method)
    try:
        method(thing, "bob")
    except VitrineError as err:
        return {**err.as_dict(), "status": str(err.status)}
    raise AssertionError("bob could read it")

"""What visitors do in the ownership test: every step is done in the store and noted in the model."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from backends.core.digest import sha256
from backends.core.errors import LinkClosed, NotFound
from backends.core.results import Text
from backends.store.values import Session
from tests.backends.store.making import FakeClock, done_run, open_store
from tests.backends.store.ownership_model import MadeLink, MadeRun, MadeSession, Model

VISITORS = ("alice", "bob")
visitors = st.sampled_from(VISITORS)
picks = st.integers(0, 10**6)
theirs = st.integers(0, 3).map(bool)  # mostly the owner does it, sometimes the other one
some_runs = precondition(lambda self: self.model.runs)
some_sessions = precondition(lambda self: self.model.sessions)


class Visits(RuleBasedStateMachine):
    """Uploads, runs, saving and coming by links. `Ownership` adds what is done with sessions, and what is checked."""

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.clock = FakeClock()
        self.store = open_store(self.folder, self.clock)

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)

    # What visitors do

    @rule(visitor=visitors, data=st.binary(min_size=1, max_size=2))
    def put(self, visitor: str, data: bytes) -> None:
        digest = self.store.artifacts.put(visitor, data, "image/png")
        self.model.uploads.add((visitor, digest))
        self.model.digests.add(digest)

    @rule(visitor=visitors, said=st.sampled_from("abcdef"), pick=picks)
    def run(self, visitor: str, said: str, pick: int) -> None:
        known = sorted(self.model.digests)
        self.make_run(visitor, said, {"photo": known[pick % len(known)]} if known and pick % 3 else {})

    def make_run(self, visitor: str, said: str, inputs: dict[str, str]) -> MadeRun | None:
        allowed = all(self.model.may_read_bytes(visitor, digest, self.clock()) for digest in inputs.values())
        try:
            run = done_run(self.store, visitor, {"said": Text(said)}, **inputs)
        except NotFound:
            assert not allowed
            return None
        assert allowed
        made = MadeRun(run.id, visitor, set(inputs.values()), {run.outputs[0].digest})
        self.model.digests |= made.outputs
        self.model.runs.append(made)
        return made

    @rule(visitor=visitors, said=st.sampled_from("ghij"))
    def show(self, visitor: str, said: str) -> None:
        """What people come for: upload, run, save, and let someone look."""
        self.put(visitor, said.encode())
        run = self.make_run(visitor, said, {"photo": sha256(said.encode())})
        assert run is not None
        self.save_run(run, visitor)
        session = self.model.sessions[-1]
        self.open_session(session, session.links[0], other_than(visitor))

    @some_runs
    @rule(own=theirs, pick=picks)
    def save(self, own: bool, pick: int) -> None:
        run = self.model.runs[pick % len(self.model.runs)]
        self.save_run(run, run.owner if own else other_than(run.owner))

    def save_run(self, run: MadeRun, visitor: str) -> None:
        made = self.note(self.store.sessions.create(visitor, "Saved"), visitor)
        try:
            self.store.sessions.add_run(made.id, visitor, run.id)
        except NotFound:
            assert run.gone or run.owner != visitor
            return
        assert run.owner == visitor
        made.members.append(run)

    def note(self, session: Session, visitor: str) -> MadeSession:
        made = MadeSession(session.id, visitor, [MadeLink(link.id) for link in session.links])
        self.model.sessions.append(made)
        return made

    @some_sessions
    @rule(own=theirs, pick=picks)
    def open_link(self, own: bool, pick: int) -> None:
        session = self.session(pick)
        link = session.links[pick // 7 % len(session.links)]
        self.open_session(session, link, other_than(session.owner) if own else session.owner)

    def open_session(self, session: MadeSession, link: MadeLink, visitor: str) -> None:
        is_open = self.model.is_open(link, session, self.clock())
        mine = session.stands and session.owner == visitor
        try:
            opened = self.store.sessions.open(link.id, visitor)
        except LinkClosed:
            assert session.stands
            assert not mine
            assert not is_open
            return
        except NotFound:
            assert not session.stands
            return
        assert is_open or mine
        assert opened.mine == mine
        assert mine or (opened.link, opened.links) == (link.id, ())
        if not mine:
            self.model.grants.add((visitor, link.id))

    @some_runs
    @rule(visitor=visitors, pick=picks)
    def reuse(self, visitor: str, pick: int) -> None:
        source = self.model.runs[pick % len(self.model.runs)]
        if source.gone:
            return
        done, now = self.store.runs.get(source.id, source.owner), self.clock()
        allowed = source.owner == visitor or all(self.model.may_read_bytes(visitor, one, now) for one in source.inputs)
        try:
            run = self.store.runs.reuse(done, visitor)
        except NotFound:
            assert not allowed
            return
        assert allowed
        if run.id != source.id:
            self.model.runs.append(MadeRun(run.id, visitor, set(source.inputs), set(source.outputs)))

    def session(self, pick: int) -> MadeSession:
        return self.model.sessions[pick % len(self.model.sessions)]


def other_than(visitor: str) -> str:
    return VISITORS[1 - VISITORS.index(visitor)]

"""Copies: of one's own sessions, and of shared ones for whoever came by the link."""

from datetime import timedelta
from pathlib import Path

import pytest

from backends.core.errors import Busy, NotFound, QuotaExceeded, VitrineError
from backends.core.limits import Limits
from backends.core.results import Text
from backends.store.store import Store
from backends.store.values import Session
from tests.backends.store.making import FakeClock, done_run, experiment, files_on_disk, open_store


def shown(store: Store, size: int = 6) -> Session:
    """Alice's session with a result made from a scan that is kept for two hours, and one that failed."""
    scan = store.artifacts.put("alice", b"scan", "image/png", keep_hours=2)
    done = done_run(store, "alice", {"t": Text("r" * size)}, photo=scan)
    failed = store.runs.create(experiment(2.0), "alice")
    store.runs.fail(failed.id, VitrineError("It went wrong.", hint="Try again."), "reference-1")
    session = store.sessions.create("alice", "Work", "Notes", ["one", "two"])
    for run in (done, failed):
        store.sessions.add_run(session.id, "alice", run.id)
    return store.sessions.annotate(session.id, "alice", done.id, title="T", note="N", speaker="S", live=True)


def test_a_copy_of_ones_own_session_shares_its_runs_and_has_all_texts(store: Store) -> None:
    session = shown(store)
    for address in (session.id, session.link):
        copy = store.sessions.duplicate(address, "alice")
        assert (copy.title, copy.notes, copy.tags, copy.items) == (
            "Copy of Work",
            "Notes",
            ("one", "two"),
            session.items,
        )
        assert copy.id != session.id
        assert copy.link not in ("", session.link)
        assert copy.mine
    store.sessions.erase(session.id, "alice")
    assert store.sessions.get(copy.id, "alice").items == session.items


def test_a_reader_gets_runs_of_their_own_that_outlive_the_original(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    session = shown(store)
    before = files_on_disk(tmp_path)
    clock.forward(minutes=5)
    copy = store.sessions.duplicate(session.link, "bob")
    assert files_on_disk(tmp_path) == before  # no new bytes
    assert (copy.title, copy.notes, copy.tags, copy.mine) == ("Copy of Work", "Notes", ("one", "two"), True)
    first = copy.items[0]
    assert (first.title, first.note, first.speaker, first.live) == ("T", "N", "", True)
    for run, source in zip(copy.runs, session.runs, strict=True):
        assert run.id != source.id
        assert run.visitor == "bob"
        assert (run.state, run.experiment, run.outputs, run.error) == (
            source.state,
            source.experiment,
            source.outputs,
            source.error,
        )
        assert (run.created, run.finished) == (source.created, source.finished)
        assert run.provenance == {**source.provenance, "copied": True}
        assert run.reference == ""
        assert "alice" not in repr(run)
    store.visitors.forget("alice")
    clock.forward(days=400)
    store.collect()
    assert store.runs.outputs(copy.runs[0].id, "bob") == {"t": Text("rrrrrr")}
    assert store.artifacts.read(copy.runs[0].experiment.inputs["photo"], "bob") == b"scan"
    store.sessions.erase(copy.id, "bob")
    assert files_on_disk(tmp_path) == set()


def test_a_copied_run_that_is_taken_out_goes_as_soon_as_the_original_would(store: Store, clock: FakeClock) -> None:
    copy = store.sessions.duplicate(shown(store).link, "bob")
    store.sessions.remove_run(copy.id, "bob", copy.runs[0].id)
    clock.forward(hours=2)
    store.collect()
    with pytest.raises(NotFound):
        store.runs.get(copy.runs[0].id, "bob")


def test_what_is_withdrawn_after_copying_stays_with_the_copy_and_nothing_else(store: Store) -> None:
    session = shown(store)
    late = done_run(store, "alice", {"t": Text("late")}, gain=3.0)
    copy = store.sessions.duplicate(session.link, "bob")
    store.sessions.add_run(session.id, "alice", late.id)
    store.sessions.revoke(session.id, "alice", session.link)
    assert store.runs.outputs(copy.runs[0].id, "bob")
    for run_id in (session.runs[0].id, late.id):
        with pytest.raises(NotFound):
            store.runs.get(run_id, "bob")


def test_a_copy_that_does_not_fit_leaves_nothing_behind(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock, Limits(visitor_bytes=1000))
    session = shown(store, size=500)
    store.artifacts.put("bob", b"x" * 497, "image/png")
    with pytest.raises(QuotaExceeded):
        store.sessions.duplicate(session.link, "bob")
    assert store.sessions.list("bob") == []
    assert store.runs.recent("bob") == []
    assert store.usage("bob") == 497
    clock.forward(minutes=1)
    store.close()
    roomier = open_store(tmp_path, clock, Limits(visitor_bytes=1001))
    roomier.sessions.duplicate(session.link, "bob")
    assert roomier.usage("bob") == 497 + 504  # the result and the scan it was made from
    roomier.close()


def test_a_shared_session_is_copied_when_all_of_it_has_ended(store: Store) -> None:
    session = shown(store)
    going = store.runs.create(experiment(5.0), "alice")
    store.sessions.add_run(session.id, "alice", going.id)
    with pytest.raises(Busy, match="still being computed"):
        store.sessions.duplicate(session.link, "bob")
    assert store.sessions.list("bob") == []
    assert len(store.sessions.duplicate(session.link, "alice").runs) == 3  # one's own are shared, whatever they do
    store.runs.cancel(going.id)
    assert [run.state for run in store.sessions.duplicate(session.link, "bob").runs] == ["done", "failed", "cancelled"]


def test_a_long_title_loses_its_end_in_the_copy(store: Store) -> None:
    session = store.sessions.create("alice", "x" * 200)
    copy = store.sessions.duplicate(session.id, "alice")
    assert copy.title == "Copy of " + "x" * 191 + "…"
    assert len(copy.title) == 200
    assert copy.created - session.created == timedelta(0)

"""Deleting a session can be undone for ten minutes; then, or at once on request, it is erased for good."""

from pathlib import Path

import pytest

from backends.core.errors import LinkClosed, NotFound, QuotaExceeded
from backends.core.limits import Limits
from backends.core.results import Text
from backends.store.store import Store
from backends.store.values import UNDO, Collected
from tests.backends.store.making import FakeClock, done_run, experiment, files_on_disk, open_store


def test_a_deleted_session_is_nowhere_and_its_links_give_nothing(store: Store) -> None:
    photo = store.artifacts.put("alice", b"photo", "image/png")
    run = done_run(store, "alice", {"t": Text("result")}, photo=photo)
    session = store.sessions.create("alice", "Shown")
    before = store.sessions.add_run(session.id, "alice", run.id)
    store.sessions.open(session.link, "bob")

    gone = store.sessions.delete(session.id, "alice")

    assert gone.deleted is not None
    assert store.sessions.list("alice") == []
    assert store.sessions.deleted("alice") == [gone]
    assert store.sessions.deleted("bob") == []
    assert not store.runs.get(run.id, "alice").saved
    for refused in (
        lambda: store.sessions.open(session.link, "bob"),
        lambda: store.sessions.open(session.link, "alice"),
        lambda: store.sessions.open(session.id, "alice"),
        lambda: store.sessions.get(session.id, "alice"),
        lambda: store.sessions.get(session.id, "bob"),
        lambda: store.sessions.duplicate(session.link, "bob"),
        lambda: store.sessions.add_run(session.id, "alice", run.id),
        lambda: store.sessions.change(session.id, "alice", title="Still here"),
        lambda: store.sessions.share(session.id, "alice"),
        lambda: store.sessions.delete(session.id, "alice"),
        lambda: store.runs.get(run.id, "bob"),
        lambda: store.artifacts.read(photo, "bob"),
        lambda: store.artifacts.read(run.outputs[0].digest, "bob"),
    ):
        with pytest.raises(NotFound) as caught:
            refused()
        assert not isinstance(caught.value, LinkClosed)

    assert store.sessions.restore(session.id, "alice") == before
    assert store.sessions.restore(session.id, "alice") == before  # again: nothing happens
    assert store.sessions.open(session.link, "bob").runs[0].id == run.id
    assert store.artifacts.read(photo, "bob") == b"photo"
    assert store.sessions.deleted("alice") == []


def test_restoring_brings_back_everything_also_late_while_it_is_still_there(store: Store, clock: FakeClock) -> None:
    session = store.sessions.create("alice", "Shown", "Notes", ["tag"])
    run = done_run(store, "alice", {"t": Text("result")})
    store.sessions.add_run(session.id, "alice", run.id)
    store.sessions.share(session.id, "alice", hours=500)
    before = store.sessions.annotate(session.id, "alice", run.id, title="T", note="N", speaker="S", live=True)
    clock.forward(days=10)  # the run's own time is over
    store.sessions.delete(session.id, "alice")
    clock.forward(seconds=UNDO.total_seconds() - 1)
    assert store.collect() == Collected()
    assert store.sessions.restore(session.id, "alice") == before
    assert store.runs.outputs(run.id, "alice") == {"t": Text("result")}


def test_after_the_time_for_undo_the_collector_erases_it_with_its_runs(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    photo = store.artifacts.put("alice", b"photo", "image/png")
    run = done_run(store, "alice", {"t": Text("result")}, photo=photo)
    session = store.sessions.create("alice", "Shown")
    store.sessions.add_run(session.id, "alice", run.id)
    store.sessions.delete(session.id, "alice")
    clock.forward(seconds=UNDO.total_seconds() + 1)
    assert store.collect() == Collected(sessions=1, runs=1, artifacts=1, bytes=len(b"result"))
    assert files_on_disk(tmp_path) == {photo}  # the upload has its own time
    assert store.sessions.deleted("alice") == []
    for lost in (
        lambda: store.sessions.restore(session.id, "alice"),
        lambda: store.sessions.erase(session.id, "alice"),
        lambda: store.runs.get(run.id, "alice"),
    ):
        with pytest.raises(NotFound):
            lost()


def test_erasing_frees_the_space_at_once(store: Store, tmp_path: Path) -> None:
    photo = store.artifacts.put("alice", b"photo", "image/png")
    for delete_first in (True, False):
        run = done_run(store, "alice", {"t": Text("result")}, photo=photo)
        session = store.sessions.create("alice", "Shown")
        store.sessions.add_run(session.id, "alice", run.id)
        store.sessions.open(session.link, "bob")
        if delete_first:
            store.sessions.delete(session.id, "alice")
        store.sessions.erase(session.id, "alice")
        assert files_on_disk(tmp_path) == {photo}
        assert store.usage("alice") == len(b"photo")
        for lost in (
            lambda link=session.link: store.sessions.open(link, "bob"),
            lambda one=session.id: store.sessions.restore(one, "alice"),
            lambda one=run.id: store.runs.get(one, "alice"),
        ):
            with pytest.raises(NotFound):
                lost()


def test_erasing_keeps_runs_that_another_session_holds_or_that_are_going(store: Store) -> None:
    both = done_run(store, "alice", {"t": Text("both")})
    going = store.runs.create(experiment(3.0), "alice")
    first, second = store.sessions.create("alice", "1"), store.sessions.create("alice", "2")
    store.sessions.add_run(first.id, "alice", both.id)
    store.sessions.add_run(second.id, "alice", both.id)
    store.sessions.add_run(first.id, "alice", going.id)
    store.sessions.delete(second.id, "alice")
    store.sessions.erase(first.id, "alice")
    assert not store.runs.get(both.id, "alice").saved
    restored = store.sessions.restore(second.id, "alice")  # what a deleted session holds comes back whole
    assert [run.id for run in restored.runs] == [both.id]
    assert store.runs.outputs(both.id, "alice") == {"t": Text("both")}
    assert store.runs.get(both.id, "alice").saved
    assert not store.runs.get(going.id, "alice").saved
    assert store.runs.finish(going.id, {}, {"version": "1"}).state == "done"


def test_a_full_space_is_free_at_the_first_collection_after_ten_minutes(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock, Limits(visitor_bytes=1000))
    run = done_run(store, "alice", {"t": Text("x" * 900)})
    session = store.sessions.create("alice", "Large")
    store.sessions.add_run(session.id, "alice", run.id)
    with pytest.raises(QuotaExceeded) as caught:
        store.artifacts.put("alice", b"y" * 200, "image/png")
    assert "free within 20 minutes, or at once when you erase them" in caught.value.hint
    store.sessions.delete(session.id, "alice")
    with pytest.raises(QuotaExceeded):
        store.artifacts.put("alice", b"y" * 200, "image/png")
    clock.forward(minutes=10)
    store.collect()
    store.artifacts.put("alice", b"y" * 200, "image/png")
    store.close()


def test_forgetting_erases_deleted_sessions_and_closed_links_too(store: Store, tmp_path: Path) -> None:
    run = done_run(store, "alice", {"t": Text("result")})
    session = store.sessions.create("alice", "Shown")
    store.sessions.add_run(session.id, "alice", run.id)
    store.sessions.open(session.link, "bob")
    store.sessions.revoke(session.id, "alice", session.link)
    store.sessions.delete(session.id, "alice")
    store.visitors.forget("alice")
    assert store.sessions.deleted("alice") == []
    assert files_on_disk(tmp_path) == set()
    for visitor in ("alice", "bob"):
        for address in (session.link, session.id):
            with pytest.raises(NotFound, match="no such session"):
                store.sessions.open(address, visitor)
    with store._parts.database.read() as database:
        from sqlalchemy import func, select

        from backends.store.tables import GrantRow, LinkRow, SessionRow, SessionRunRow

        for table in (GrantRow, LinkRow, SessionRow, SessionRunRow):
            assert database.scalar(select(func.count()).select_from(table)) == 0

from pathlib import Path

import pytest

from backends.core.errors import NotFound
from backends.core.results import Text
from backends.store.store import Store
from tests.backends.store.making import FakeClock, done_run, files_on_disk, open_store


def test_a_notice_is_accepted_word_for_word(either_store: Store) -> None:
    visitors = either_store.visitors
    assert not visitors.has_accepted("alice", "Not for clinical use.")
    visitors.accept("alice", "Not for clinical use.")
    visitors.accept("alice", "Another.")
    assert visitors.has_accepted("alice", "Not for clinical use.")
    assert visitors.has_accepted("alice", "Another.")
    assert not visitors.has_accepted("alice", "Not for clinical use!")
    assert not visitors.has_accepted("bob", "Not for clinical use.")


def test_forgetting_erases_everything_of_a_visitor_and_nothing_of_others(store: Store, tmp_path: Path) -> None:
    shared = store.artifacts.put("alice", b"both have it", "text/plain")
    assert store.artifacts.put("bob", b"both have it", "text/plain") == shared
    photo = store.artifacts.put("alice", b"alice's", "image/png")
    run = done_run(store, "alice", {"t": Text("alice's result")}, photo=photo)
    bobs = done_run(store, "bob", {"t": Text("bob's result")})
    session = store.sessions.create("alice", "Saved")
    store.sessions.add_run(session.id, "alice", run.id)
    store.sessions.open(session.link, "bob")
    store.visitors.accept("alice", "Notice")

    store.visitors.forget("alice")

    assert files_on_disk(tmp_path) == {shared, bobs.outputs[0].digest}
    assert store.usage("alice") == 0
    assert store.runs.recent("alice") == []
    assert store.sessions.list("alice") == []
    assert not store.visitors.has_accepted("alice", "Notice")
    for read in (
        lambda: store.sessions.open(session.link, "bob"),
        lambda: store.runs.get(run.id, "bob"),
        lambda: store.artifacts.read(shared, "alice"),
    ):
        with pytest.raises(NotFound):
            read()
    assert store.artifacts.read(shared, "bob") == b"both have it"
    assert store.runs.outputs(bobs.id, "bob") == {"t": Text("bob's result")}


def test_forgetting_someone_unknown_is_no_error(store: Store) -> None:
    store.visitors.forget("nobody")


def test_being_seen_keeps_a_visitor_and_idle_ones_go_after_a_season(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock)
    for visitor in ("idle", "regular", "keeper"):
        store.visitors.seen(visitor)
        store.visitors.accept(visitor, "Notice")
    store.sessions.create("keeper", "Saved")
    clock.forward(days=60)
    store.visitors.seen("regular")
    clock.forward(days=31)
    assert store.collect().visitors == 1
    assert not store.visitors.has_accepted("idle", "Notice")
    assert store.visitors.has_accepted("regular", "Notice")
    assert store.visitors.has_accepted("keeper", "Notice")
    store.close()

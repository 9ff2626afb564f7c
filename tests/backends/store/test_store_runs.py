import math
import sqlite3
import threading
import time
from pathlib import Path

import pytest

from backends.core.encoding import encode
from backends.core.errors import ArtifactMissing, Cancelled, LoadFailed, NotFound, StoreError
from backends.core.results import Number, Text
from backends.store.store import Store
from tests.backends.store.making import VERSION, FakeClock, done_run, every_kind, experiment, files_on_disk, open_store
from tests.backends.store.making import same as same_result


def test_every_kind_of_result_comes_back_equal_and_in_order(either_store: Store) -> None:
    given = every_kind()
    run = done_run(either_store, "alice", given)
    found = either_store.runs.outputs(run.id, "alice")
    assert list(found) == list(given)
    for name, result in given.items():
        assert same_result(found[name], result), name
    assert [(item.name, item.kind) for item in run.outputs] == [(name, item.kind) for name, item in given.items()]
    assert [item.bytes for item in run.outputs] == [len(encode(item).data) for item in given.values()]


def test_a_run_tells_its_story(either_store: Store, clock: FakeClock) -> None:
    store, made = either_store, clock.now
    queued = store.runs.create(experiment(2.5), "alice")
    assert (queued.state, queued.fraction, queued.created, queued.started) == ("queued", 0.0, made, None)
    assert not queued.ended
    started = clock.forward(seconds=3)
    assert store.runs.start(queued.id).started == started
    store.runs.progress(queued.id, 0.5, "Half-way")
    running = store.runs.get(queued.id, "alice")
    assert (running.state, running.fraction, running.sentence) == ("running", 0.5, "Half-way")
    finished = clock.forward(seconds=4)
    provenance = {"version": VERSION, "device": "cpu", "seconds": 4.25}
    done = store.runs.finish(queued.id, {"n": Number(1, "One")}, provenance)
    assert (done.state, done.fraction, done.finished) == ("done", 1.0, finished)
    assert done.provenance == provenance
    assert done.experiment == experiment(2.5)
    assert done == store.runs.get(queued.id, "alice")
    assert done.ended


def test_an_ended_run_never_changes_again(store: Store) -> None:
    endings = {
        "done": lambda run_id: store.runs.finish(run_id, {"n": Number(1, "One")}, {"version": VERSION}),
        "failed": lambda run_id: store.runs.fail(run_id, LoadFailed("No."), "ref-1"),
        "cancelled": store.runs.cancel,
    }
    for state, end in endings.items():
        run = store.runs.create(experiment(), "alice")
        store.runs.start(run.id)
        ended = end(run.id)
        assert ended.state == state
        for other in endings.values():
            assert other(run.id) == ended
        store.runs.progress(run.id, 0.1, "late")
        assert store.runs.get(run.id, "alice") == ended


def test_a_failed_run_keeps_the_sentence_and_the_reference(store: Store) -> None:
    run = store.runs.create(experiment(), "alice")
    store.runs.start(run.id)
    failed = store.runs.fail(run.id, LoadFailed("It would not load.", hint="Try another."), "ref-42")
    assert failed.error == LoadFailed("It would not load.", hint="Try another.").as_dict()
    assert failed.reference == "ref-42"
    assert failed.outputs == ()


def test_a_run_that_was_stopped_while_it_waited_does_not_start(store: Store) -> None:
    run = store.runs.create(experiment(), "alice")
    assert store.runs.cancel(run.id).state == "cancelled"
    with pytest.raises(Cancelled):
        store.runs.start(run.id)


def test_a_run_does_not_start_twice(store: Store) -> None:
    run = store.runs.create(experiment(), "alice")
    store.runs.start(run.id)
    with pytest.raises(StoreError):
        store.runs.start(run.id)


def test_a_result_that_has_no_canonical_form_is_a_store_error_and_nothing_is_stored(store: Store) -> None:
    run = store.runs.create(experiment(), "alice")
    store.runs.start(run.id)
    with pytest.raises(StoreError):
        store.runs.finish(run.id, {"ok": Text("fine"), "bad": Number(math.inf, "Far")}, {"version": VERSION})
    assert store.runs.get(run.id, "alice").outputs == ()


@pytest.mark.parametrize("provenance", [{"device": "cpu"}, {"version": "1", "loss": math.nan}, {"version": 1}])
def test_provenance_is_plain_data_with_a_version(store: Store, provenance: dict) -> None:
    run = store.runs.create(experiment(), "alice")
    with pytest.raises(StoreError):
        store.runs.finish(run.id, {}, provenance)


def test_finish_writes_nothing_when_the_row_cannot_be_written(store: Store, tmp_path: Path, clock: FakeClock) -> None:
    run = store.runs.create(experiment(), "alice")
    store.runs.start(run.id)
    with sqlite3.connect(tmp_path / "vitrine.db") as other:  # the database refuses the very last step
        other.execute("CREATE TRIGGER no BEFORE UPDATE ON runs BEGIN SELECT RAISE(ABORT, 'refused'); END")
    other.close()
    with pytest.raises(StoreError):
        store.runs.finish(run.id, {"n": Number(1, "One")}, {"version": VERSION})
    assert store.runs.get(run.id, "alice").state == "running"
    assert store.runs.get(run.id, "alice").outputs == ()
    assert store.usage("alice") == 0
    assert store.collect(clock.forward(hours=1)).artifacts == 1  # the file that was written first


def test_bytes_are_written_before_the_turn_to_write_rows_comes(store: Store, tmp_path: Path) -> None:
    run = store.runs.create(experiment(), "alice")
    results = {"a": Text("first"), "b": Text("second")}
    finishing = threading.Thread(target=store.runs.finish, args=(run.id, results, {"version": VERSION}))
    with store._parts.database.write():
        finishing.start()
        patience = time.monotonic() + 20
        while len(files_on_disk(tmp_path)) < 2:
            assert time.monotonic() < patience
            time.sleep(0.001)
    finishing.join()
    assert store.runs.outputs(run.id, "alice") == results


def test_a_run_may_only_read_what_its_owner_may_read(store: Store) -> None:
    secret = store.artifacts.put("alice", b"secret", "image/png")
    for digest in (secret, "0" * 64):
        with pytest.raises(NotFound):
            store.runs.create(experiment(photo=digest), "bob")
    assert store.runs.recent("bob") == []
    assert store.runs.create(experiment(photo=secret), "alice").experiment.inputs == {"photo": secret}


def test_recent_runs_are_the_visitors_own_newest_first(store: Store, clock: FakeClock) -> None:
    made = []
    for index in range(5):
        clock.forward(seconds=1)
        made.append(done_run(store, "alice", {"n": Number(index, "N")}, gain=index).id)
    done_run(store, "bob", {"n": Number(9, "N")})
    assert [run.id for run in store.runs.recent("alice", 3)] == made[:1:-1]
    assert store.runs.recent("alice", 0) == []
    assert store.runs.recent("alice", -1) == []


def test_a_restart_marks_what_was_running_and_keeps_what_was_waiting(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock)
    waiting = []
    for index in range(3):
        clock.forward(seconds=1)
        waiting.append(store.runs.create(experiment(index), "alice").id)
    running = store.runs.create(experiment(9), "bob")
    store.runs.start(running.id)
    store.close()
    again = open_store(tmp_path, clock)
    assert again.runs.interrupt_running() == 1
    assert again.runs.interrupt_running() == 0
    stopped = again.runs.get(running.id, "bob")
    assert stopped.state == "interrupted"
    assert stopped.error is not None
    assert stopped.error["code"] == "interrupted"
    assert [run.id for run in again.runs.queued()] == waiting
    again.close()


def test_the_cache_finds_the_newest_done_run_of_that_experiment_and_version(store: Store, clock: FakeClock) -> None:
    assert store.runs.find_done(experiment().digest, VERSION) is None
    store.runs.create(experiment(), "alice")
    first = done_run(store, "alice", {"n": Number(1, "N")})
    clock.forward(seconds=1)
    second = done_run(store, "bob", {"n": Number(1, "N")})
    assert store.runs.find_done(first.experiment.digest, VERSION) == second
    assert store.runs.find_done(first.experiment.digest, "0.2.0") is None
    assert store.runs.find_done(experiment(2.0).digest, VERSION) is None


def test_the_cache_never_offers_a_run_that_lost_a_file(store: Store, tmp_path: Path, clock: FakeClock) -> None:
    whole = done_run(store, "alice", {"n": Number(1, "N")})
    clock.forward(seconds=1)
    broken = done_run(store, "alice", {"n": Number(1, "N"), "t": Text("lost")})
    lost = broken.outputs[1].digest
    next((tmp_path / "artifacts").glob(f"??/??/{lost}")).unlink()
    assert store.runs.find_done(whole.experiment.digest, VERSION) == whole
    with pytest.raises(ArtifactMissing):
        store.runs.outputs(broken.id, "alice")


def test_reuse_gives_a_visitor_a_run_of_their_own_without_copying_bytes(store: Store, tmp_path: Path) -> None:
    given = every_kind()
    theirs = done_run(store, "alice", given)
    before = files_on_disk(tmp_path)
    mine = store.runs.reuse(theirs, "bob")
    assert mine.id != theirs.id
    assert (mine.state, mine.visitor, mine.outputs) == ("done", "bob", theirs.outputs)
    assert mine.provenance == {"version": VERSION, "cached": True}
    assert files_on_disk(tmp_path) == before
    store.visitors.forget("alice")
    found = store.runs.outputs(mine.id, "bob")
    assert all(same_result(found[name], given[name]) for name in given)


def test_reuse_asks_whether_the_visitor_may_read_the_inputs(store: Store) -> None:
    secret = store.artifacts.put("alice", b"secret", "image/png")
    theirs = done_run(store, "alice", {"n": Number(1, "N")}, photo=secret)
    with pytest.raises(NotFound):
        store.runs.reuse(theirs, "bob")
    assert store.runs.recent("bob") == []


def test_reuse_of_ones_own_run_gives_it_back_and_renews_it(store: Store, clock: FakeClock) -> None:
    run = done_run(store, "alice", {"n": Number(1, "N")})
    clock.forward(hours=20)
    assert store.runs.reuse(run, "alice").id == run.id
    clock.forward(hours=20)
    assert store.collect().runs == 0
    clock.forward(hours=5)
    assert store.collect().runs == 1


def test_ids_that_are_not_ours_are_not_found(store: Store) -> None:
    for run_id in ("", "x", "../" * 8, "a" * 22, "a" * 22 + "\n", "%" * 22):
        for call in (store.runs.get, store.runs.outputs):
            with pytest.raises(NotFound):
                call(run_id, "alice")
        with pytest.raises(NotFound):
            store.runs.start(run_id)
        with pytest.raises(NotFound):
            store.runs.finish(run_id, {}, {"version": VERSION})


def test_a_run_erased_while_it_ran_is_not_found_when_it_finishes(store: Store) -> None:
    run = store.runs.create(experiment(), "alice")
    store.runs.start(run.id)
    store.visitors.forget("alice")
    store.runs.progress(run.id, 0.5, "Nobody hears this")
    with pytest.raises(NotFound):
        store.runs.finish(run.id, {"n": Number(1, "N")}, {"version": VERSION})

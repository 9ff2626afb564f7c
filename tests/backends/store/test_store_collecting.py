import os
import time
from pathlib import Path

import pytest

from backends.core.digest import sha256
from backends.core.errors import NotFound
from backends.core.limits import Limits
from backends.core.results import Text
from backends.store.store import Store
from backends.store.values import Collected
from tests.backends.store.making import FakeClock, done_run, experiment, files_on_disk, open_store


def test_uploads_and_unsaved_runs_expire_after_the_keeping_time(either_store: Store, clock: FakeClock) -> None:
    store = either_store
    photo = store.artifacts.put("alice", b"photo", "image/png")
    run = done_run(store, "alice", {"t": Text("result")}, photo=photo)
    clock.forward(hours=23.9)
    assert store.collect() == Collected()
    clock.forward(hours=0.1)
    assert store.collect() == Collected(uploads=1, runs=1, artifacts=2, bytes=len(b"photo") + len(b"result"))
    for read in (lambda: store.runs.get(run.id, "alice"), lambda: store.artifacts.read(photo, "alice")):
        with pytest.raises(NotFound):
            read()
    assert store.usage("alice") == 0


def test_saved_runs_and_their_inputs_stay_for_good(store: Store, clock: FakeClock) -> None:
    photo = store.artifacts.put("alice", b"photo", "image/png")
    run = done_run(store, "alice", {"t": Text("result")}, photo=photo)
    session = store.sessions.create("alice", "Saved")
    store.sessions.add_run(session.id, "alice", run.id)
    clock.forward(days=3650)
    assert store.collect() == Collected(uploads=1)  # the upload's own claim goes; the run's holds the bytes
    assert store.artifacts.read(photo, "alice") == b"photo"
    assert store.runs.outputs(run.id, "alice") == {"t": Text("result")}


def test_runs_that_wait_or_go_on_do_not_expire(store: Store, clock: FakeClock) -> None:
    photo = store.artifacts.put("alice", b"photo", "image/png")
    waiting = store.runs.create(experiment(photo=photo), "alice")
    going = store.runs.create(experiment(photo=photo), "alice")
    store.runs.start(going.id)
    clock.forward(days=3)
    assert store.collect() == Collected(uploads=1)
    assert store.artifacts.read(photo, "alice") == b"photo"
    store.runs.cancel(waiting.id)
    store.runs.finish(going.id, {}, {"version": "1"})
    clock.forward(hours=24)
    assert store.collect() == Collected(runs=2, artifacts=1, bytes=len(b"photo"))


def test_a_private_upload_goes_earlier_and_takes_its_unsaved_runs_along(store: Store, clock: FakeClock) -> None:
    scan = store.artifacts.put("alice", b"scan", "image/png", keep_hours=2)
    done_run(store, "alice", {"t": Text("from the scan")}, photo=scan)
    other = done_run(store, "alice", {"t": Text("from nothing")})
    clock.forward(hours=2)
    assert store.collect() == Collected(uploads=1, runs=1, artifacts=2, bytes=len(b"scan") + len(b"from the scan"))
    assert store.runs.get(other.id, "alice").state == "done"


def test_nobody_may_keep_an_upload_longer_than_the_limit(store: Store, clock: FakeClock) -> None:
    store.artifacts.put("alice", b"scan", "image/png", keep_hours=1000)
    clock.forward(hours=24)
    assert store.collect().uploads == 1


def test_giving_the_same_bytes_again_renews_their_time(store: Store, clock: FakeClock) -> None:
    digest = store.artifacts.put("alice", b"photo", "image/png")
    clock.forward(hours=20)
    store.artifacts.put("alice", b"photo", "image/png")
    clock.forward(hours=20)
    assert store.collect() == Collected()
    assert store.artifacts.read(digest, "alice") == b"photo"


def test_bytes_that_another_visitor_keeps_stay(store: Store, clock: FakeClock) -> None:
    store.artifacts.put("alice", b"both", "image/png")
    clock.forward(hours=20)
    digest = store.artifacts.put("bob", b"both", "image/png")
    clock.forward(hours=4)
    assert store.collect() == Collected(uploads=1)
    assert store.artifacts.read(digest, "bob") == b"both"
    with pytest.raises(NotFound):
        store.artifacts.read(digest, "alice")


def test_a_file_whose_row_is_not_there_yet_is_left_alone_for_ten_minutes(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    digest = sha256(b"on its way")
    store._parts.files.write(digest, b"on its way", clock())
    clock.forward(minutes=9)
    assert store.collect() == Collected()
    assert files_on_disk(tmp_path) == {digest}
    clock.forward(minutes=2)
    assert store.collect() == Collected(artifacts=1, bytes=10)
    assert files_on_disk(tmp_path) == set()


def test_writing_known_bytes_again_makes_their_file_young_again(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    digest = sha256(b"on its way")
    store._parts.files.write(digest, b"on its way", clock())
    clock.forward(minutes=9)
    store._parts.files.write(digest, b"on its way", clock())
    clock.forward(minutes=9)
    assert store.collect() == Collected()
    assert files_on_disk(tmp_path) == {digest}


def test_a_file_that_is_collected_between_writing_and_recording_is_written_again(tmp_path: Path) -> None:
    """The narrowest race: the collector runs after the bytes were written and before their row is committed."""
    clock = FakeClock()
    store = open_store(tmp_path, clock)
    files = store._parts.files
    write = files.write
    collected = []

    def write_then_collect(digest: str, data: bytes, now: object) -> None:
        write(digest, data, clock())
        if not collected:
            collected.append(store.collect(clock.now.replace(year=2027)))

    files.write = write_then_collect  # type: ignore[method-assign]
    digest = store.artifacts.put("alice", b"raced", "text/plain")
    assert collected[0].artifacts == 1
    assert store.artifacts.read(digest, "alice") == b"raced"
    store.close()


def test_half_written_files_of_dead_processes_are_swept_and_young_ones_kept(store: Store, tmp_path: Path) -> None:
    old, young = (tmp_path / "artifacts" / ".incoming" / name for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 700, time.time() - 700))
    store.collect()
    assert not old.exists()
    assert young.exists()


def test_expiry_follows_the_setting(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock, Limits(keep_hours=0.5))
    store.artifacts.put("alice", b"x", "text/plain")
    clock.forward(minutes=31)
    assert store.collect().uploads == 1
    store.close()

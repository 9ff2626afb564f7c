import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from backends.core.errors import Busy, StoreError
from backends.core.limits import Limits
from backends.store import sqlite
from backends.store.store import Store
from tests.backends.store.making import FakeClock, done_run, experiment, open_store


def pragma(store: Store, name: str) -> object:
    with store._parts.database.read() as session:
        return session.execute(text(f"PRAGMA {name}")).scalar()


def test_locks_work_on_a_normal_file_system_and_the_test_leaves_nothing(tmp_path: Path) -> None:
    assert sqlite.locks_work(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_locks_that_do_nothing_are_found_out(tmp_path: Path) -> None:
    assert not sqlite.locks_work(tmp_path, vfs="unix-none")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("vfs", "refused"), [("unix", True), ("unix-none", False)])
def test_what_counts_is_whether_another_process_is_refused(tmp_path: Path, vfs: str, refused: bool) -> None:
    address = f"{(tmp_path / 'probe.db').as_uri()}?vfs={vfs}"
    first = sqlite3.connect(address, uri=True, isolation_level=None)
    first.execute("CREATE TABLE probe (x INTEGER)")
    first.execute("BEGIN IMMEDIATE")
    assert sqlite._refused_elsewhere(address) is refused
    first.close()


def test_a_folder_that_is_not_there_has_no_working_locks(tmp_path: Path) -> None:
    assert not sqlite.locks_work(tmp_path / "nowhere")


def test_a_store_on_a_normal_disk_uses_wal_and_has_no_notice(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'vitrine.db'}", tmp_path / "artifacts", Limits())
    assert store.notice == ""
    found = {name: pragma(store, name) for name in ("journal_mode", "foreign_keys", "synchronous", "busy_timeout")}
    assert found == {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 1, "busy_timeout": sqlite.BUSY_MS}
    store.close()


def test_without_locks_the_store_keeps_one_exclusive_connection_and_says_so(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock, locks=False)
    assert "start only one server" in store.notice
    found = {name: pragma(store, name) for name in ("journal_mode", "locking_mode", "synchronous")}
    assert found == {"journal_mode": "delete", "locking_mode": "exclusive", "synchronous": 2}
    store.check()
    assert not (tmp_path / "vitrine.db-wal").exists()
    intruder = sqlite3.connect(tmp_path / "vitrine.db", timeout=0)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        intruder.execute("SELECT count(*) FROM runs")
    intruder.close()
    store.close()


def test_a_database_moves_between_the_two_ways(tmp_path: Path, clock: FakeClock) -> None:
    run_ids = []
    for locks in (True, False, True):
        store = open_store(tmp_path, clock, locks=locks)
        run_ids.append(done_run(store, "alice", {}, gain=len(run_ids)).id)
        assert {run.id for run in store.runs.recent("alice")} == set(run_ids)
        assert pragma(store, "journal_mode") == ("wal" if locks else "delete")
        store.close()


def test_another_program_that_holds_the_database_is_told_as_busy(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 50)
    store = open_store(tmp_path, clock)
    other = sqlite3.connect(tmp_path / "vitrine.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Busy):
        store.check()
    assert store.runs.recent("alice") == []  # reading goes on
    other.execute("COMMIT")
    other.close()
    store.check()
    store.close()


def test_reads_are_not_blocked_by_a_write_and_see_the_moment_before_it(store: Store) -> None:
    run = store.runs.create(experiment(), "alice")
    writing, go_on = threading.Event(), threading.Event()

    def slow_write() -> None:
        with store._parts.database.write() as session:
            session.execute(text("UPDATE runs SET state = 'running'"))
            writing.set()
            go_on.wait(10)

    thread = threading.Thread(target=slow_write)
    thread.start()
    assert writing.wait(10)
    assert store.runs.get(run.id, "alice").state == "queued"
    go_on.set()
    thread.join()
    assert store.runs.get(run.id, "alice").state == "running"


def test_a_block_that_raises_leaves_no_trace_and_frees_the_turn(store: Store) -> None:
    run = store.runs.create(experiment(), "alice")

    def refused() -> None:
        with store._parts.database.write() as session:
            session.execute(text("UPDATE runs SET state = 'running'"))
            raise StoreError("No.")

    with pytest.raises(StoreError):
        refused()
    assert store.runs.get(run.id, "alice").state == "queued"
    assert store.runs.start(run.id).state == "running"

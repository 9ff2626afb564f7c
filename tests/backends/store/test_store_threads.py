"""Eight threads at once, with a collector that runs all the time and is told that it is later than it is."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from backends.core.errors import StoreError
from backends.core.results import Number, Text
from backends.store.store import Store
from tests.backends.store.making import VERSION, FakeClock, experiment, open_store

THREADS, ROUNDS = 8, 12


def work(store: Store, worker: int) -> list[tuple[str, int]]:
    visitor, made = f"visitor-{worker % 4}", []
    for index in range(ROUNDS):
        photo = store.artifacts.put(visitor, f"photo {index}".encode(), "image/png")  # the same bytes from everyone
        run = store.runs.create(experiment(worker * 100 + index, photo=photo), visitor)
        store.runs.start(run.id)
        store.runs.progress(run.id, 0.5, "Half-way")
        results = {"shared": Text(f"shared {index}"), "own": Number(worker * 100 + index, "N")}
        assert store.runs.finish(run.id, results, {"version": VERSION}).state == "done"
        assert store.runs.outputs(run.id, visitor) == results
        if index % 4 == 0:
            session = store.sessions.create(visitor, f"{worker}/{index}")
            store.sessions.add_run(session.id, visitor, run.id)
            assert store.sessions.open(session.link, "reader").runs[0].outputs
        if index % 5 == 4:
            store.visitors.forget(f"passer-by-{worker}")
            store.artifacts.put(f"passer-by-{worker}", f"photo {index}".encode(), "image/png")
        store.runs.recent(visitor, 10)
        made.append((run.id, worker * 100 + index))
    return made


def test_eight_threads_and_a_collector_lose_nothing(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock)
    stop = threading.Event()
    collections = []

    def collect() -> None:
        while not stop.is_set():  # an hour later: no grace for what is being written this moment
            collections.append(store.collect(clock.now + timedelta(hours=1)))

    collector = threading.Thread(target=collect)
    collector.start()
    with ThreadPoolExecutor(THREADS) as pool:
        made = [pool.submit(work, store, worker) for worker in range(THREADS)]
        runs = {worker: future.result(timeout=120) for worker, future in enumerate(made)}
    stop.set()
    collector.join()

    assert collections
    for worker, pairs in runs.items():
        visitor = f"visitor-{worker % 4}"
        for run_id, value in pairs:
            assert store.runs.outputs(run_id, visitor)["own"] == Number(value, "N")
            (photo,) = store.runs.get(run_id, visitor).experiment.inputs.values()
            assert store.artifacts.read(photo, visitor).startswith(b"photo")
    assert len(store.runs.recent("visitor-0", 500)) == 2 * ROUNDS
    store.close()
    connection = sqlite3.connect(tmp_path / "vitrine.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def test_a_run_is_started_by_one_of_many_workers_only(store: Store) -> None:
    run = store.runs.create(experiment(), "alice")
    barrier = threading.Barrier(THREADS)

    def start() -> bool:
        barrier.wait()
        try:
            store.runs.start(run.id)
        except StoreError:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        started = [future.result() for future in [pool.submit(start) for _ in range(THREADS)]]
    assert started.count(True) == 1


def test_two_servers_on_one_database_take_turns(tmp_path: Path, clock: FakeClock) -> None:
    """A write turn is per process; between processes BEGIN IMMEDIATE waits, where a late upgrade would be refused."""
    stores = [open_store(tmp_path, clock) for _ in range(2)]

    def write(store: Store) -> int:
        for index in range(40):
            run = store.runs.create(experiment(index), "alice")
            store.runs.start(run.id)
        return 40

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(write, stores)) == 80
    assert len(stores[0].runs.recent("alice", 500)) == 80
    for store in stores:
        store.close()

"""What the local executor does inside that a conformance suite cannot ask of others: writes, loads, broken parts."""

import itertools
import threading
import time
from pathlib import Path

import pytest
import torch

from backends.core.cancellation import Cancellation
from backends.core.errors import Busy, Cancelled, OutOfMemory, StoreError
from backends.core.identity import Identity
from backends.runtime.batching import Batches
from backends.runtime.executor import Final, Progressed, Started
from backends.runtime.job import BatchingJob, RunJob
from backends.runtime.lab import Lab
from backends.runtime.local import LocalRuntime
from backends.runtime.provenance import Notes
from backends.runtime.pulse import Pulse
from tests.backends.runtime.workbench import (
    ACTIONS,
    PATIENCE,
    TINY,
    VERSION,
    Add,
    Gate,
    House,
    Predict,
    Walk,
    card,
    in_time,
    load,
)


class SlowLoader:
    """A loader that waits at its gate."""

    def __init__(self):
        self.gate = threading.Event()
        self.called = threading.Event()

    def __call__(self, folder: Path, device: str):
        self.called.set()
        assert self.gate.wait(PATIENCE)
        return load(folder, device)


@pytest.fixture
def slow():
    loader = SlowLoader()
    yield loader
    loader.gate.set()


@pytest.fixture
def house(tmp_path, slow):
    made = House(tmp_path, cards=[card(tmp_path / "slow", "bench/slow", slow)])
    made.runtime = LocalRuntime(ACTIONS, made.registry, made.store, version=VERSION, limits=made.limits, silence=0.3)
    made.runtime.start()
    yield made
    slow.gate.set()
    made.close()


def job(house, *, patience=30.0, cancellation=None, said=None):
    return RunJob(
        house.experiment(Add(), seed=9),
        "ann",
        store=house.store,
        registry=house.registry,
        batches=Batches(crowd=lambda: 1),
        cancellation=cancellation or Cancellation(),
        pulse=Pulse(),
        notes=Notes(),
        say=said.append if said is not None else None,
        patience=patience,
    )


def test_a_job_is_what_actions_are_promised(house):
    assert isinstance(job(house), BatchingJob)
    assert job(house).seed == 9


def test_a_load_that_moves_is_waited_for_beyond_one_deadline_and_told(house, slow):
    said, held = [], threading.Event()

    def work():
        with job(house, patience=0.05, said=said).lease("bench/slow") as network:
            assert isinstance(network, torch.nn.Module)
            held.set()

    worker = threading.Thread(target=work)
    worker.start()
    assert slow.called.wait(PATIENCE)
    assert not held.wait(0.3)  # six deadlines
    slow.gate.set()
    assert held.wait(PATIENCE)
    worker.join(PATIENCE)
    assert said == ["Loading Tiny"]
    assert house.registry.status().leases == 0


def test_a_wait_that_leads_nowhere_ends_as_busy(tmp_path):
    house = House(tmp_path, cards=[card(tmp_path / "one", "bench/one", exclusive=True)])
    first, second = job(house, patience=0.05), job(house, patience=0.05)
    with first.lease("bench/one"), pytest.raises(Busy):
        in_time(second.lease("bench/one").__enter__)
    house.close()


def test_stop_is_heard_while_a_model_loads(house, slow):
    cancellation = Cancellation()
    ended = []

    def work():
        try:
            with job(house, cancellation=cancellation).lease("bench/slow"):
                ended.append("got it")
        except Cancelled:
            ended.append("stopped")

    worker = threading.Thread(target=work)
    worker.start()
    assert slow.called.wait(PATIENCE)
    cancellation.cancel()
    worker.join(PATIENCE)
    assert ended == ["stopped"]


def test_waiting_for_a_load_is_not_taken_for_a_stuck_worker(house, slow):
    runs = [house.submit(Walk(steps=1, model="bench/slow"), visitor) for visitor in ("ann", "bob")]
    assert slow.called.wait(PATIENCE)
    time.sleep(0.4)  # longer than `silence`; whether the load itself is stuck, the registry tells
    assert not house.runtime.status().wedged
    assert house.runtime.ping(0.2)
    slow.gate.set()
    assert {house.ended(run).state for run in runs} == {"done"}


def test_an_apply_that_runs_out_of_memory_is_tried_once_more(house):
    tries = []

    def hungry(network):
        tries.append(network)
        if len(tries) == 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return "fits"

    assert job(house).apply(TINY, hungry) == "fits"
    assert len(tries) == 2
    tries.clear()

    def starving(network):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")

    with pytest.raises(OutOfMemory):
        job(house).apply(TINY, starving)
    assert house.registry.status().leases == 0


def test_progress_is_written_at_most_four_times_a_second(house, monkeypatch):
    written = []
    real = house.store.runs.progress
    monkeypatch.setattr(house.store.runs, "progress", lambda *args: (written.append(time.monotonic()), real(*args)))
    run = house.running(house.submit(Walk(steps=60)))
    seen = {house.store.runs.get(run.id, "ann").fraction for _ in house.runtime.watch(run.id, "ann")}
    assert 1 <= len(written) <= 8
    assert all(later - earlier >= 0.25 for earlier, later in itertools.pairwise(written))
    assert len(seen) > 1  # who reads the store sees it move


def test_weights_that_changed_while_a_run_waited_are_not_used(house, monkeypatch):
    gates = [house.gate(), house.gate()]
    for gate in gates:
        house.running(house.submit(Gate(path=str(gate)), gate.name))
    run = house.submit(Predict())
    monkeypatch.setattr(house.registry, "revision", lambda model_id: "f" * 64)
    for gate in gates:
        gate.touch()
    ended = house.ended(run)
    assert (ended.state, ended.error["code"]) == ("failed", "revision_changed")


@pytest.mark.parametrize("error", [StoreError("The disk is full."), OSError(28, "No space left on device")])
def test_watchers_hear_the_end_even_when_the_store_cannot_write_it(house, monkeypatch, error):
    def full(*_):
        raise error

    monkeypatch.setattr(house.store.runs, "finish", full)
    monkeypatch.setattr(house.store.runs, "fail", full)
    gate = house.gate()
    run = house.running(house.submit(Gate(path=str(gate))))
    watcher = house.runtime.watch(run.id, "ann")
    gate.touch()
    assert in_time(lambda: list(watcher))[-1].run.state == "failed"
    monkeypatch.undo()
    again = in_time(lambda: list(house.runtime.watch(run.id, "ann")))
    assert [type(event) for event in again] == [Started, Final]
    assert again[-1].run.state == "interrupted"
    assert house.ended(house.submit(Add())).state == "done"


def test_a_broken_progress_value_does_not_break_the_run(house):
    heard = house.events(house.submit(Walk(steps=1)))
    assert all(0 <= event.fraction <= 1 for event in heard if isinstance(event, Progressed))


def test_two_runs_of_one_model_share_a_forward(house):
    calls = []
    network = house.registry.lease(TINY)
    with network as held:
        hook = held.register_forward_hook(lambda module, args, out: calls.append(len(args[0])))
        runs = [house.submit(Predict(), f"v{seed}", seed=seed) for seed in range(2)]
        assert {house.ended(run).state for run in runs} == {"done"}
        hook.remove()
    assert sum(calls) == 2


def test_the_lab_fills_in_the_weights_of_the_models_an_action_names(house):
    lab = Lab(
        actions=ACTIONS,
        catalogue=house.registry.catalogue,
        registry=house.registry,
        store=house.store,
        runtime=house.runtime,
        identity=Identity("a secret of some length"),
        limits=house.limits,
        version=VERSION,
    )
    experiment = lab.experiment(Predict(), seed=4)
    assert experiment.models == {"model": (TINY, house.registry.revision(TINY))}
    assert experiment.seed == 4
    assert house.ended(lab.runtime.submit(experiment, "ann")).provenance["seed"] == 4

"""Sweeps hold a worker for long: whoever comes meanwhile is served all the same."""

import threading
import time

import pytest

from backends.core.sweep import sweep_of
from backends.runtime.executor import Final, Progressed, Started
from backends.runtime.local import LocalRuntime
from tests.backends.runtime.workbench import ACTIONS, VERSION, Add, Gate, House, Walk, in_time

WalkSweep = sweep_of(Walk)


@pytest.fixture
def house(tmp_path):
    made = House(tmp_path)
    made.runtime = LocalRuntime(ACTIONS, made.registry, made.store, version=VERSION, workers=2, limits=made.limits)
    made.runtime.start()
    yield made
    made.close()


def sweep(tag: int) -> Walk:
    """Ten cells of a second each."""
    return WalkSweep.parse({"steps": 100, "tag": tag, "sweep_x": "tag", "sweep_x_values": f"{tag}..{tag + 9}:10"})


def submitted(house, action, visitor):
    """WalkSweep's models are named by place, so the house's own way of asking does not do."""
    revisions = {name: house.registry.revision(name) for name in action.models().values()}
    return house.runtime.submit(action.experiment(revisions=revisions), visitor)


def test_a_single_run_gets_in_while_another_visitors_sweep_goes_on(house):
    house.running(submitted(house, sweep(0), "ann"))
    began = time.monotonic()
    assert house.ended(house.submit(Add(left=1), "bob")).state == "done"
    assert time.monotonic() - began < 5
    assert house.runtime.status().visitors["ann"].running == 1


def test_two_visitors_with_sweeps_do_not_starve_a_third(house):
    sweeps = [house.running(submitted(house, sweep(0), "ann")), submitted(house, sweep(100), "bob")]
    for turn in range(5):
        assert house.ended(house.submit(Add(left=turn), "cho"), within=5).state == "done"
    assert [house.store.runs.get(run.id, run.visitor).state for run in sweeps] == ["running", "queued"]


def test_ones_own_single_run_goes_before_ones_own_waiting_sweep(house):
    house.running(submitted(house, sweep(0), "ann"))
    waiting = submitted(house, sweep(100), "ann")
    assert house.ended(house.submit(Add(left=2), "ann"), within=5).state == "done"
    assert house.store.runs.get(waiting.id, "ann").state == "queued"


def test_a_waiting_sweep_starts_when_the_one_before_it_has_ended(house):
    first, second = submitted(house, sweep(0), "ann"), submitted(house, sweep(100), "bob")
    house.running(first)
    house.runtime.cancel(first.id, "ann")
    house.running(second)
    assert house.store.runs.get(first.id, "ann").state == "cancelled"


def test_a_waiting_sweep_can_be_stopped_and_is_told_how_long_it_waits(house):
    house.running(submitted(house, sweep(0), "ann"))
    run = submitted(house, sweep(100), "bob")
    told = in_time(lambda: next(e for e in house.runtime.watch(run.id, "bob") if isinstance(e, Progressed)))
    assert told.seconds_left is not None
    house.runtime.cancel(run.id, "bob")
    events = house.events(run)
    assert isinstance(events[-1], Final)
    assert events[-1].run.state == "cancelled"
    assert not any(isinstance(event, Started) for event in events)


def test_with_one_worker_sweeps_still_run(tmp_path):
    house = House(tmp_path)
    house.runtime = LocalRuntime(ACTIONS, house.registry, house.store, version=VERSION, workers=1, limits=house.limits)
    house.runtime.start()
    try:
        small = WalkSweep.parse({"steps": 1, "sweep_x": "tag", "sweep_x_values": "1, 2"})
        assert house.ended(submitted(house, small, "ann")).state == "done"
    finally:
        house.close()


def test_a_crowd_with_sweeps_and_single_runs_is_served_in_full(house):
    gate = house.gate()
    held = house.submit(Gate(path=str(gate)), "dan")
    small = [
        submitted(house, WalkSweep.parse({"steps": 1, "sweep_x": "tag", "sweep_x_values": f"{n}, {n + 1}"}), f"v{n}")
        for n in range(6)
    ]
    single = [house.submit(Add(left=n), f"w{n}") for n in range(6)]
    threading.Timer(0.3, gate.touch).start()
    assert {house.ended(run).state for run in [held, *small, *single]} == {"done"}

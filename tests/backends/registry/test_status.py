"""What the registry says about itself: exact counters, and red when something is stuck."""

from __future__ import annotations

import dataclasses
import json
import threading
import time

import pytest

from backends.core.errors import Busy, OutOfMemory
from backends.registry.construct import construction
from backends.registry.progress import Progress
from backends.registry.registry import STALL_SECONDS
from tests.backends.registry.support import Crowd, Workshop, until


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_scripted_scenario_yields_exactly_these_figures(workshop: Workshop, clock: Clock) -> None:
    seconds = {"a": 2.0, "b": 0.5, "c": 0.25}

    def take_time(name: str) -> None:
        clock.now += seconds[name]

    workshop.on_load = take_time
    registry = workshop.registry(
        [workshop.card(name) for name in "abc"], ram_budget=200, clock=clock, idle_seconds=60.0
    )
    registry.load("test/a")  # miss, load
    registry.load("test/a")  # hit
    crowd = Crowd()
    with registry.lease("test/a"):  # hit
        with registry.lease("test/b"):  # miss, load
            crowd.start(lambda: registry.load("test/c"))  # miss; waits for room
            until(lambda: registry.status().queue_depth == 1)
            status = registry.status()
            assert (status.leases, status.queue_depth) == (2, 1)
            assert [model.state for model in status.models] == ["leased", "leased", "waiting"]
            with pytest.raises(Busy):
                registry.load("test/c", deadline=0.0)  # miss
        crowd.join()  # b made room for c
    workshop.trouble["b"] = [MemoryError()]
    registry.load("test/b")  # miss; c evicted for room; runs out; a evicted; load
    registry.unload("test/b")
    registry.load("test/a")  # miss, load
    clock.now += 60.0
    registry.sweep()
    workshop.trouble["a"] = [ValueError("broken")]
    with pytest.raises(Exception, match="could not be loaded"):
        registry.load("test/a")  # miss, failure

    a, b, c = registry.status().models
    assert (a.hits, b.hits, c.hits) == (2, 0, 0)
    assert (a.misses, b.misses, c.misses) == (3, 2, 2)
    assert (a.loads, b.loads, c.loads) == (2, 2, 1)
    assert (a.failures, b.failures, c.failures) == (1, 0, 0)
    assert (a.load_seconds, b.load_seconds, c.load_seconds) == (4.0, 1.5, 0.25)
    assert (a.last_load_seconds, b.last_load_seconds) == (2.0, 1.0)  # b's second load needed two tries
    assert (a.evictions, b.evictions, c.evictions) == ({"oom": 1, "idle": 1}, {"budget": 1, "unload": 1}, {"budget": 1})
    assert (a.state, b.state, c.state) == ("failed", "absent", "absent")
    status = registry.status()
    assert (status.hits, status.misses, status.loads, status.load_seconds) == (2, 7, 5, 5.75)
    assert status.evictions == {"budget": 2, "idle": 1, "unload": 1, "oom": 1}
    assert (status.leases, status.queue_depth, status.oom_total) == (0, 0, 1)
    assert (status.ram.resident, status.ram.loading, status.ram.free) == (0, 0, 200)
    json.dumps(dataclasses.asdict(status))


def test_a_status_is_frozen_plain_data(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    before = registry.status()
    registry.load("test/a")
    assert before.models[0].state == "absent"
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.models[0].hits = 3  # type: ignore[misc]
    with pytest.raises(KeyError):
        before.model("test/z")
    assert registry.status().ram.allocated > 2**20


def test_the_time_since_the_last_use_is_told_of_idle_models_only(workshop: Workshop, clock: Clock) -> None:
    registry = workshop.registry([workshop.card("a")], clock=clock)
    assert registry.status().models[0].idle_for is None
    with registry.lease("test/a"):
        clock.now += 5.0
        assert registry.status().models[0].idle_for is None
    clock.now += 7.0
    assert registry.status().models[0].idle_for == 7.0


def test_a_wedged_loader_turns_health_red_within_ten_seconds_while_other_models_answer(
    workshop: Workshop, clock: Clock
) -> None:
    registry = workshop.registry([workshop.card("a"), workshop.card("b")], clock=clock)
    registry.load("test/b")
    gate = workshop.close_gate("a")
    crowd = Crowd()
    crowd.start(lambda: registry.load("test/a"))
    workshop.await_load("a")
    assert registry.health().ok
    clock.now += STALL_SECONDS
    assert registry.health().ok
    clock.now += 1.0
    health = registry.health()
    assert (health.ok, health.stalled) == (False, ("test/a",))
    assert health.sentence == "Stuck for more than 8 s: test/a."
    assert STALL_SECONDS < 10.0
    started = time.monotonic()
    assert registry.run("test/b", lambda model: model.name) == "b"
    assert registry.status().model("test/a").phase == "constructing"
    assert time.monotonic() - started < 1.0
    gate.set()
    crowd.join()
    assert registry.health().ok


def test_a_download_is_stuck_only_when_no_byte_comes(workshop: Workshop, clock: Clock) -> None:
    registry = workshop.registry([workshop.card("a")], clock=clock)
    progress: list[Progress] = []
    step, done = threading.Semaphore(0), threading.Semaphore(0)

    def fetch(_: object, watched: Progress, **__: object) -> None:
        watched.enter("fetching")
        progress.append(watched)
        for _ in range(3):
            done.release()
            assert step.acquire(timeout=20)
            watched.fetched(10)
        raise OSError("cut")

    registry._shelf.fetch = fetch  # type: ignore[method-assign, assignment] - a network in slow motion
    crowd = Crowd()
    crowd.start(lambda: registry.load("test/a"))
    for _ in range(3):
        assert done.acquire(timeout=20)
        clock.now += STALL_SECONDS - 1.0
        assert registry.health().ok
        if len(crowd.errors) == 0 and progress[0].done == 20:
            clock.now += 2.0
            assert registry.health().stalled == ("test/a",)
        step.release()
    crowd.join()
    assert progress[0].done == 30


def test_waiting_for_ones_turn_is_not_stuck_unless_nobody_is_building(workshop: Workshop, clock: Clock) -> None:
    registry = workshop.registry([workshop.card("a"), workshop.card("b")], clock=clock)
    gate = workshop.close_gate("a")
    crowd = Crowd()
    crowd.start(lambda: registry.load("test/a"))
    workshop.await_load("a")
    crowd.start(lambda: registry.load("test/b"))
    until(lambda: registry.status().model("test/b").phase == "queued")
    clock.now += STALL_SECONDS + 1.0
    assert registry.health().stalled == ("test/a",)
    gate.set()
    crowd.join()
    registry.unload("test/b")
    with construction():  # held by somebody else, who is stuck
        crowd.start(lambda: registry.load("test/b"))
        until(lambda: registry.status().model("test/b").phase == "queued")
        clock.now += STALL_SECONDS + 1.0
        assert registry.health().stalled == ("test/b",)
    crowd.join()


def test_a_release_that_hangs_turns_health_red(workshop: Workshop, clock: Clock) -> None:
    gate = threading.Event()
    registry = workshop.registry(
        [workshop.card("a")], clock=clock, free=lambda box: (gate.wait(20) and box.clear()) or []
    )
    registry.load("test/a")
    crowd = Crowd()
    crowd.start(lambda: registry.unload("test/a"))
    until(lambda: registry.status().models[0].state == "releasing")
    assert registry.health().ok
    clock.now += STALL_SECONDS + 1.0
    assert registry.health().stalled == ("test/a",)
    gate.set()
    crowd.join()
    assert registry.health().ok


def test_a_registry_that_does_not_answer_is_unhealthy(workshop: Workshop) -> None:
    registry = workshop.registry([])
    with registry._lock:
        started = time.monotonic()
        health = registry.health(timeout=0.05)
    assert (health.ok, health.sentence) == (False, "The model registry does not answer.")
    assert time.monotonic() - started < 1.0


def test_busy_says_when_to_come_again(workshop: Workshop, clock: Clock) -> None:
    registry = workshop.registry([workshop.card("a")], clock=clock)
    workshop.on_load = lambda _: setattr(clock, "now", clock.now + 30.0)
    registry.load("test/a")
    registry.unload("test/a")
    workshop.on_load = lambda _: None
    gate = workshop.close_gate("a")
    with pytest.raises(Busy):
        registry.load("test/a", deadline=0.0)
    clock.now += 10.0
    with pytest.raises(Busy) as caught:
        registry.load("test/a", deadline=0.0)
    assert caught.value.retry_after == 20.0  # its last load took 30 s
    gate.set()
    until(lambda: registry.status().models[0].state == "resident")


def test_a_retiring_model_says_so_to_who_cannot_wait(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    with registry.lease("test/a"):
        registry.unload("test/a")
        with pytest.raises(Busy, match="being unloaded, and will be loaded again"):
            registry.load("test/a", deadline=0.0)
    with pytest.raises(OutOfMemory):
        workshop.registry([workshop.card("a", 2000)]).load("test/a")

"""Waiting for a model: deadlines, cancelling, one at a time."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import pytest

from backends.core.cancellation import Cancellation
from backends.core.errors import Busy, Cancelled, LoadFailed
from tests.backends.registry.support import Crowd, Model, Workshop, until

QUICK = 0.05  # seconds: what is promised for wake-ups and deferred unloads


def test_a_loader_that_returns_nothing_or_calls_itself_cancelled_has_failed(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    workshop.build = lambda _: None
    with pytest.raises(LoadFailed):
        registry.load("test/a")
    workshop.trouble["a"] = [Cancelled()]
    with pytest.raises(LoadFailed):
        registry.load("test/a")


def test_every_wait_ends_at_its_deadline_even_if_the_loader_never_does(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    gate = workshop.close_gate("a")
    started = time.monotonic()
    with pytest.raises(Busy, match="A is still being loaded") as caught:
        registry.load("test/a", deadline=0.1)
    assert 0.1 <= time.monotonic() - started < 1.0
    assert caught.value.retry_after > 0
    gate.set()
    until(lambda: registry.status().model("test/a").state == "resident")  # the load went on for whoever comes next
    assert registry.status().queue_depth == 0


def test_a_deadline_of_zero_takes_it_or_leaves_it(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    gate = workshop.close_gate("a")
    with pytest.raises(Busy):
        registry.load("test/a", deadline=0)
    gate.set()
    until(lambda: registry.status().model("test/a").state == "resident")
    assert registry.load("test/a", deadline=0).hits == 1


def test_cancelling_wakes_a_waiter_within_50_ms(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    gate = workshop.close_gate("a")
    woken: list[float] = []
    for _ in range(3):  # the machine is shared: the best of three
        cancellation = Cancellation()
        crowd = Crowd()

        def work(cancellation: Cancellation = cancellation) -> None:
            try:
                registry.load("test/a", cancellation=cancellation)
            except Cancelled:
                woken.append(time.monotonic())
                raise

        crowd.start(work)
        until(lambda: registry.status().queue_depth == 1)
        asked = time.monotonic()
        cancellation.cancel()
        crowd.join()
        assert isinstance(crowd.errors[0], Cancelled)
        woken[-1] -= asked
    gate.set()
    assert min(woken) < QUICK


def test_cancelling_before_the_lease_asks_for_nothing(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        registry.load("test/a", cancellation=cancellation)
    assert registry.status().model("test/a").misses == 0


def test_cancelling_one_of_two_waiters_leaves_the_other_its_load(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    gate = workshop.close_gate("a")
    cancellation = Cancellation()
    crowd = Crowd()
    crowd.start(lambda: registry.load("test/a"))
    crowd.start(lambda: registry.load("test/a", cancellation=cancellation))
    until(lambda: registry.status().queue_depth == 2)
    cancellation.cancel()
    until(lambda: 1 in crowd.errors)
    gate.set()
    crowd.join()
    assert isinstance(crowd.errors[1], Cancelled)
    assert crowd.results[0].state in ("leased", "resident")


def test_a_load_stopped_by_its_last_waiter_is_begun_again_for_who_came_since(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a"), workshop.card("b")])
    gate = workshop.close_gate("a")
    crowd = Crowd()
    crowd.start(lambda: registry.load("test/a"))
    workshop.await_load("a")  # the construction lock is taken, so the load of b stands before it
    cancellation = Cancellation()
    crowd.start(lambda: registry.load("test/b", cancellation=cancellation))
    until(lambda: registry.status().model("test/b").phase == "queued")
    cancellation.cancel()
    until(lambda: 1 in crowd.errors)
    crowd.start(lambda: registry.load("test/b"))
    until(lambda: registry.status().queue_depth == 2)
    gate.set()
    crowd.join()
    assert set(crowd.results) == {0, 2}
    assert workshop.loads["b"] == 1


def test_a_cancelled_job_gives_back_its_lease_and_memory_within_half_a_second(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    cancellation = Cancellation()
    memory: list[weakref.ref[Model]] = []
    crowd = Crowd()

    def job() -> None:
        with registry.lease("test/a"):
            scratch = Model("working memory")
            memory.append(weakref.ref(scratch))
            while True:
                cancellation.wait(0.01)
                cancellation.check()

    crowd.start(job)
    until(lambda: bool(memory))
    asked = time.monotonic()
    cancellation.cancel()
    until(lambda: registry.status().leases == 0)
    assert time.monotonic() - asked < 0.5
    crowd.join()
    crowd.errors.clear()
    gc.collect()
    assert memory[0]() is None


def test_an_exclusive_model_is_leased_to_one_at_a_time_in_order(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a", exclusive=True)])
    registry.load("test/a")
    inside = threading.Semaphore(1)
    order: list[int] = []
    crowd = Crowd()

    def work(number: int) -> None:
        with registry.lease("test/a"):
            assert inside.acquire(blocking=False)
            order.append(number)
            inside.release()

    with registry.lease("test/a"):
        for number in range(8):
            crowd.start(lambda number=number: work(number))
            until(lambda number=number: registry.status().queue_depth == number + 1)
        with pytest.raises(Busy, match="A is in use"), registry.lease("test/a", deadline=0):
            pass
    crowd.join()
    assert not crowd.errors
    assert order == list(range(8))
    assert workshop.loads["a"] == 1

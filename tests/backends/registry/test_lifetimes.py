"""How models leave: idle times, closing, freeing; and what a lease hands out."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from backends.core.errors import Busy
from backends.registry import registry as registry_module
from tests.backends.registry.support import Crowd, Model, Workshop, hold, until

QUICK = 0.05  # seconds: what is promised for wake-ups and deferred unloads


def test_a_fork_gives_each_lease_its_own_and_a_failing_fork_gives_the_lease_back(workshop: Workshop) -> None:
    copies = [Model("one"), Model("two")]
    registry = workshop.registry([workshop.card("a", fork=lambda _: copies.pop())])
    with registry.lease("test/a") as one, registry.lease("test/a") as two:
        assert {one.name, two.name} == {"one", "two"}
    with pytest.raises(IndexError):
        registry.load("test/a")
    assert registry.status().leases == 0


def test_each_model_is_unloaded_after_its_own_idle_time(workshop: Workshop) -> None:
    now = [0.0]
    cards = [
        workshop.card("soon", idle_seconds=10.0),
        workshop.card("late"),
        workshop.card("never", idle_seconds=float("inf")),
        workshop.card("held", idle_seconds=10.0),
    ]
    registry = workshop.registry(cards, clock=lambda: now[0], idle_seconds=100.0)
    with ExitStack() as stack:
        for name in ("soon", "late", "never"):
            registry.load(f"test/{name}")
        hold(stack, registry, "held")
        for at, gone in (
            (9.9, set()),
            (10.0, {"soon"}),
            (99.0, {"soon"}),
            (101.0, {"soon", "late"}),
            (1e9, {"soon", "late"}),
        ):
            now[0] = at
            registry.sweep()
            absent = {model.id[5:] for model in registry.status().models if model.state == "absent"}
            assert absent == gone
    now[0] += 10.0
    registry.sweep()
    assert registry.status().model("test/held").state == "absent"
    assert registry.status().evictions == {"idle": 3}


def test_without_a_default_idle_time_nothing_is_unloaded(workshop: Workshop) -> None:
    now = [0.0]
    registry = workshop.registry([workshop.card("a")], clock=lambda: now[0], idle_seconds=None)
    registry.load("test/a")
    now[0] = 1e9
    registry.sweep()
    assert registry.status().model("test/a").state == "resident"


def test_the_background_sweeper_unloads_and_ends_with_the_registry(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "SWEEP_SECONDS", 0.01)
    registry = workshop.registry([workshop.card("a", idle_seconds=0.0)])
    registry.start()
    registry.start()
    registry.load("test/a")
    until(lambda: registry.status().model("test/a").state == "absent")
    registry.close()
    assert not any(thread.name == "registry sweeper" for thread in threading.enumerate())


def test_closing_turns_everyone_away_but_lets_leases_end(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a", exclusive=True), workshop.card("b"), workshop.card("c")])
    gate = workshop.close_gate("c")
    registry.load("test/b")
    crowd = Crowd()
    with registry.lease("test/a") as model:
        crowd.start(lambda: registry.load("test/a"))
        crowd.start(lambda: registry.load("test/c"))
        until(lambda: registry.status().queue_depth == 2)
        registry.close()
        crowd.join()
        assert {type(error) for error in crowd.errors.values()} == {Busy}
        assert model.name == "a"
        with pytest.raises(Busy, match="stopping"):
            registry.load("test/b")
    gate.set()
    until(lambda: {model.state for model in registry.status().models} == {"absent"})
    assert registry.status().ram.resident == 0


def test_when_the_machine_gives_no_thread_the_answer_is_busy(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = workshop.registry([workshop.card("a"), workshop.card("b")], ram_budget=100)
    registry.load("test/b")

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(Busy, match="too much to do"):
            registry.load("test/a")
    assert registry.status().model("test/b").state == "absent"  # evicted, though there was no thread to do it in
    assert registry.load("test/a").state == "resident"


def test_a_model_that_cannot_be_freed_cleanly_does_not_stop_the_books(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    def free(_: list[object]) -> list[object]:
        raise KeyError("destructor")

    registry = workshop.registry([workshop.card("a")], free=free)
    registry.load("test/a")
    assert registry.unload("test/a") is True
    assert registry.status().ram.resident == 0
    assert "freeing test/a failed" in caplog.text


def test_what_keeps_an_unloaded_model_alive_is_reported_by_its_class(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", logger="backends")  # a server in this process may have set it higher
    registry = workshop.registry([workshop.card("a")])
    with registry.lease("test/a") as kept:
        registry.unload("test/a")
    registry.sweep()
    assert registry.status().model("test/a").leaks == 1
    assert "something still holds its Model" in caplog.text
    assert kept.name == "a"
    del kept
    caplog.clear()
    registry.load("test/a")
    registry.unload("test/a")
    registry.sweep()
    assert registry.status().model("test/a").leaks == 1
    assert not caplog.text

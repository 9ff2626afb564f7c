"""Leases: one load per model, evictions, deferred unloads."""

from __future__ import annotations

import time

import pytest

from backends.core.errors import Busy, LoadFailed, NotFound, OutOfMemory, WeightsCorrupt
from tests.backends.registry.support import Crowd, Workshop, until

QUICK = 0.05  # seconds: what is promised for wake-ups and deferred unloads


def test_sixty_four_threads_on_a_cold_model_cause_one_load_and_get_one_object(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    gate = workshop.close_gate("a")
    crowd = Crowd()

    def work() -> int:
        with registry.lease("test/a") as model:
            return id(model)

    crowd.start(work, 64)
    until(lambda: registry.status().queue_depth == 64)
    gate.set()
    crowd.join()
    assert workshop.calls["a"] == 1
    assert not crowd.errors
    assert len(set(crowd.results.values())) == 1
    assert registry.status().leases == 0


def test_a_failing_loader_gives_all_waiters_the_same_typed_error_and_the_next_call_retries(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    gate = workshop.close_gate("a")
    workshop.trouble["a"] = [ValueError("broken")]
    crowd = Crowd()
    crowd.start(lambda: registry.load("test/a"), 64)
    until(lambda: registry.status().queue_depth == 64)
    gate.set()
    crowd.join()
    assert len(crowd.errors) == 64
    assert {type(error) for error in crowd.errors.values()} == {LoadFailed}
    assert len({(str(error), str(error.__cause__)) for error in crowd.errors.values()}) == 1
    assert len({id(error) for error in crowd.errors.values()}) == 64  # each thread has its own traceback
    assert registry.status().model("test/a").state == "failed"
    assert registry.load("test/a").state == "resident"
    assert (workshop.calls["a"], workshop.loads["a"]) == (2, 1)


def test_a_loaders_own_typed_error_reaches_the_caller_as_it_is(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    workshop.trouble["a"] = [WeightsCorrupt("Shard 2 is damaged.", hint="Fetch it again.")]
    with pytest.raises(WeightsCorrupt, match=r"Shard 2 is damaged\.") as caught:
        registry.load("test/a")
    assert caught.value.hint == "Fetch it again."


def test_an_unknown_model_is_not_found(workshop: Workshop) -> None:
    registry = workshop.registry([])
    for ask in (registry.load, registry.unload, registry.revision, registry.verify):
        with pytest.raises(NotFound):
            ask("test/nothing")


def test_unloading_a_leased_model_waits_for_its_last_release(workshop: Workshop) -> None:
    freed: list[float] = []
    registry = workshop.registry(
        [workshop.card("a")], free=lambda box: freed.append(time.monotonic()) or box.clear() or []
    )
    with registry.lease("test/a") as first:
        with registry.lease("test/a") as second:
            assert registry.unload("test/a") is False
            assert first is second
            assert registry.status().model("test/a").state == "retiring"
        assert not freed
        ended = time.monotonic()
    assert freed
    assert freed[0] - ended < QUICK
    assert registry.status().model("test/a").evictions == {"unload": 1}


def test_a_lease_of_a_model_that_is_leaving_gets_it_anew(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    crowd = Crowd()
    with registry.lease("test/a") as old:
        registry.unload("test/a")
        crowd.start(lambda: registry.run("test/a", id))
        until(lambda: registry.status().queue_depth == 1)
        assert crowd.results == {}
        alive = id(old)
    crowd.join()
    assert not crowd.errors
    assert workshop.loads["a"] == 2
    assert alive


def test_unloading_while_loading_serves_who_waits_and_then_lets_go(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    gate = workshop.close_gate("a")
    crowd = Crowd()
    crowd.start(lambda: registry.run("test/a", lambda model: model.name), 3)
    until(lambda: registry.status().queue_depth == 3)
    workshop.await_load("a")
    assert registry.unload("test/a") is False
    gate.set()
    crowd.join()
    assert list(crowd.results.values()) == ["a", "a", "a"]
    until(lambda: registry.status().model("test/a").state == "absent")
    assert workshop.loads["a"] == 1


def test_eviction_takes_the_least_recently_used_and_never_a_leased_model(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card(name) for name in "abcd"], ram_budget=300)
    for name in "abc":
        registry.load(f"test/{name}")
    registry.load("test/b")
    with registry.lease("test/a") as held:
        registry.load("test/d")
        states = {model.id[-1]: model.state for model in registry.status().models}
        assert states == {"a": "leased", "b": "resident", "c": "absent", "d": "resident"}
        registry.load("test/c")
        assert registry.status().model("test/b").state == "absent"
        assert held.name == "a"
    assert registry.status().evictions == {"budget": 2}


def test_nothing_is_evicted_for_a_load_that_would_not_fit_even_then(workshop: Workshop) -> None:
    registry = workshop.registry(
        [workshop.card("a", 200), workshop.card("b", 50), workshop.card("c", 150)], ram_budget=300
    )
    registry.load("test/b")
    with registry.lease("test/a"), pytest.raises(Busy, match="no memory for C while these are in use: test/a"):
        registry.load("test/c", deadline=0.05)
    assert registry.status().model("test/b").state == "resident"


def test_a_released_model_makes_room_for_the_load_that_waited_longest(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card(name) for name in "abc"], ram_budget=100)
    registry.status()  # enters all three, in the catalogue's order
    crowd = Crowd()
    with registry.lease("test/a"):
        for count, name in enumerate("cb", start=1):
            crowd.start(lambda name=name: registry.run(f"test/{name}", lambda _: time.monotonic()))
            until(lambda count=count: registry.status().queue_depth == count)
    crowd.join()
    assert not crowd.errors
    assert crowd.results[0] < crowd.results[1]


def test_a_model_larger_than_the_budget_is_refused_at_once_with_the_figures(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a", 100), workshop.card("b", 5_000_000)], ram_budget=300)
    with (
        registry.lease("test/a"),
        pytest.raises(OutOfMemory, match="B needs 5 MB, and models may use 300 bytes of RAM") as caught,
    ):
        registry.load("test/b")
    assert (caught.value.needed, caught.value.free, caught.value.held_by) == (5_000_000, 200, {"test/a": 100})


def test_ram_and_vram_have_budgets_of_their_own(workshop: Workshop) -> None:
    cards = [workshop.card("a"), workshop.card("b", device="cpu"), workshop.card("c")]
    registry = workshop.registry(cards, ram_budget=100, vram_budget=100, device="cuda:0")
    registry.load("test/a")
    registry.load("test/b")
    status = registry.status()
    assert (status.vram.resident, status.ram.resident) == (100, 100)
    assert (status.model("test/a").memory, status.model("test/b").memory) == ("VRAM", "RAM")
    registry.load("test/c")
    assert [model.state for model in registry.status().models] == ["absent", "resident", "resident"]


def test_the_revision_is_the_manifests_digest_before_and_after_loading(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    before = registry.revision("test/a")
    registry.load("test/a")
    assert registry.revision("test/a") == before == registry.verify("test/a") == registry.status().models[0].revision

"""The registry against a state machine: 10,000 random steps, and what must hold after each of them."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from backends.core.errors import LoadFailed, OutOfMemory
from tests.backends.registry.driven_registry import MODELS, Driven
from tests.backends.registry.support import Crowd, until

STEPS = 10_000
TIMES = 100  # each state of a model is entered at least so often
NAMES = st.sampled_from(sorted(MODELS))


class Machine(Driven):
    """Leases are held across steps; one slow load and one waiting lease may be under way in other threads."""

    # The steps.

    @rule(name=NAMES)
    def lease(self, name: str) -> None:
        if name != "g" and not self._can(name) and self.slow and self._state(name) in ("absent", "failed"):
            type(self).steps -= 1
            return  # would be left loading behind the slow one
        self._take(name)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name, lease, model = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        retiring = self._state(name) == "retiring"
        last = all(other is not model for _, _, other in self.held)
        lease.__exit__(None, None, None)
        assert model.freed or not (retiring and last)

    @rule(name=NAMES)
    def unload(self, name: str) -> None:
        idle = self._state(name) == "resident"
        gone = self.registry.unload(f"test/{name}")
        assert gone or not idle

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def unload_one_in_use(self, data: st.DataObject) -> None:
        name, _, model = data.draw(st.sampled_from(self.held))
        assert self.registry.unload(f"test/{name}") is False
        assert self._state(name) == "retiring"
        assert not model.freed

    @precondition(lambda self: self._cold())
    @rule(data=st.data())
    def load_that_fails(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self._cold()))
        self.workshop.trouble[name] = [ValueError("broken")]
        with pytest.raises(LoadFailed):
            self.registry.load(f"test/{name}", deadline=10.0)
        assert self._state(name) == "failed"

    @precondition(lambda self: self._cold())
    @rule(data=st.data(), times=st.integers(1, 2))
    def load_that_runs_out_of_memory(self, data: st.DataObject, times: int) -> None:
        name = data.draw(st.sampled_from(self._cold()))
        self.workshop.trouble[name] = [MemoryError() for _ in range(times)]
        if times == 1:
            self.registry.load(f"test/{name}", deadline=10.0)
            return
        with pytest.raises(OutOfMemory) as caught:
            self.registry.load(f"test/{name}", deadline=10.0)
        assert caught.value.needed == MODELS[name][0]

    @precondition(lambda self: self.held)
    @rule(data=st.data(), times=st.integers(1, 2))
    def use_that_runs_out_of_memory(self, data: st.DataObject, times: int) -> None:
        name, lease, model = self.held[data.draw(st.integers(0, len(self.held) - 1))]
        trouble = [RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB") for _ in range(times)]

        def use() -> str:
            if trouble:
                raise trouble.pop()
            return model.name

        if times == 1:
            assert lease.retrying(use) == name
            return
        with pytest.raises(OutOfMemory) as caught:
            lease.retrying(use)
        assert caught.value.needed == 2 * 2**30
        assert f"test/{name}" in caught.value.held_by

    @precondition(lambda self: self._cold())
    @rule(data=st.data())
    def begin_slow_load(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(self._cold()))
        gate, crowd = self.workshop.close_gate(name), Crowd()
        self.slow = (name, gate, crowd)
        crowd.start(lambda: self.registry.load(f"test/{name}"))
        self.workshop.await_load(name)

    @precondition(lambda self: self.slow)
    @rule()
    def finish_slow_load(self) -> None:
        assert self.slow is not None
        name, gate, crowd = self.slow
        self.slow = None
        gate.set()
        crowd.join()
        assert not crowd.errors
        del self.workshop.gates[name]

    @precondition(lambda self: not self.waiting and not self.slow and self._without_room())
    @rule(data=st.data())
    def begin_waiting(self, data: st.DataObject) -> None:
        name, crowd = data.draw(st.sampled_from(self._without_room())), Crowd()
        self.waiting = (name, crowd)
        crowd.start(lambda: self.registry.load(f"test/{name}"))
        until(lambda: self._state(name) == "waiting")

    @rule(seconds=st.sampled_from([1.0, 20.0, 49.0, 51.0, 1000.0]))
    def clock(self, seconds: float) -> None:
        self.now += seconds
        before = {model.id: model.idle_for for model in self.registry.status().models}
        self.registry.sweep()
        for model in self.registry.status().models:
            idle = before[model.id]
            if idle is not None and not self.waiting:
                assert (model.state == "absent") == (idle >= 50.0)

    # What must hold.

    @invariant()
    def a_quiet_moment_comes_and_the_budgets_hold(self) -> None:
        type(self).steps += 1
        self._quiesce()
        assert self.violations == []

    @invariant()
    def leased_models_are_whole_and_counted(self) -> None:
        assert not any(model.freed for _, _, model in self.held)
        counted = Counter(f"test/{name}" for name, _, _ in self.held)
        assert counted == Counter({model.id: model.leases for model in self.registry.status().models if model.leases})

    @invariant()
    def there_is_at_most_one_object_of_a_model(self) -> None:
        for name in MODELS:
            assert len({id(model) for other, _, model in self.held if other == name}) <= 1

    def teardown(self) -> None:
        if self.slow:
            self.finish_slow_load()
        for _, lease, _ in self.held:
            lease.__exit__(None, None, None)
        self.held.clear()
        if self.waiting:
            self.waiting[1].join()
        self._quiesce()
        self.registry.close()
        assert self.registry.status().ram.resident == self.registry.status().vram.resident == 0


def test_ten_thousand_random_steps_break_no_promise_and_reach_every_state(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("CRITICAL")  # thousands of failing loads are expected
    with tempfile.TemporaryDirectory() as folder:
        Machine.folder = Path(folder)
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=250,
                stateful_step_count=55,
                derandomize=True,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert Machine.steps >= STEPS
    states = {"absent", "waiting", "loading", "resident", "leased", "retiring", "releasing", "failed"}
    assert {state for state, count in Machine.entered.items() if count >= TIMES} == states, Machine.entered

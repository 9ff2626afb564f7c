"""Running out of memory: room is made, one more try, then an error with figures; and nothing is kept alive by it."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
import torch

from backends.core.errors import OutOfMemory
from backends.registry import memory
from tests.backends.registry.support import Crowd, Workshop, until

CPU_WORDS = "err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes. Error code 12"
CUDA_WORDS = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 139.00 GiB"

WAYS = [MemoryError(), RuntimeError(CPU_WORDS), torch.OutOfMemoryError(CUDA_WORDS)]


@pytest.mark.parametrize("error", WAYS, ids=["python", "cpu", "cuda"])
def test_running_out_at_a_load_evicts_what_is_idle_and_tries_once_more(workshop: Workshop, error: Exception) -> None:
    registry = workshop.registry([workshop.card(name) for name in "abc"])
    registry.load("test/a")
    with registry.lease("test/b"):
        workshop.trouble["c"] = [error]
        assert registry.load("test/c").state == "resident"
        status = registry.status()
    assert [model.state for model in status.models] == ["absent", "leased", "resident"]
    assert (status.evictions, status.oom_total) == ({"oom": 1}, 1)
    assert workshop.calls["c"] == 2


def test_running_out_twice_at_a_load_tells_needed_free_and_held_by(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a", 300), workshop.card("b", 200)], available=lambda _: 5000)
    workshop.trouble["b"] = [MemoryError(), MemoryError()]
    with (
        registry.lease("test/a"),
        pytest.raises(OutOfMemory, match="RAM ran out: B asked for 200 bytes, and 700 bytes are free") as caught,
    ):
        registry.load("test/b")
    assert (caught.value.needed, caught.value.free, caught.value.held_by) == (200, 700, {"test/a": 300})
    assert caught.value.hint == "In use: test/a (300 bytes). Try a smaller input."
    assert registry.status().model("test/b").state == "failed"
    assert registry.load("test/b").state == "resident"


def test_a_load_does_not_begin_when_the_machine_has_too_little_left(workshop: Workshop) -> None:
    free = [50]
    registry = workshop.registry([workshop.card("a"), workshop.card("b")], available=lambda _: free[0])
    with pytest.raises(OutOfMemory) as caught:
        registry.load("test/a")
    assert (caught.value.needed, caught.value.free) == (100, 50)
    assert workshop.calls["a"] == 0
    free[0] = 100
    assert registry.load("test/a").state == "resident"


def test_running_out_in_use_evicts_what_is_idle_and_tries_once_more(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card(name) for name in "ab"])
    registry.load("test/a")
    trouble = [torch.OutOfMemoryError(CUDA_WORDS)]

    def use(model: Any) -> str:
        if trouble:
            raise trouble.pop()
        return str(model.name)

    assert registry.run("test/b", use) == "b"
    status = registry.status()
    assert [model.state for model in status.models] == ["absent", "resident"]
    assert (status.model("test/b").oom_total, status.evictions) == (1, {"oom": 1})


def test_running_out_twice_in_use_tells_what_was_asked_for(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])

    def use(_: Any) -> None:
        raise torch.OutOfMemoryError(CUDA_WORDS)

    with pytest.raises(OutOfMemory, match="A asked for 2147 MB, and 900 bytes") as caught:
        registry.run("test/a", use)
    assert (caught.value.needed, caught.value.free, caught.value.held_by) == (2 * 2**30, 900, {"test/a": 100})
    assert registry.status().leases == 0


def test_running_out_in_the_block_of_a_lease_becomes_our_error_and_makes_room(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card(name) for name in "ab"])
    registry.load("test/a")
    with pytest.raises(OutOfMemory, match="B asked for 4096 bytes"), registry.lease("test/b"):
        raise RuntimeError(CPU_WORDS)
    assert [model.state for model in registry.status().models] == ["absent", "absent"]
    with pytest.raises(OutOfMemory, match="B asked for more"), registry.lease("test/b"):
        raise MemoryError


def test_other_errors_in_use_are_nobodys_memory(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a"), workshop.card("b")])
    registry.load("test/a")
    lease = registry.lease("test/b")
    with pytest.raises(RuntimeError, match="shapes"), lease:
        lease.retrying(lambda: torch.zeros(2, 3) @ torch.zeros(2, 3))
    with pytest.raises(RuntimeError, match="inside the lease"):
        lease.retrying(lambda: None)
    assert registry.status().model("test/a").state == "resident"
    assert registry.status().oom_total == 0


def test_an_error_about_memory_keeps_no_tensor_alive(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    alive: list[weakref.ref[torch.Tensor]] = []

    def use(_: Any) -> None:
        activations = torch.zeros(1000)
        alive.append(weakref.ref(activations))
        raise torch.OutOfMemoryError(CUDA_WORDS)

    with pytest.raises(OutOfMemory) as caught:
        registry.run("test/a", use)
    assert len(alive) == 2
    assert [reference() for reference in alive] == [None, None]
    assert caught.value.__context__ is None


def test_the_first_tries_tensors_are_gone_before_the_second_try(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a")])
    alive: list[weakref.ref[torch.Tensor]] = []

    def use(_: Any) -> bool:
        if alive:
            return alive[0]() is None
        activations = torch.zeros(1000)
        alive.append(weakref.ref(activations))
        raise MemoryError

    assert registry.run("test/a", use) is True


@pytest.mark.parametrize("error", [MemoryError, ValueError])
def test_a_failed_load_keeps_no_tensor_alive(workshop: Workshop, error: type[Exception]) -> None:
    alive: list[weakref.ref[torch.Tensor]] = []

    def load(*_: Any) -> None:
        weights = torch.zeros(1000)
        alive.append(weakref.ref(weights))
        try:
            raise error("first")
        except error as err:
            raise error("second") from err

    registry = workshop.registry([workshop.card("a", loader=load)])
    with pytest.raises(Exception, match=r"could not be loaded|ran out") as caught:
        registry.load("test/a")
    gc.collect()
    assert alive
    assert all(reference() is None for reference in alive), caught.value


def test_a_waiting_load_gets_the_room_that_running_out_made(workshop: Workshop) -> None:
    registry = workshop.registry([workshop.card("a", 600), workshop.card("b", 400), workshop.card("c", 300)])
    crowd = Crowd()
    registry.load("test/b")
    lease = registry.lease("test/a")
    with lease:
        with registry.lease("test/b"):
            crowd.start(lambda: registry.load("test/c"))
            until(lambda: registry.status().queue_depth == 1)
        crowd.join()
    assert not crowd.errors
    assert registry.status().model("test/b").state == "absent"


@pytest.mark.parametrize(
    ("error", "yes", "asked"),
    [
        (MemoryError(), True, 0),
        (RuntimeError(CPU_WORDS), True, 4096),
        (torch.OutOfMemoryError(CUDA_WORDS), True, 2 * 2**30),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), True, 0),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False, 0),
        (OSError("not enough memory"), False, 0),
    ],
)
def test_memory_errors_are_told_by_their_words(error: Exception, yes: bool, asked: int) -> None:
    assert memory.is_out_of_memory(error) is yes
    assert memory.asked_for(error) == asked


def test_torch_itself_speaks_those_words() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert memory.is_out_of_memory(caught.value)
    assert memory.asked_for(caught.value) == 2**60

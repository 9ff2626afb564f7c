"""Unloading is true: memory comes back, fifty times over, and the figures shown are the real ones."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from backends.registry import memory
from backends.registry.catalogue import Bundled, Catalogue, ModelCard
from backends.registry.construct import construction
from backends.registry.registry import Registry
from tests.backends.registry.support import Crowd, write_weights

CYCLES = 50
WARM_UP = 5
EVERY = 5  # cycles between measurements: looking at all objects of the process is slow
SLOPE = 0.001  # of the model's bytes per cycle: 0.1 %
WIDTH = 1024
DEVICES = ["cpu", pytest.param("cuda:0", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA"))]


def load(folder: Path, device: str) -> torch.nn.Module:
    state = load_file(folder / "model.safetensors")
    network = torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, WIDTH))
    network.load_state_dict(state)
    return network.eval().to(device)


@pytest.fixture
def card(tmp_path: Path) -> ModelCard:
    parts = {"weight": (WIDTH, WIDTH), "bias": (WIDTH,)}
    shapes = {f"{layer}.{part}": shape for layer in (0, 2) for part, shape in parts.items()}
    size = sum(int(np.prod(shape)) * 4 for shape in shapes.values())
    return ModelCard(
        id="test/mlp",
        title="MLP",
        task="regression",
        domain="test",
        family="MLP",
        parameters=size // 4,
        bytes=size,
        licence="MIT",
        source=Bundled(write_weights(tmp_path, shapes)),
        loader=load,
    )


def live_bytes() -> int:
    """Bytes of all tensors that are alive on the CPU."""
    found = [item.untyped_storage() for item in gc.get_objects() if issubclass(type(item), torch.Tensor)]
    return sum({storage.data_ptr(): storage.nbytes() for storage in found}.values())


@contextmanager
def empty_weights() -> Iterator[None]:
    """What accelerate's `init_empty_weights` does: for the whole process, parameters are put on the meta device."""
    original = torch.nn.Module.register_parameter

    def register(module: torch.nn.Module, name: str, parameter: torch.nn.Parameter | None) -> None:
        original(module, name, parameter)
        if parameter is not None:
            module._parameters[name] = torch.nn.Parameter(parameter.to("meta"), requires_grad=parameter.requires_grad)

    torch.nn.Module.register_parameter = register  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.nn.Module.register_parameter = original  # type: ignore[method-assign]


@pytest.mark.parametrize("device", DEVICES)
def test_fifty_loads_and_unloads_leave_nothing_behind(card: ModelCard, device: str) -> None:
    registry = Registry(Catalogue([card]), ram_budget=2**30, vram_budget=2**30, device=device)
    allocated, resident = [], []
    for cycle in range(CYCLES):
        with registry.lease(card.id) as network, torch.inference_mode():
            assert network(torch.ones(1, WIDTH, device=device)).shape == (1, WIDTH)
        del network
        assert registry.unload(card.id) is True
        if cycle >= WARM_UP and cycle % EVERY == 0:
            allocated.append(live_bytes() if device == "cpu" else memory.vram_allocated(device))
            resident.append(memory.process_bytes())
    cycles = np.arange(len(allocated)) * EVERY
    assert np.polyfit(cycles, allocated, 1)[0] <= SLOPE * card.bytes
    assert abs(allocated[-1] - allocated[0]) <= 0.01 * card.bytes
    growth = np.polyfit(cycles, resident, 1)[0]
    assert growth <= SLOPE * resident[0], f"{growth / 1e3:.0f} kB a cycle"
    assert registry.status().model(card.id).leaks == 0
    assert registry.status().model(card.id).loads == CYCLES


@pytest.mark.parametrize("device", DEVICES)
def test_the_figure_shown_is_what_the_tensors_hold_and_names_its_memory(card: ModelCard, device: str) -> None:
    registry = Registry(Catalogue([card]), ram_budget=2**30, vram_budget=2**30, device=device)
    gc.collect()
    before = live_bytes() if device == "cpu" else memory.vram_allocated(device)
    registry.load(card.id)
    after = live_bytes() if device == "cpu" else memory.vram_allocated(device)
    status = registry.status()
    shown, other = (status.ram, status.vram) if device == "cpu" else (status.vram, status.ram)
    assert shown.resident == pytest.approx(after - before, rel=0.01)
    assert (shown.name, other.resident) == ("RAM" if device == "cpu" else "VRAM", 0)
    if device != "cpu":
        assert shown.allocated == torch.cuda.memory_allocated(device)


def test_a_card_that_says_too_little_is_corrected_by_what_the_model_takes(card: ModelCard) -> None:
    small = ModelCard(**{**{k: v for k, v in vars(card).items() if k != "place"}, "bytes": 1000})
    registry = Registry(Catalogue([small]), ram_budget=2000)
    with registry.lease(card.id):
        status = registry.status()
        assert (status.models[0].bytes, status.models[0].declared_bytes) == (card.bytes, 1000)
        assert status.ram.free == 0
    assert registry.status().models[0].state == "absent"  # over the budget and idle
    assert registry.status().evictions == {"budget": 1}


def test_constructions_that_patch_torch_never_leave_another_model_on_meta(card: ModelCard) -> None:
    cards = [
        ModelCard(**{**{k: v for k, v in vars(card).items() if k != "place"}, "id": f"test/{number}", "loader": loader})
        for number, loader in enumerate([load, load_with_empty_weights] * 3)
    ]
    registry = Registry(Catalogue(cards), ram_budget=2**30)
    crowd = Crowd()

    def outside() -> None:
        for _ in range(20):
            with construction(), empty_weights():
                torch.nn.Linear(8, 8)

    crowd.start(outside)
    for one in cards:
        crowd.start(lambda one=one: registry.load(one.id))
    crowd.join()
    assert not crowd.errors
    for one in cards:
        with registry.lease(one.id) as network:
            assert {parameter.device.type for parameter in network.parameters()} == {"cpu"}


def test_using_and_moving_a_resident_model_is_not_blocked_by_a_construction(card: ModelCard) -> None:
    registry = Registry(Catalogue([card]), ram_budget=2**30)
    registry.load(card.id)
    with construction():  # somebody builds something for a long time
        crowd = Crowd()

        def use() -> Any:
            with registry.lease(card.id, deadline=0) as network, torch.inference_mode():
                return network.to(torch.float32)(torch.ones(1, WIDTH)).shape

        crowd.start(use)
        crowd.join()
    assert crowd.results == {0: (1, WIDTH)}


def load_with_empty_weights(folder: Path, device: str) -> torch.nn.Module:
    with empty_weights():
        network = torch.nn.Sequential(torch.nn.Linear(WIDTH, WIDTH), torch.nn.ReLU(), torch.nn.Linear(WIDTH, WIDTH))
    network.load_state_dict(load_file(folder / "model.safetensors"), assign=True)
    return network.eval().to(device)

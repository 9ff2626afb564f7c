"""Limits of containers, sizes of models, and freeing."""

from __future__ import annotations

import gc
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch

from backends.registry import memory

HUGE = 2**50
NOW = Path("/proc/self/cgroup")


def cgroup(root: Path, line: str, files: dict[str, str]) -> tuple[Path, Path]:
    of_self = root / "self"
    of_self.write_text(line + "\n")
    for name, text in files.items():
        path = root / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root / "fs", of_self


@pytest.mark.parametrize(
    ("line", "files", "limit"),
    [
        ("0::/app/web", {"app/web/memory.max": "max", "app/memory.max": "1000000", "memory.max": "max"}, 1_000_000),
        ("0::/app/web", {"app/web/memory.max": "500000", "app/memory.max": "1000000"}, 500_000),
        ("0::/not/visible/here", {"memory.max": "700000"}, 700_000),
        ("0::/../other", {"memory.max": "700000"}, 700_000),
        ("4:cpu,memory:/docker/x", {"memory/docker/x/memory.limit_in_bytes": "300000"}, 300_000),
        ("4:memory:/", {"memory/memory.limit_in_bytes": "9223372036854771712"}, HUGE),
        ("4:cpu:/", {}, HUGE),
    ],
)
def test_the_limit_is_the_least_of_machine_and_containers(
    tmp_path: Path, line: str, files: dict[str, str], limit: int
) -> None:
    where = cgroup(tmp_path, line, files)
    assert memory.ram_limit(*where) == min(limit, psutil.virtual_memory().total)
    assert memory.ram_available(*where) <= max(0, limit - memory.process_bytes() + 2**20)


def test_without_cgroups_the_machine_is_the_limit(tmp_path: Path) -> None:
    assert memory.ram_limit(tmp_path, tmp_path / "nothing") == psutil.virtual_memory().total
    assert 0 < memory.ram_available(tmp_path, tmp_path / "nothing") <= psutil.virtual_memory().total


def test_budgets_are_shares_and_the_cpu_has_no_vram() -> None:
    assert memory.ram_budget(0.25) == int(memory.ram_limit() * 0.25)
    assert memory.vram_budget("cpu") == 0
    assert memory.vram_allocated("cpu") == 0
    assert memory.available("cpu") > 0
    assert memory.allocated("cpu") == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def test_a_models_size_counts_each_storage_once() -> None:
    layer = torch.nn.Linear(100, 50)
    tied = torch.nn.Sequential(layer, layer)
    assert memory.model_bytes(layer) == (100 * 50 + 50) * 4
    assert memory.model_bytes(tied) == memory.model_bytes(layer)
    assert memory.model_bytes(SimpleNamespace(network=layer, name="x")) == memory.model_bytes(layer)
    norm = torch.nn.BatchNorm1d(10)
    assert memory.model_bytes(norm) == 4 * 10 * 4 + 8
    assert memory.model_bytes(object()) == memory.model_bytes(3) == 0


def test_freeing_collects_what_only_a_cycle_holds_and_names_what_stays() -> None:
    network = torch.nn.Linear(4, 4)
    network.itself = [network]  # a cycle, as hooks and wrappers make them
    assert memory.release([network]) != []
    box = [network]
    del network
    assert memory.release(box) == []
    assert box == []
    kept = torch.nn.Linear(4, 4)
    survivors = memory.release([kept])
    assert {type(reference()).__name__ for reference in survivors} == {"Linear", "Parameter"}
    assert memory.release([3]) == []


def test_forgetting_an_error_empties_the_frames_of_all_its_causes() -> None:
    def inner() -> None:
        tensor = torch.zeros(10)
        raise KeyError(str(len(tensor)))

    def outer() -> None:
        other = torch.ones(10)
        try:
            inner()
        except KeyError as err:
            raise ValueError(str(len(other))) from err

    with pytest.raises(ValueError) as caught:
        outer()
    error = caught.value
    frames = [error.__traceback__.tb_next.tb_frame, error.__cause__.__traceback__.tb_next.tb_frame]
    assert any(isinstance(value, torch.Tensor) for frame in frames for value in frame.f_locals.values())
    memory.forget(error)
    assert not any(isinstance(value, torch.Tensor) for frame in frames for value in frame.f_locals.values())
    assert error.__traceback__ is None
    gc.collect()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_figures_are_torchs_own() -> None:
    before = memory.vram_allocated("cuda:0")
    block = torch.zeros(2**24, dtype=torch.uint8, device="cuda:0")
    assert memory.vram_allocated("cuda:0") - before == block.nbytes
    assert memory.vram_available("cuda:0") > 0
    assert memory.vram_budget("cuda:0") == int(torch.cuda.get_device_properties(0).total_memory * 0.8)

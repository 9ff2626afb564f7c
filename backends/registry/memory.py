"""How much memory there is, how much a model takes, and what to do when it runs out.

Budgets respect the container's limit (cgroup v2 and v1), not just the machine's size. torch is used only if somebody
else has imported it, or a CUDA device was asked for: this file costs nothing at start-up.
"""

from __future__ import annotations

import gc
import re
import sys
import traceback
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped, unused-ignore]

RAM_SHARE = 0.5  # of the limit: the rest is for torch itself (0.5 GB), activations, uploads, the two web frameworks
VRAM_SHARE = 0.8  # the rest is for activations and the CUDA context

_CGROUP = Path("/sys/fs/cgroup")
_SELF = Path("/proc/self/cgroup")
_UNLIMITED = 2**60  # cgroup v1 writes a number near 2**63 for "no limit"

_SIZE = re.compile(r"[Tt]ried to allocate (\d+(?:\.\d+)?) ?(bytes|KiB|MiB|GiB)?")
_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_SAID = ("can't allocate memory", "not enough memory", "CUDA out of memory", "CUBLAS_STATUS_ALLOC_FAILED")


def ram_limit(cgroup: Path = _CGROUP, of_self: Path = _SELF) -> int:
    """Bytes of RAM this process may use: the least of the machine's and of every cgroup's above it."""
    return min([int(psutil.virtual_memory().total), *_cgroup_limits(cgroup, of_self)])


def ram_available(cgroup: Path = _CGROUP, of_self: Path = _SELF) -> int:
    """Bytes of RAM that can still be had now, by the machine and by the container."""
    limit = min(_cgroup_limits(cgroup, of_self), default=None)
    free = int(psutil.virtual_memory().available)
    return free if limit is None else max(0, min(free, limit - process_bytes()))


def ram_budget(share: float = RAM_SHARE) -> int:
    """The default byte budget of models in RAM."""
    return int(ram_limit() * share)


def vram_budget(device: str, share: float = VRAM_SHARE) -> int:
    """The default byte budget of models on `device`; 0 for the CPU."""
    if not device.startswith("cuda"):
        return 0
    import torch

    return int(torch.cuda.get_device_properties(device).total_memory * share)


def vram_available(device: str) -> int:
    """Bytes that can still be had on a CUDA device now, with what torch's allocator keeps unused."""
    import torch

    free, _ = torch.cuda.mem_get_info(device)
    return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)


def torch_in_use() -> Any:
    """Torch where it is in use; None also while another thread is still importing it, when half of it is missing."""
    torch = sys.modules.get("torch")
    return None if torch is None or getattr(torch.__spec__, "_initializing", False) else torch


def vram_allocated(device: str) -> int:
    """Bytes that live tensors hold on a CUDA device; 0 for the CPU or where CUDA was never started."""
    torch = torch_in_use()
    if torch is None or not device.startswith("cuda") or not torch.cuda.is_initialized():
        return 0
    return int(torch.cuda.memory_allocated(device))


def available(device: str) -> int:
    """Bytes that can still be had now where models of `device` live."""
    return vram_available(device) if device.startswith("cuda") else ram_available()


def allocated(device: str) -> int:
    """Bytes this process holds where models of `device` live."""
    return vram_allocated(device) if device.startswith("cuda") else process_bytes()


def process_bytes() -> int:
    """The resident set size of this process, in bytes."""
    return int(psutil.Process().memory_info().rss)


def tensors(model: Any) -> Iterator[Any]:
    """The parameters and buffers of a model, each once; of the modules in its attributes where it is not one itself."""
    seen: set[int] = set()
    for module in [model] if hasattr(model, "parameters") else list(getattr(model, "__dict__", {}).values()):
        if not (hasattr(module, "parameters") and hasattr(module, "buffers")):
            continue
        for tensor in [*module.parameters(), *module.buffers()]:
            if id(tensor) not in seen:
                seen.add(id(tensor))
                yield tensor


def model_bytes(model: Any) -> int:
    """Bytes of a model's parameters and buffers; 0 where it has none that can be seen."""
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors(model)}
    return sum(storages.values())


def release(box: list[Any]) -> list[Callable[[], Any]]:
    """Let go of the one model in `box` (which is emptied) and give its memory back.

    Returns weak references to what stayed alive because somebody else holds it. The cycle collector costs 0.1 s and
    more in a process full of torch, so it runs only if something did.
    """
    watched = _watch(box)
    on_cuda = any(tensor.is_cuda for tensor in tensors(box[0]))
    box.clear()
    if any(reference() is not None for reference in watched):
        gc.collect()
    if on_cuda:
        sys.modules["torch"].cuda.empty_cache()
    return [reference for reference in watched if reference() is not None]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, in Python's, torch's or CUDA's words."""
    if isinstance(error, MemoryError):
        return True
    torch = torch_in_use()
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _SAID)


def asked_for(error: BaseException) -> int:
    """How many bytes the allocation that failed wanted, where the exception tells; else 0."""
    found = _SIZE.search(str(error))
    return int(float(found[1]) * _UNITS[found[2] or "bytes"]) if found else 0


def forget(error: BaseException) -> None:
    """Drop what an exception keeps alive: the local variables of every frame in it and in its causes."""
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        one = queue.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        traceback.clear_frames(one.__traceback__)
        one.__traceback__ = None
        queue += [one.__cause__, one.__context__]


def _watch(box: list[Any]) -> list[Callable[[], Any]]:
    found: list[Callable[[], Any]] = []
    for item in [box[0], *tensors(box[0])]:
        try:
            found.append(weakref.ref(item))
        except TypeError:  # ints, tuples and the like cannot be watched, and need not be
            continue
    return found


def _cgroup_limits(cgroup: Path, of_self: Path) -> list[int]:
    """The memory limits that hold for this process, in bytes; empty without cgroups or without limits."""
    try:
        lines = of_self.read_text().splitlines()
    except OSError:
        return []
    files: list[Path] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            files += [folder / "memory.max" for folder in _upwards(cgroup, path)]
        elif "memory" in controllers.split(","):
            files += [folder / "memory.limit_in_bytes" for folder in _upwards(cgroup / "memory", path)]
    limits = [_read_limit(file) for file in files]
    return [limit for limit in limits if limit is not None]


def _upwards(root: Path, path: str) -> list[Path]:
    """`root`/path and every folder above it down to `root`; inside a container `path` may not exist, `root` does."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [root.joinpath(*parts[:count]) for count in range(len(parts), -1, -1)]


def _read_limit(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() and int(text) < _UNLIMITED else None

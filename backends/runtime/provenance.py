"""Under what circumstances a run was made: enough to judge whether another machine should give the same.

Nothing in it names a person, a host or a path.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from backends.core.experiment import Experiment
from backends.registry.memory import torch_in_use


@dataclass
class Notes:
    """What is written down while a run goes on. Times in seconds, memory in bytes."""

    queued: float = field(default_factory=time.monotonic)
    started: float = field(default_factory=time.monotonic)
    rss_before: int = 0
    rss_peak: int = 0
    models: dict[str, dict[str, str]] = field(default_factory=dict)

    def begin(self) -> None:
        """The run starts now."""
        self.started = time.monotonic()
        self.rss_before = self.rss_peak = _rss()

    def sample(self) -> None:
        """Look at the memory; the peak is the largest of these looks."""
        self.rss_peak = max(self.rss_peak, _rss())

    def leased(self, model_id: str, digest: str, model: object) -> None:
        """The run holds this model."""
        self.models[model_id] = {"digest": digest, **_placed(model)}
        self.sample()

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self.started

    def provenance(self, experiment: Experiment, version: str) -> dict[str, Any]:
        """All of it, as plain data. version: Vitrine's own; results are reused within one version only."""
        self.sample()
        return {
            "version": version,
            "experiment": experiment.digest,
            "seed": experiment.seed,
            "models": self.models,
            "device": ", ".join(sorted({model.get("device", "cpu") for model in self.models.values()})) or "cpu",
            "versions": versions(),
            **_threads(),
            "seconds_queued": round(max(0.0, self.started - self.queued), 4),
            "seconds_running": round(self.seconds, 4),
            "rss_before_bytes": self.rss_before,
            "rss_peak_bytes": self.rss_peak,
            **_cuda(),
            "machine": machine(),
        }


def versions() -> dict[str, str]:
    """Versions of what computes; torch only where it has been used."""
    found = {"python": platform.python_version(), "numpy": np.__version__}
    torch = torch_in_use()
    return {**found, "torch": str(torch.__version__)} if torch is not None else found


@cache
def machine() -> dict[str, str | int]:
    """The kind of machine. fingerprint: equal on machines of equal processor, cores, memory and system."""
    facts: dict[str, str | int] = {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return {**facts, "fingerprint": digest[:16]}


def _processor() -> str:
    """The processor's model; `platform.processor()` is empty on most Linux systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())


@cache
def _process() -> psutil.Process:
    return psutil.Process()


def _rss() -> int:
    return int(_process().memory_info().rss)


def _placed(model: object) -> dict[str, str]:
    """Where a model's first parameter is and of which type; empty for what has no parameters."""
    torch = torch_in_use()
    if torch is None or not isinstance(model, torch.nn.Module):
        return {}
    first = next(model.parameters(), None)
    return {} if first is None else {"device": str(first.device), "dtype": str(first.dtype).removeprefix("torch.")}


def _threads() -> dict[str, int]:
    """Threads of one computation, which decide in which order sums are taken; empty where torch was not used."""
    torch = torch_in_use()
    return {} if torch is None else {"threads": int(torch.get_num_threads())}


def _cuda() -> dict[str, Any]:
    """The GPU and the most memory that this process has held on it; empty without one."""
    torch = torch_in_use()
    if torch is None or not torch.cuda.is_initialized():
        return {}
    return {"gpu": torch.cuda.get_device_name(), "vram_peak_bytes": int(torch.cuda.max_memory_allocated())}

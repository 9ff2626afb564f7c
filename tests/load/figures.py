"""Quantiles and the memory and CPU time of a server process, for load tests and benches."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Sequence

import psutil


def quantile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least `part` in (0, 1] of all do not exceed (nearest rank, no interpolation)."""
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def told(name: str, values: Sequence[float]) -> str:
    """One line: p50, p95 and longest, in ms."""
    parts = (quantile(values, 0.5), quantile(values, 0.95), max(values))
    p50, p95, longest = (f"{1000 * value:8.0f}" for value in parts)
    return f"{name:<28} n {len(values):>4}   p50 {p50} ms   p95 {p95} ms   longest {longest} ms"


def machine() -> str:
    """The machine in one line, with what else it is doing."""
    cores, memory = os.cpu_count(), psutil.virtual_memory().total / 2**30
    busy = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return f"Machine: {cores} cores, {memory:.0f} GiB, Python {platform.python_version()}; load average before: {busy}"


class Watched:
    """A server process and its children, seen from outside."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)

    def cpu_seconds(self) -> float:
        """CPU time of all its threads and children so far, user and system."""
        times = [process.cpu_times() for process in self._all()]
        return sum(item.user + item.system for item in times)

    def resident_mib(self) -> float:
        """Resident memory in MiB."""
        return sum(process.memory_info().rss for process in self._all()) / 2**20

    def wait_until_idle(self, within: float) -> None:
        """Return once it has used less than a tenth of a core for a second, or after `within` seconds."""
        deadline = time.monotonic() + within
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(1.0)
            now = self.cpu_seconds()
            if now - before < 0.1:
                return
            before = now

    def _all(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

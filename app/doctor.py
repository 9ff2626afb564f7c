"""`python -m app doctor`: what is missing or slow on this machine, in plain words."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.settings import ROOT, Settings
from backends.core.errors import VitrineError
from backends.registry.memory import ram_available, ram_limit

_GIB = 2**30
_ENOUGH_MEMORY = 2 * _GIB  # torch, both frameworks and the bundled models take 1.2 GiB
_ENOUGH_DISK = 2 * _GIB
_SLOW_PRODUCT = 0.25  # seconds for _SIZE^3 on one thread; a free Space takes about 0.1
_SIZE = 1024

Mark = Literal["ok", "slow", "broken"]


@dataclass(frozen=True)
class Finding:
    """One line: 'ok', 'slow' (works, but could be better) or 'broken' (will not work), and a sentence."""

    mark: Mark
    sentence: str

    @property
    def colour(self) -> str:
        """For a terminal."""
        return {"ok": "green", "slow": "yellow", "broken": "red"}[self.mark]

    @property
    def is_broken(self) -> bool:
        """Whether Vitrine will not work."""
        return self.mark == "broken"


def examine(settings: Settings) -> list[Finding]:
    """Look at everything. Takes some seconds, most of them the import of torch."""
    looks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _memory,
        _disk,
        _database,
        _port,
        _torch,
        _weights,
        _chromium,
    )
    return [finding for look in looks for finding in look(settings)]


def _python(_: Settings) -> Iterator[Finding]:
    version = platform.python_version()
    if sys.version_info[:2] == (3, 11):
        yield Finding("ok", f"Python {version}.")
    else:
        yield Finding("broken", f"Python {version}: Vitrine needs 3.11. Set PYTHON=python3.11 and run make again.")


def _packages(_: Settings) -> Iterator[Finding]:
    wrong = list(wrong_packages((ROOT / "requirements.txt").read_text()))
    for sentence in wrong:
        yield Finding("broken", sentence)
    if not wrong:
        yield Finding("ok", "Every package is there in the version that was tested.")


def wrong_packages(requirements: str) -> Iterator[str]:
    """A sentence for each pinned package that is missing or has another version."""
    for name, wanted in re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", requirements, re.MULTILINE):
        try:
            found = importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            yield f"The package {name} is missing; `make run` installs it."
            continue
        if found != wanted:
            yield f"The package {name} is {found}, tested is {wanted}; `make run` installs that."


def _memory(settings: Settings) -> Iterator[Finding]:
    limit, free, cores = ram_limit(), ram_available(), os.cpu_count() or 1
    told = f"{free / _GIB:.1f} GiB of {limit / _GIB:.1f} GiB memory are free"
    yield Finding("ok" if free >= _ENOUGH_MEMORY else "slow", f"{told}; the bundled models need about 2 GiB.")
    enough = cores >= settings.workers
    yield Finding("ok" if enough else "slow", f"{cores} cores for {settings.workers} runs at once.")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as err:
        yield Finding("broken", f"The data folder {folder} cannot be written ({err.strerror}).")
        return
    free = shutil.disk_usage(folder).free
    yield Finding("ok" if free >= _ENOUGH_DISK else "slow", f"{free / _GIB:.1f} GiB are free in {folder}.")


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.database_url:
        yield Finding("ok", "The database is set by VITRINE_DATABASE_URL; the server checks it when it starts.")
        return
    if not settings.data_folder.is_dir():
        return
    with tempfile.TemporaryDirectory(dir=settings.data_folder) as folder:
        problem = locking_problem(Path(folder) / "lock.db")
    if problem:
        yield Finding("broken", f"{problem} Put VITRINE_DATA_FOLDER on a local disk.")
    else:
        yield Finding("ok", "SQLite can lock its file in the data folder.")


def locking_problem(file: Path) -> str:
    """What is wrong with locks on this file system, or nothing: a second writer must be kept out."""
    first, second = sqlite3.connect(file, timeout=0), sqlite3.connect(file, timeout=0)
    try:
        first.execute("create table t (x)")
        first.execute("begin immediate")
        try:
            second.execute("begin immediate")
        except sqlite3.OperationalError:
            return ""
        return "The data folder does not keep two writers apart, so the database could be damaged."
    except sqlite3.OperationalError as err:
        return f"SQLite cannot work in the data folder ({err})."
    finally:
        first.close()
        second.close()


def _port(settings: Settings) -> Iterator[Finding]:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as err:
            sentence = f"Port {settings.port} on {settings.host} cannot be had ({err.strerror}). Set VITRINE_PORT."
            yield Finding("broken", sentence)
            return
    yield Finding("ok", f"Port {settings.port} is free.")


def _torch(_: Settings) -> Iterator[Finding]:
    began = time.perf_counter()
    import torch

    took = time.perf_counter() - began
    yield Finding("ok" if took < 10 else "slow", f"torch {torch.__version__} is there (imported in {took:.1f} s).")
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        yield Finding("ok", f"GPU {name}: {free / _GIB:.0f} GiB of {total / _GIB:.0f} GiB free.")
    else:
        yield Finding("ok", f"No GPU; {torch.get_num_threads()} threads on the CPU.")
    matrix = torch.rand(_SIZE, _SIZE)
    matrix @ matrix  # the first product also loads the kernels
    began = time.perf_counter()
    matrix @ matrix
    took = time.perf_counter() - began
    mark: Mark = "ok" if took < _SLOW_PRODUCT else "slow"
    yield Finding(mark, f"A {_SIZE} x {_SIZE} matrix product takes {took * 1000:.0f} ms.")


def _weights(settings: Settings) -> Iterator[Finding]:
    from app.wiring import build_registry
    from backends.runtime import discovery

    try:
        registry = build_registry(settings, discovery.catalogue())
    except VitrineError as err:
        yield Finding("broken", f"{err.sentence} {err.hint}")
        return
    for model in registry.status().models:
        try:
            registry.verify(model.id)
        except VitrineError as err:
            yield Finding("broken", f"{model.id}: {err.sentence} {err.hint}")
        else:
            yield Finding("ok", f"{model.id}: its weights are whole.")
    registry.close()


def _chromium(_: Settings) -> Iterator[Finding]:
    if importlib.util.find_spec("playwright") is None:
        return  # only the tests need a browser
    from tests.browser.chromium import find_chromium

    found = find_chromium()
    if found:
        yield Finding("ok", f"Chromium for the browser tests: {found}.")
    else:
        yield Finding("slow", "No Chromium, so the browser tests are skipped; `make browser` installs it.")

"""A real server in a process of its own, started, waited for and stopped; for load tests and benches."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[2]
READY_WITHIN = 120.0  # seconds
STOP_WITHIN = 30.0


@dataclass(frozen=True)
class Started:
    """A running server. log: what it printed."""

    url: str
    pid: int
    log: Path


@contextlib.contextmanager
def vitrine(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[Started]:
    """`python -m app serve` with its data in `folder`, once its self-test has passed. settings: VITRINE_... by name."""
    with process(["-m", "app", "serve"], folder, settings or {}) as started:
        yield started


@contextlib.contextmanager
def process(
    command: Sequence[str], folder: Path, env: Mapping[str, str], *, cwd: Path = ROOT, ready: str = "/api/ready"
) -> Iterator[Started]:
    """Python with `command`, told its port by VITRINE_PORT, once it answers 200 at `ready`.

    Raises RuntimeError with the end of its log when it does not.
    """
    port = free_port()
    told = {"VITRINE_DATA_FOLDER": str(folder), "VITRINE_HOST": "127.0.0.1", "VITRINE_PORT": str(port)}
    everything = {**os.environ, **told, "PYTHONPATH": str(ROOT), **env}
    log = folder / "server.log"
    with log.open("ab") as file:
        running = subprocess.Popen([sys.executable, *command], cwd=cwd, env=everything, stdout=file, stderr=file)
    url = f"http://127.0.0.1:{port}"
    try:
        if not _answers(url + ready, running):
            raise RuntimeError(f"the server did not become ready:\n{log.read_text(errors='replace')[-3000:]}")
        yield Started(url, running.pid, log)
    finally:
        if running.poll() is not None:
            end = log.read_text(errors="replace")[-3000:]
            raise RuntimeError(f"the server ended by itself with {running.returncode}:\n{end}")
        running.send_signal(signal.SIGTERM)
        try:
            running.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _answers(address: str, running: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + READY_WITHIN
    with httpx.Client(trust_env=False, timeout=2.0) as http:
        while time.monotonic() < deadline and running.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                if http.get(address).status_code == 200:
                    return True
            time.sleep(0.2)
    return False

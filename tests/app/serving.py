"""A real server in a process of its own, for tests."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parent.parent.parent


class ServerProcess:
    """Started by `start`; `url` is where it answers."""

    def __init__(self, data: Path, *arguments: str, **settings: str) -> None:
        self.port = _free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = data / "server.log"
        data.mkdir(parents=True, exist_ok=True)
        quick = {"warm_up": "false", "submits_per_second": "100000", "uploads_per_minute": "6000000"}
        given = {**quick, "data_folder": str(data), "port": str(self.port), **settings}
        env = {**os.environ, **{f"VITRINE_{name.upper()}": value for name, value in given.items()}}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.app.launch", *arguments], cwd=ROOT, env=env, stdout=log, stderr=log
            )

    def wait_until(self, path: str, status: int, seconds: float = 120.0) -> httpx.Response:
        """Ask until the answer has that status."""
        deadline = time.monotonic() + seconds
        last = "no answer"
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                answer = httpx.get(self.url + path, timeout=10)
                if answer.status_code == status:
                    return answer
                last = f"{answer.status_code} {answer.text[:300]}"
            except httpx.HTTPError as err:
                last = repr(err)
            time.sleep(0.1)
        raise AssertionError(f"{path} was not {status} in time: {last}\n{self.log.read_text()[-3000:]}")

    def stop(self, seconds: float = 20.0) -> int:
        """SIGTERM, and wait; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """Make sure that it is gone."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

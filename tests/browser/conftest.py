"""A real server on a free port with a data folder of its own, and a real Chromium to use it with.

Every page is watched: a console error or a request that would leave the machine fails the test that caused it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.browser.chromium import find_chromium

ROOT = Path(__file__).parents[2]
READY_SECONDS = 120
PATIENCE_MS = 45_000  # a shared two-core machine; what must be quick is measured in tests/bench
expect.set_options(timeout=PATIENCE_MS)
# Chromium's own background traffic is off, so that every request seen is the page's.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Server:
    """A running Vitrine."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@dataclass
class Watch:
    """What pages did that they must not do."""

    console: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def follow(self, page: Page, home: str) -> None:
        """Listen to a page."""
        page.on("console", lambda message: self.console.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", lambda request: None if _inside(request.url, home) else self.outside.append(request.url))

    def complaints(self) -> list[str]:
        """The errors of the console, but for what Gradio's client says when its page is left while it is still told
        something: it gives up its own connection, and then finds that connection broken.
        """
        left = [message for message in self.console if message.startswith("AbortError: signal is aborted")]
        noise = (*left, *(("Unexpected error Connection errored out. ",) if left else ()))
        return [message for message in self.console if message not in noise]


def start_server(
    folder: Path, port: int = 0, command: tuple[str, ...] = ("app", "serve"), root: Path = ROOT, **settings: str
) -> Server:
    """Start `python -m app serve` (or another module) and wait until it says that it is ready. root: the checkout."""
    port = port or free_port()
    env = {**os.environ, "VITRINE_DATA_FOLDER": str(folder), "VITRINE_PORT": str(port), "VITRINE_HOST": "127.0.0.1"}
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=root, env={**env, **settings}, stdout=log, stderr=log
        )
    server = Server(f"http://127.0.0.1:{port}", folder, process)
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{server.url}/api/ready", timeout=2) as answer:
                if answer.status == 200:
                    return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    process.kill()
    process.wait()
    raise RuntimeError(f"the server did not become ready:\n{(folder / 'server.log').read_text()[-4000:]}")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all browser tests."""
    running = start_server(tmp_path_factory.mktemp("vitrine"))
    yield running
    running.stop()


@pytest.fixture(scope="package")
def slow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a playground that takes its time."""
    running = start_server(tmp_path_factory.mktemp("slow"), command=("tests.browser.slow_server",))
    yield running
    running.stop()


@pytest.fixture(scope="package")  # not longer: Playwright keeps a loop going on this thread, which others want to start
def browser() -> Iterator[Browser]:
    """One Chromium for all browser tests."""
    path = find_chromium()
    if not path:
        pytest.skip("no Chromium on this machine; `make browser` says why")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Fails the test at its end if a page complained or called out."""
    seen = Watch()
    yield seen
    assert seen.outside == [], "requests left the machine"
    assert seen.complaints() == [], "the console shows errors"


@pytest.fixture
def visitor(browser: Browser, server: Server, watch: Watch) -> Iterator[BrowserContext]:
    """A fresh profile: a visitor never seen before, on a desktop screen."""
    yield from fresh(browser, server, watch)


@pytest.fixture
def other_visitor(browser: Browser, server: Server, watch: Watch) -> Iterator[BrowserContext]:
    """Another fresh profile."""
    yield from fresh(browser, server, watch)


def fresh(browser: Browser, server: Server, watch: Watch, **options: object) -> Iterator[BrowserContext]:
    """A context whose pages are watched."""
    context = browser.new_context(
        base_url=server.url, **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
    )
    context.set_default_timeout(PATIENCE_MS)
    context.on("page", lambda page: watch.follow(page, server.url))
    yield context
    context.close()


def _inside(url: str, home: str) -> bool:
    return url.startswith((home, home.replace("http", "ws", 1), "data:", "blob:", "about:"))

"""Sixty people wait for a long run, each on their page: everybody else's pages still answer at once.

Gradio runs a handler on a thread, and a handler that follows a run keeps its thread; the threads that serve files and
the API must be others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.clients import Visitor
from tests.load.playground_tab import PlaygroundTab
from tests.load.server import Started, process
from tests.load.shell_tab import ShellTab

pytestmark = pytest.mark.load

FOLLOWERS = 60  # fewer than may wait in the queue (VITRINE_QUEUE_LIMIT), more than anyio's usual 40 threads
LONG = 2000  # steps of 0.05 s
AT_ONCE = 10.0  # seconds, for a page with its scripts on a busy machine; where the threads are used up, never


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Started]:
    """The server with its slow playground."""
    settings = {"VITRINE_WARM_UP": "false", "VITRINE_DRAIN_SECONDS": "0"}
    with process(["-m", "tests.browser.slow_server"], tmp_path, settings) as running:
        yield running


def test_people_who_follow_long_runs_do_not_keep_others_waiting(server: Started) -> None:
    asyncio.run(_scenario(server.url))


async def _scenario(url: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for number in range(FOLLOWERS):
            visitor = await stack.enter_async_context(Visitor(url))
            tab = await stack.enter_async_context(PlaygroundTab(visitor, "/play/slow/"))
            await tab.open(assets=False)
            tab.set("vt-upto", LONG + number)  # no two alike, or they would share one run's result
            await tab.begin("click", "vt-run")
        async with Visitor(url) as other, ShellTab(other) as shell:
            async with asyncio.timeout(AT_ONCE):
                await shell.open()
                await other.get("/api/playgrounds")

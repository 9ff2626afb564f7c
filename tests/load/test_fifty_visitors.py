"""A class of fifty opens the medical viewer at once and works with it on two cores: no error, nothing mixed up.

Every visitor has a cookie, a shell with its WebSocket and a playground of their own, and settings that nobody else
has; the pictures that come back must name exactly those.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.embed import playground_address
from tests.load.clients import Dropped, Refused, Visitor
from tests.load.figures import Watched, machine, told
from tests.load.playground_tab import PlaygroundTab
from tests.load.server import Started, vitrine
from tests.load.shell_tab import ShellTab

pytestmark = pytest.mark.load

VISITORS = 50
ARRIVE_WITHIN = 10.0  # seconds; a class that was told to open the page
CHANGES = 6  # of a slider, each
THINK = (1.0, 4.0)  # seconds between them
EMPTY_CACHES = 5  # one visitor in so many comes for the first time and fetches 60 scripts; the others have kept them
TAKES_AT_MOST = 150.0  # seconds for all of it
GROWTH = 300.0  # MiB of resident memory that fifty visitors may cost; 115 to 121 were seen
_CAPTION = re.compile(r"centre (-?[\d.]+)[^,<]*, width ([\d.]+)")


@dataclass
class Seen:
    """What the visitors went through. Times in seconds."""

    shells: list[float] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    live: list[float] = field(default_factory=list)
    runs: list[float] = field(default_factory=list)
    visitors: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def told(self) -> str:
        """The figures."""
        named = (
            ("first run of the shell", self.shells),
            ("playground ready", self.ready),
            ("live answer", self.live),
            ("recorded run", self.runs),
        )
        return "\n".join(told(name, values) for name, values in named if values)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Started]:
    """A server of this test's own, warm as after its first minute."""
    with vitrine(tmp_path) as running:
        Watched(running.pid).wait_until_idle(60.0)
        yield running


def test_fifty_visitors_work_at_once_and_each_gets_their_own_answers(
    server: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    watched = Watched(server.pid)
    before, machine_line = watched.resident_mib(), machine()
    began = time.perf_counter()
    seen = asyncio.run(_everyone(server.url))
    took, growth = time.perf_counter() - began, watched.resident_mib() - before
    with capsys.disabled():
        print(f"\n{machine_line}\n{VISITORS} visitors in {took:.0f} s\n{seen.told()}")
        print(f"resident memory {before:.0f} MiB before, {growth:+.0f} MiB after")
    assert not seen.problems, "\n".join(seen.problems)
    assert len(set(seen.visitors)) == VISITORS
    assert len(seen.live) == VISITORS * CHANGES
    assert len(seen.runs) == VISITORS
    assert _complaints(server.log) == []
    assert growth < GROWTH


async def _everyone(url: str) -> Seen:
    seen = Seen()
    async with asyncio.timeout(TAKES_AT_MOST):
        await asyncio.gather(*(_one(url, number, seen) for number in range(VISITORS)))
    return seen


async def _one(url: str, number: int, seen: Seen) -> None:
    luck = random.Random(number)
    await asyncio.sleep(luck.uniform(0.0, ARRIVE_WITHIN))
    try:
        async with contextlib.AsyncExitStack() as stack:
            visitor = await stack.enter_async_context(Visitor(url))
            shell = await stack.enter_async_context(ShellTab(visitor, "medical"))
            is_first_time = number % EMPTY_CACHES == 0
            seen.shells.append((await shell.open(assets=is_first_time)).seconds)
            seen.visitors.append(visitor.http.cookies["vitrine_visitor"])
            tab = await stack.enter_async_context(PlaygroundTab(visitor, playground_address("medical")))
            await _open(tab, seen, assets=is_first_time)
            await _work(tab, number, luck, seen)
            await _record(tab, visitor, seen)
            await shell.run()
            if not shell.alive or not tab.alive:
                raise Dropped("a connection had ended before the visitor left")
    except (Refused, Dropped, TimeoutError, KeyError, AssertionError) as err:
        seen.problems.append(f"visitor {number}: {err!r}")


async def _open(tab: PlaygroundTab, seen: Seen, *, assets: bool) -> None:
    """Load the page and accept the notice; ready is when the first example's answer is there."""
    began = time.perf_counter()
    await tab.open(assets=assets)
    await tab.fire("load")
    await tab.fire("click", "vt-accept")
    assert "%" in tab.value("vt-answer"), tab.value("vt-status")
    seen.ready.append(time.perf_counter() - began)


async def _work(tab: PlaygroundTab, number: int, luck: random.Random, seen: Seen) -> None:
    """Move the sliders to places where no other visitor's are."""
    for step in range(CHANGES):
        await asyncio.sleep(luck.uniform(*THINK))
        centre, width = 60 + number, 120 + step
        tab.set("vt-centre", centre)
        tab.set("vt-width", width)
        answer = await tab.fire("input", "vt-width")
        assert "Preview" in tab.value("vt-status"), tab.value("vt-status")
        assert _window(tab) == (centre, width), f"somebody else's picture: {_window(tab)}, not {(centre, width)}"
        seen.live.append(answer.seconds)


async def _record(tab: PlaygroundTab, visitor: Visitor, seen: Seen) -> None:
    """Press Run: the same pictures as just before, one run in the store, with this visitor's settings, theirs alone."""
    shown, wanted = _pictures(tab), _window(tab)
    answer = await tab.fire("click", "vt-run")
    assert "Done" in tab.value("vt-status"), tab.value("vt-status")
    assert _pictures(tab) == shown, "the recorded run shows other pictures than the preview"
    runs = (await visitor.get("/api/runs")).json()
    assert len(runs) == 1, f"{len(runs)} runs of one visitor who ran once"
    assert _settings(runs[0]) == wanted, f"the run is somebody else's: {runs[0]}"
    async with Visitor(visitor.base) as stranger:
        refused = await stranger.http.get(f"/api/runs/{runs[0]['id']}")
    assert refused.status_code == 404, "a stranger reads the run"
    seen.runs.append(answer.seconds)


def _window(tab: PlaygroundTab) -> tuple[float, float]:
    """Centre and width that the shown picture says it was made with."""
    found = _CAPTION.search(tab.value("vt-pictures"))
    assert found, "the picture has no caption"
    return float(found[1]), float(found[2])


def _pictures(tab: PlaygroundTab) -> list[str]:
    return re.findall(r'src="(data:image/[^"]+)"', tab.value("vt-pictures"))


def _settings(run: dict[str, Any]) -> tuple[float, float]:
    parameters = run["experiment"]["parameters"]
    return float(parameters["centre"]), float(parameters["width"])


def _complaints(log: Path) -> list[str]:
    """Lines of the server's log that tell of an error, and any that is not a line of the log (a traceback)."""
    lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [line for line in lines[1:] if not line.startswith("{") or json.loads(line).get("level") == "error"]

"""Stock Streamlit + Gradio against Vitrine, in one run on one machine: `python -m tests.bench shell-load`.

One after the other, each of two servers (shell_load_server.py) gets the same visitors: one who moves sliders, ten who
click every second while words stream, 25 and 50 who come at once. The servers differ in how they are run, and in
nothing that is on the page.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.bench.shell_load_server import STREAM
from tests.load.clients import Dropped, Refused, Visitor
from tests.load.figures import Watched, machine, quantile
from tests.load.playground_tab import PlaygroundTab
from tests.load.server import ROOT, process
from tests.load.shell_tab import ScriptRun, ShellTab

WARM_WITHIN = 60.0  # seconds
GIVE_UP = 75.0  # seconds for one visitor's page or rerun; stock takes most of it with 50 visitors
RERUNS, SESSIONS = 20, 8  # for the CPU figures
CLICKERS, CLICK_SECONDS = 10, 20.0
CROWDS = (25, 50)
FASTER_GOAL, STALL_GOAL = 10.0, 0.250  # times, seconds


@dataclass
class Crowd:
    """Many who come at once, then all move a slider at once. In seconds; who gave up counts as GIVE_UP."""

    paints: list[float] = field(default_factory=list)
    reruns: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


@dataclass
class Figures:
    """What one server showed."""

    rerun_cpu: float = 0.0  # seconds each
    session_cpu: float = 0.0
    click_reruns: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)  # from the click to the first word, and from word to word
    errors: list[str] = field(default_factory=list)
    crowds: dict[int, Crowd] = field(default_factory=dict)
    resident: float = 0.0  # MiB


def main() -> int:
    """Measure both, print the table; 1 when a goal is missed."""
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        stock = measured("stock", Path(folder))
        vitrine = measured("vitrine", Path(folder))
    print(table(stock, vitrine))
    faster = quantile(stock.click_reruns, 0.95) / quantile(vitrine.click_reruns, 0.95)
    stall = max(vitrine.gaps)
    print(f"\nGoal: rerun p95 with {CLICKERS} clickers >= {FASTER_GOAL:.0f}x lower: {faster:.1f}x")
    print(f"Goal: longest wait for a word <= {1000 * STALL_GOAL:.0f} ms: {1000 * stall:.0f} ms")
    return int(faster < FASTER_GOAL or stall > STALL_GOAL)


def measured(kind: str, folder: Path) -> Figures:
    """Start the server of that kind, put the load on it, stop it."""
    own = folder / kind
    own.mkdir()
    is_stock = kind == "stock"  # it starts where no .streamlit/config.toml is
    cwd, ready = (own, "/_stcore/health") if is_stock else (ROOT, "/api/ready")
    with process(["-m", "tests.bench.shell_load_server", kind], own, {}, cwd=cwd, ready=ready) as started:
        server = Watched(started.pid)
        server.wait_until_idle(WARM_WITHIN)  # it warms up after it first answers
        began = time.perf_counter()
        figures = asyncio.run(_measure(started.url, server))
        print(f"{kind}: {time.perf_counter() - began:.0f} s", flush=True)
        return figures


async def _measure(url: str, server: Watched) -> Figures:
    figures = Figures()
    async with _tab(url) as tab:  # the first of all pays for what is imported late; it is not counted
        slider = (await tab.open()).ids("slider")[0]
        figures.rerun_cpu = await _rerun_cpu(tab, slider, server)
    figures.session_cpu = await _session_cpu(url, server)
    await _clicking(url, slider, figures, server)
    for size in CROWDS:
        figures.crowds[size] = await _crowd(url, slider, size)
    figures.resident = server.resident_mib()
    return figures


async def _rerun_cpu(tab: ShellTab, slider: str, server: Watched) -> float:
    before = server.cpu_seconds()
    for index in range(RERUNS):
        await tab.run({slider: index / RERUNS})
    return (server.cpu_seconds() - before) / RERUNS


async def _session_cpu(url: str, server: Watched) -> float:
    before = server.cpu_seconds()
    for _ in range(SESSIONS):
        async with _tab(url) as tab:
            await tab.open(assets=False)
    return (server.cpu_seconds() - before) / SESSIONS


async def _clicking(url: str, slider: str, figures: Figures, server: Watched) -> None:
    """CLICKERS who move a slider every second, or as soon as the last move was answered, and one stream of words."""
    async with contextlib.AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(_tab(url)) for _ in range(CLICKERS)]
        for tab in tabs:
            await tab.open(assets=False)
        visitor = await stack.enter_async_context(Visitor(url))
        playground = await stack.enter_async_context(PlaygroundTab(visitor, f"{STREAM}/"))
        await playground.open(assets=False)
        await asyncio.to_thread(server.wait_until_idle, WARM_WITHIN)  # stock still looks through modules for each tab
        end = time.perf_counter() + CLICK_SECONDS
        clicking = [_click(tab, slider, index / CLICKERS, end, figures) for index, tab in enumerate(tabs)]
        await asyncio.gather(_streaming(playground, end, figures), *clicking)


async def _click(tab: ShellTab, slider: str, offset: float, end: float, figures: Figures) -> None:
    await asyncio.sleep(offset)
    while (began := time.perf_counter()) < end:
        try:
            figures.click_reruns.append((await tab.run({slider: began % 1})).seconds)
        except (Refused, Dropped, TimeoutError) as err:
            figures.errors.append(f"click: {err!r}")
            figures.click_reruns.append(GIVE_UP)
            return
        await asyncio.sleep(max(0.0, began + 1.0 - time.perf_counter()))


async def _streaming(playground: PlaygroundTab, end: float, figures: Figures) -> None:
    while time.perf_counter() < end:
        last = time.perf_counter()
        try:
            async for arrived, _ in playground.stream("click", "start"):
                figures.gaps.append(arrived - last)
                last = arrived
        except (Refused, Dropped, TimeoutError) as err:
            figures.errors.append(f"stream: {err!r}")
            figures.gaps.append(GIVE_UP)
            return


async def _crowd(url: str, slider: str, size: int) -> Crowd:
    crowd = Crowd()
    async with contextlib.AsyncExitStack() as stack:
        tabs = [await stack.enter_async_context(_tab(url)) for _ in range(size)]
        crowd.paints = list(await asyncio.gather(*(_timed(tab.open(assets=False), crowd) for tab in tabs)))
        there = [tab for tab in tabs if tab.alive]
        crowd.reruns = list(await asyncio.gather(*(_timed(tab.run({slider: 0.25}), crowd) for tab in there)))
    return crowd


async def _timed(work: Coroutine[Any, Any, ScriptRun], crowd: Crowd) -> float:
    began = time.perf_counter()
    try:
        async with asyncio.timeout(GIVE_UP):
            await work
    except (Refused, Dropped, TimeoutError, OSError, httpx.HTTPError) as err:
        crowd.errors.append(f"crowd: {err!r}")
        return GIVE_UP
    return time.perf_counter() - began


@contextlib.asynccontextmanager
async def _tab(url: str) -> AsyncIterator[ShellTab]:
    async with Visitor(url) as visitor, ShellTab(visitor) as tab:
        yield tab


def table(stock: Figures, vitrine: Figures) -> str:
    """Both in Markdown, with their ratio."""
    rows = [
        _row("CPU per rerun, 11 sliders", stock.rerun_cpu, vitrine.rerun_cpu),
        _row("CPU per new session", stock.session_cpu, vitrine.session_cpu),
    ]
    for size in CROWDS:
        a, b = stock.crowds[size], vitrine.crowds[size]
        rows.append(_row(f"{size} sessions at once: first paint p50", _p50(a.paints), _p50(b.paints)))
        rows.append(_row(f"{size} sessions at once: rerun p50", _p50(a.reruns), _p50(b.reruns)))
    name = f"{CLICKERS} clickers + one stream"
    p95 = [quantile(figures.click_reruns, 0.95) for figures in (stock, vitrine)]
    rows.append(_row(f"{name}: rerun p95", *p95))
    rows.append(_row(f"{name}: longest wait for a word", max(stock.gaps), max(vitrine.gaps)))
    rows.append(f"| errors and dropped connections | {len(_errors(stock))} | {len(_errors(vitrine))} | |")
    rows.append(f"| resident memory after all | {stock.resident:.0f} MiB | {vitrine.resident:.0f} MiB | |")
    for kind, figures in (("stock", stock), ("Vitrine", vitrine)):
        for problem, times in Counter(_errors(figures)).most_common(3):
            rows.append(f"| {kind}, {times}x | {problem[:90]} | | |")
    return "\n".join(["| | stock | Vitrine | ratio |", "|---|---|---|---|", *rows])


def _row(name: str, stock: float, vitrine: float) -> str:
    return f"| {name} | {_time(stock)} | {_time(vitrine)} | {stock / max(vitrine, 1e-6):.1f}x |"


def _time(seconds: float) -> str:
    if seconds >= GIVE_UP:
        return f">= {GIVE_UP:.0f} s"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"


def _p50(values: Sequence[float]) -> float:
    return quantile(values, 0.5) if values else GIVE_UP


def _errors(figures: Figures) -> list[str]:
    return figures.errors + [error for crowd in figures.crowds.values() for error in crowd.errors]


if __name__ == "__main__":
    raise SystemExit(main())

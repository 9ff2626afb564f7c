"""How long a person waits, in a real Chromium: `python -m tests.bench first-paint`.

A page counts from the click (the navigation's start) to the first frame that shows what the person came for: words of
the shell, or the playground's answer with its probabilities. A spinner or a skeleton counts as waiting.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, StorageState, sync_playwright

from tests.bench.seen import PATIENCE, watch_for, when_seen
from tests.browser.chromium import find_chromium
from tests.browser.conftest import FLAGS
from tests.load.figures import Watched, machine, quantile
from tests.load.server import vitrine

TIMES = 5
SHELL_GOAL, MEDICAL_GOAL = 1.5, 3.0  # seconds


@dataclass(frozen=True)
class Case:
    """A page, and what must be seen on it. frame: part of the address of the frame that shows it; '' is the page."""

    name: str
    address: str
    selector: str
    goal: float
    frame: str = ""


CASES = (
    Case("shell, Home: first words", "/", "[data-testid=stMain] :is(h1, h2, p)", SHELL_GOAL),
    Case("medical: probabilities seen", "/medical", ".vt-bars li", MEDICAL_GOAL, "/play/medical"),
)


def main() -> int:
    """Measure both pages, first with an empty profile and then again in it; 1 when a goal is missed."""
    print(machine())
    with tempfile.TemporaryDirectory() as folder, vitrine(Path(folder)) as server, sync_playwright() as playwright:
        Watched(server.pid).wait_until_idle(60.0)
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        print(f"Chromium {browser.version}, {TIMES} times each\n")
        accepted = _accept(browser, server.url)
        print("| | cold p50 | cold longest | warm p50 | warm longest | goal |\n|---|---|---|---|---|---|")
        missed = [not _measured(case, browser, server.url, accepted) for case in CASES]
        browser.close()
    return int(any(missed))


def _accept(browser: Browser, url: str) -> StorageState:
    """A visitor who has accepted the notice; only the cookie is taken along, no cache."""
    context = browser.new_context(base_url=url)
    page = context.new_page()
    page.goto("/medical", wait_until="domcontentloaded", timeout=PATIENCE)
    page.frame_locator("iframe[src*='/play/medical']").locator("#vt-accept").click(timeout=PATIENCE)
    page.frame_locator("iframe[src*='/play/medical']").locator(".vt-bars li").first.wait_for(timeout=PATIENCE)
    state = context.storage_state()
    context.close()
    return state


def _measured(case: Case, browser: Browser, url: str, accepted: StorageState) -> bool:
    cold, warm = [], []
    for _ in range(TIMES):
        context = browser.new_context(base_url=url, storage_state=accepted, viewport={"width": 1280, "height": 900})
        watch_for(context, case.selector)
        cold.append(_visit(case, context))
        warm.append(_visit(case, context))
        context.close()
    p50 = quantile(cold, 0.5)
    cells = [f"{value:.2f} s" for value in (p50, max(cold), quantile(warm, 0.5), max(warm))]
    print(f"| {case.name} | {' | '.join(cells)} | {case.goal} s |", flush=True)
    return p50 <= case.goal


def _visit(case: Case, context: BrowserContext) -> float:
    page = context.new_page()
    page.goto(case.address, wait_until="commit", timeout=PATIENCE)
    started = page.evaluate("performance.timeOrigin")
    seen = when_seen(page, case.frame)
    page.close()
    return float(seen - started) / 1000


if __name__ == "__main__":
    raise SystemExit(main())

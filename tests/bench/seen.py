"""When a person first sees something: noted in the page itself, at the end of the frame that paints it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

PATIENCE = 60_000  # ms

# In every frame: note when an element with text is first seen at SELECTOR, at the end of the frame that paints it.
_WATCH = """
window.__seen = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error('never seen')), PATIENCE);
  const look = () => {
    for (const element of document.querySelectorAll(SELECTOR)) {
      const box = element.getBoundingClientRect();
      if (element.innerText.trim() && box.width && box.height && element.checkVisibility({opacityProperty: true})) {
        requestAnimationFrame(() => setTimeout(() => resolve(performance.timeOrigin + performance.now())));
        return;
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});
"""


def watch_for(context: BrowserContext, selector: str) -> None:
    """Note in each page and frame of the context when an element with text is first seen at `selector`."""
    context.add_init_script(_WATCH.replace("SELECTOR", repr(selector)).replace("PATIENCE", str(PATIENCE)))


def when_seen(page: Page, part: str = "") -> float:
    """When it was seen, in ms of the epoch. part: of the address of the frame that shows it; empty: the page."""
    wanted: Callable[[str], bool] = lambda url: part in url  # noqa: E731
    if not part:
        return float(page.evaluate("window.__seen"))
    page.wait_for_selector(f"iframe[src*='{part}']", state="attached", timeout=PATIENCE)
    frame = page.frame(url=wanted)
    while frame is None:
        page.wait_for_timeout(10)
        frame = page.frame(url=wanted)
    return float(frame.evaluate("window.__seen"))

"""When a person first sees something: noted in the page itself, at the end of the frame that paints it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

PATIENCE = 60_000  # ms

# In every frame: note when an element with text is first seen at SELECTOR, at the end of the frame that paints it. What
# lies beneath first sight (components/first_sight.py) is not seen.
_WATCH = """
window.__NAME = new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error('never seen')), PATIENCE);
  const covered = (element) => !element.closest('#vt-first') && window.top.document.querySelector('#vt-first');
  const look = () => {
    for (const element of document.querySelectorAll(SELECTOR)) {
      const box = element.getBoundingClientRect();
      const shown = box.width && box.height && element.checkVisibility({opacityProperty: true});
      if (element.innerText.trim() && shown && !covered(element)) {
        requestAnimationFrame(() => setTimeout(() => resolve(performance.timeOrigin + performance.now())));
        return;
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});
"""


def watch_for(context: BrowserContext, selector: str, name: str = "seen") -> None:
    """Note in each page and frame of the context when an element with text is first seen at `selector`."""
    script = _WATCH.replace("SELECTOR", repr(selector)).replace("PATIENCE", str(PATIENCE))
    context.add_init_script(script.replace("NAME", name))


def when_seen(page: Page, part: str = "", name: str = "seen") -> float:
    """When it was seen, in ms of the epoch. part: of the address of the frame that shows it; empty: the page."""
    wanted: Callable[[str], bool] = lambda url: part in url  # noqa: E731
    if not part:
        return float(page.evaluate(f"window.__{name}"))
    page.wait_for_selector(f"iframe[src*='{part}']", state="attached", timeout=PATIENCE)
    frame = page.frame(url=wanted)
    while frame is None:
        page.wait_for_timeout(10)
        frame = page.frame(url=wanted)
    return float(frame.evaluate(f"window.__{name}"))


def seen_so_far(page: Page, name: str) -> float:
    """When it was seen on the page itself, in ms of the epoch; infinite where it was not, up to now."""
    now = "new Promise((resolve) => setTimeout(resolve, 0, Infinity))"
    return float(page.evaluate(f"Promise.race([window.__{name}, {now}])"))

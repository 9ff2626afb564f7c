"""How a person presents: a session made through the API, and its slides as short verbs."""

from __future__ import annotations

import json
from dataclasses import dataclass

from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, expect

from backends.core.digest import sha256
from backends.medical.playground import PLAYGROUND
from tests.browser.accessibility import serious

LIVE = 1  # which of the runs has live controls
TITLES = ["Chest X-rays, shown", "The network is sure of itself", "Move the controls", "Another picture"]
RUN_MS = 90_000  # the first run loads its model; the machine may be busy
SPEAKER = "Only-for-the-one-who-speaks"
LONG = "A remark that goes on. " * 90
# Boxes of what must be seen of the slide that is shown: its title, pictures, answer and number.
BOXES = """() => [...document.querySelectorAll(
    '[data-now] :is(h1, h2, .vt-number), [data-now] .vt-stored :is(img, .vt-headline, .vt-bars, .vt-value, .vt-note)')]
  .filter((one) => getComputedStyle(one).visibility === 'visible' && one.getClientRects().length)
  .map((one) => { const box = one.getBoundingClientRect();
    return [one.className || one.tagName, box.left, box.top, box.right, box.bottom]; })"""


@dataclass(frozen=True)
class Made:
    """A session of medical runs: id and link, the runs as the API tells them, and the cookies of its owner."""

    id: str
    link: str
    runs: list[dict]
    cookies: list

    def digests(self, index: int) -> set[str]:
        """Digests of the pictures that a run found."""
        return {output["digest"] for output in self.runs[index]["outputs"] if output["kind"] == "image"}


def make_session(context: BrowserContext, count: int = 3) -> Made:
    """Real runs of real examples, in a session of their own; one is live, one has a long note, all have notes."""
    api = context.request
    runs = []
    for index in range(count):
        example = PLAYGROUND.examples()[index % len(PLAYGROUND.examples())]
        asked = {"action": "medical/classify", "parameter": "image"}
        brought = api.post("/api/inputs", params=asked, data=example.read()).json()
        hints = {name: hint["value"] for name, hint in brought["suggestions"].items()}
        shown = {"opacity": round(0.8 - 0.01 * index, 2)}
        parameters = {**hints, **example.values, **shown, "image": brought["digest"]}
        answer = api.post("/api/actions/medical/classify?wait=60", data={"parameters": parameters}, timeout=RUN_MS)
        run = answer.json()
        assert run["state"] == "done", json.dumps(run)
        runs.append(run)
    session = api.post("/api/sessions", data={"title": TITLES[0], "notes": "Three pictures.\n\nOne network."}).json()
    for index, run in enumerate(runs):
        api.post(f"/api/sessions/{session['id']}/runs", data={"run_id": run["id"]})
        title = TITLES[index + 1] if index + 1 < len(TITLES) else ""
        note = {0: "It marks the **lower lobes**.", 1: "Try the overlay."}.get(index, LONG)
        told = {"title": title, "note": note, "speaker": f"{SPEAKER} {index}", "live": index == LIVE}
        changed = api.patch(f"/api/sessions/{session['id']}/runs/{run['id']}", data=told)
        assert changed.ok, changed.text()
    return Made(session["id"], session["link"], runs, context.cookies())


class Slides:
    """The slides in a tab."""

    def __init__(self, context: BrowserContext, address: str, size: tuple[int, int] = (1280, 720)) -> None:
        self.page: Page = context.new_page()
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.goto(address)
        expect(self.now).to_be_visible()

    @property
    def now(self) -> Locator:
        """The slide that is shown."""
        return self.page.locator("[data-now]")

    @property
    def title(self) -> Locator:
        """Its title."""
        return self.now.locator("h1, h2").first

    @property
    def number(self) -> int:
        """Its number, as the address says it."""
        return int(self.page.evaluate("location.hash.slice(1)"))

    def go(self, number: int) -> Slides:
        """Go to a slide by its number in the address."""
        self.page.evaluate("number => { location.hash = number }", number)
        expect(self.page.locator(f"#vt-slide-{number}")).to_have_attribute("data-now", "")
        return self

    def picture_digests(self) -> list[str]:
        """sha256 of the bytes of each picture on the slide, as the page itself loads them."""
        read = """images => Promise.all(images.map(async (image) =>
          [...new Uint8Array(await (await fetch(image.src)).arrayBuffer())]))"""
        return [sha256(bytes(data)) for data in self.now.locator(".vt-shot img").evaluate_all(read)]

    def overflow(self) -> list[float]:
        """By how many pixels the page is wider and higher than the window."""
        wide = "e.scrollWidth - innerWidth, e.scrollHeight - innerHeight"
        return self.page.evaluate(f"() => {{ const e = document.scrollingElement; return [{wide}]; }}")

    def outside(self) -> list[str]:
        """What of the slide sticks out of the window."""
        size = self.page.viewport_size
        assert size
        found = self.page.evaluate(BOXES)
        assert len(found) >= 2, "a slide has at least a title and a number"
        edge = (size["width"] + 1, size["height"] + 1)
        return [str(box) for box in found if box[1] < -1 or box[2] < -1 or box[3] > edge[0] or box[4] > edge[1]]

    @property
    def frame(self) -> FrameLocator:
        """The playground on the live slide."""
        return self.now.frame_locator("iframe")

    def live(self) -> Slides:
        """Go to the live slide, accept the notice where it is asked for, and wait for its answer."""
        self.go(LIVE + 2)
        accept, headline = self.frame.locator("#vt-accept"), self.frame.locator(".vt-headline")
        expect(accept.or_(headline).locator("visible=true").first).to_be_visible()
        if accept.is_visible():
            accept.click()
        expect(headline).to_be_visible()
        expect(self.now.locator(".vt-stored")).to_have_css("visibility", "hidden")
        return self

    def outside_live(self) -> list[str]:
        """What of the live frame's answer sticks out of the window."""
        size = self.page.viewport_size
        assert size
        pictures = self.frame.locator("#vt-pictures img")
        boxes = [one.bounding_box() for one in (self.frame.locator(".vt-headline"), pictures.first, pictures.last)]
        assert all(boxes)
        return [
            str(box)
            for box in boxes
            if box
            if min(box["x"], box["y"]) < 0
            or box["x"] + box["width"] > size["width"]
            or box["y"] + box["height"] > size["height"]
        ]

    def serious(self) -> list[str]:
        """What axe-core finds of serious or critical impact."""
        return serious(self.page)

    def swipe(self, start: int, end: int) -> None:
        """A finger from one x to another."""
        touch = self.page.context.new_cdp_session(self.page)
        for kind, x in (("touchStart", start), ("touchMove", (start + end) // 2), ("touchMove", end)):
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": 300}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def live_pictures(self) -> list[str]:
        """The pictures in the live frame: equal means equal to the last pixel."""
        return [str(one.get_attribute("src")) for one in self.frame.locator("#vt-pictures img").all()]

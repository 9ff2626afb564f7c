"""What a saved result's page shows before any script has run, and what takes its place: the very same."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Server, Watch, fresh
from tests.browser.pages import Medical
from tests.browser.saved_work import save_session

pytestmark = pytest.mark.browser

# What first sight says once the page has been read, before the application has come.
REMEMBER = """
if (window.top === window) window.addEventListener('DOMContentLoaded', () => {
  const all = (selector) => [...document.querySelectorAll(`#vt-first ${selector}`)];
  window.__first = {
    title: all('h1').map((one) => one.textContent),
    bars: all('.vt-bars li').map((one) => [one.children[0].textContent, one.children[1].textContent]),
    rows: all('.vt-table tbody tr').map((one) => one.innerText),
    pictures: all('.vt-shot img, .vt-figure img').map((one) => one.getAttribute('src')),
    beneath: document.getElementById('root').inert,
  };
});
"""


@pytest.fixture
def accepted(visitor: BrowserContext) -> BrowserContext:
    """A visitor who has accepted the notice."""
    medical = Medical(visitor).accept()
    medical.page.close()
    return visitor


@pytest.fixture
def scriptless(browser: Browser, server: Server, watch: Watch, accepted: BrowserContext) -> Iterator[BrowserContext]:
    """The same visitor in a browser without JavaScript."""
    yield from fresh(browser, server, watch, java_script_enabled=False, storage_state=accepted.storage_state())


def address(session: dict[str, Any]) -> str:
    return f"/medical?session={session['link']}&run={session['runs'][0]['id']}"


def stored(context: BrowserContext, session: dict[str, Any], name: str) -> bytes:
    output = next(one for one in session["runs"][0]["outputs"] if one["name"] == name)
    return bytes(context.request.get(output["url"]).body())


def probabilities(context: BrowserContext, session: dict[str, Any]) -> dict[str, float]:
    output = next(one for one in session["runs"][0]["outputs"] if one["name"] == "probabilities")
    return {str(name): float(part) for name, part in context.request.get(output["url"]).json()["rows"]}


def arrived(page: Page, where: str) -> dict[str, Any]:
    """Open it, and wait until first sight has gone; what it had said."""
    page.add_init_script(REMEMBER)
    page.goto(where, wait_until="domcontentloaded")
    said: dict[str, Any] = page.evaluate("window.__first")
    expect(page.locator("#vt-first")).to_have_count(0)
    assert said["beneath"] is True
    assert page.evaluate("document.getElementById('root').inert") is False
    return said


def test_without_javascript_the_stored_result_is_there(accepted: BrowserContext, scriptless: BrowserContext):
    session = save_session(accepted, "Seen at once")
    page = scriptless.new_page()
    page.goto(address(session))
    first = page.locator("#vt-first")
    expect(first.locator("h1")).to_have_text("Seen at once")
    parts = {
        row.locator("span").inner_text(): float(str(row.get_attribute("style")).removeprefix("--vt-part:"))
        for row in first.locator(".vt-bars li").all()
    }
    found = probabilities(accepted, session)
    assert parts == {name.replace("_", " "): pytest.approx(part, abs=5e-5) for name, part in found.items()}
    sources = [str(one.get_attribute("src")) for one in first.locator(".vt-shot img").all()]
    shown = [scriptless.request.get(source).body() for source in sources]
    assert shown == [stored(accepted, session, "view"), stored(accepted, session, "overlay")]
    assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 0)")
    box = first.bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"]) == (0, 0, 1280)


def test_the_playground_takes_its_place_and_shows_the_same(accepted: BrowserContext):
    session = save_session(accepted, "The same twice")
    said = arrived(page := accepted.new_page(), address(session))
    frame = page.frame_locator("iframe[src*='/play/medical']")
    assert frame.locator(".vt-banner b").all_inner_texts() == ["The same twice"]  # there already, with no wait
    bars = [one.inner_text().split("\n") for one in frame.locator(".vt-bars li").all()]
    assert len(bars) == 2
    assert (said["title"], said["bars"]) == (["The same twice"], bars)
    sources = [str(one.get_attribute("src")) for one in frame.locator("#vt-pictures img").all()]
    drawn = [base64.b64decode(source.partition("base64,")[2]) for source in sources]
    assert drawn == [accepted.request.get(source).body() for source in said["pictures"]]
    assert drawn == [stored(accepted, session, "view"), stored(accepted, session, "overlay")]


def test_a_session_s_page_takes_its_place_and_shows_the_same(visitor: BrowserContext, other_visitor: BrowserContext):
    session = save_session(visitor, "For others", 2)
    said = arrived(page := other_visitor.new_page(), f"/sessions?session={session['link']}")
    main = page.locator("[data-testid=stMain]")
    assert main.locator(".vt-table").first.is_visible()  # there already, with no wait
    assert said["title"] == [main.locator("h1").inner_text()] == ["For others"]
    assert said["rows"] == [one.inner_text() for one in main.locator(".vt-table tbody tr").all()]
    assert said["pictures"] == [one.get_attribute("src") for one in main.locator(".vt-figure img").all()]


def test_whoever_has_not_accepted_the_notice_sees_it_first(visitor: BrowserContext, other_visitor: BrowserContext):
    session = save_session(visitor, "Behind the notice")
    page = other_visitor.new_page()
    answer = page.goto(address(session), wait_until="domcontentloaded")
    assert answer is not None
    assert "vt-first" not in answer.text()
    assert "Behind the notice" not in answer.text()
    expect(page.frame_locator("iframe[src*='/play/medical']").locator("#vt-accept")).to_be_visible()

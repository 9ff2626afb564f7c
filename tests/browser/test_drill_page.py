"""The page of a playground that one command has made: it opens on its example, follows its slider, and saves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.app.drill import NAME, make_checkout
from tests.browser.conftest import Server, Watch, fresh, start_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def drilled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    checkout, _ = make_checkout(tmp_path_factory.mktemp("drill"))
    server = start_server(tmp_path_factory.mktemp("data"), root=checkout)
    yield server
    server.stop()


def test_it_opens_on_its_example_follows_its_slider_and_saves(drilled: Server, browser: Browser, watch: Watch) -> None:
    for context in fresh(browser, drilled, watch):
        page = context.new_page()
        page.goto(f"/{NAME}")
        frame = page.frame_locator(f"iframe[src*='/play/{NAME}']")
        picture = frame.locator(".vt-right .vt-figure img").first
        expect(picture).to_be_visible()
        before = str(picture.get_attribute("src"))
        box = frame.locator("#vt-gain input[type=number]")
        box.fill("3")
        box.press("Enter")
        expect(picture).not_to_have_attribute("src", before)
        frame.locator("#vt-save").click()
        expect(frame.locator("#vt-link textarea, #vt-link input")).to_be_visible()
        link = frame.locator("#vt-link textarea, #vt-link input").input_value()
        shown = picture.get_attribute("src")
    for context in fresh(browser, drilled, watch):
        page = context.new_page()
        page.goto(link)
        frame = page.frame_locator(f"iframe[src*='/play/{NAME}']")
        expect(frame.locator(".vt-right .vt-figure img").first).to_have_attribute("src", str(shown))
        expect(frame.locator("#vt-gain input[type=number]")).to_have_value("3")

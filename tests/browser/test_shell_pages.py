"""The shell as a person meets it: themes, phone width, accessibility, saved work, models, reference."""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.accessibility import serious
from tests.browser.conftest import Server, Watch, fresh
from tests.browser.pages import Medical, Shell

pytestmark = pytest.mark.browser
PAGES = ("/", "/medical", "/runs", "/sessions", "/models", "/reference")


@pytest.fixture
def phone(browser: Browser, server: Server, watch: Watch):
    yield from fresh(browser, server, watch, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)


def choose_theme(page: Page, name: str) -> None:
    page.get_by_role("radio", name=f"{name} theme").check(force=True)


def settled(context: BrowserContext, address: str) -> Page:
    """A page that has drawn everything, the playground's frame as well."""
    if address == "/medical":
        medical = Medical(context)
        if medical.frame.locator("#vt-accept").or_(medical.headline).first.inner_text() == "I understand":
            medical.accept()
        return medical.ready().page
    page = Shell(context).open(address).page
    expect(page.locator(":is(.vt-hero, .vt-page) h1").first).to_be_visible()
    page.wait_for_timeout(700)
    return page


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize("address", PAGES)
def test_no_page_has_a_serious_accessibility_violation(visitor: BrowserContext, address: str, theme: str):
    page = settled(visitor, address)
    choose_theme(page, theme)
    page.wait_for_timeout(500)
    assert serious(page) == []
    for frame in page.frames[1:]:
        assert serious(frame) == []


@pytest.mark.parametrize("address", PAGES)
def test_nothing_sticks_out_on_a_phone(phone: BrowserContext, address: str):
    page = settled(phone, address)
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 390
    for frame in page.frames[1:]:
        assert frame.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")


def test_the_viewer_works_on_a_phone(phone: BrowserContext):
    medical = Medical(phone).accept()
    before = medical.picture_bytes()
    medical.frame.locator("button[data-example]").nth(2).tap()
    expect(medical.frame.locator("#vt-pictures img").first).not_to_have_attribute("src", before[0])


def test_the_theme_reaches_the_playground_and_loses_nothing(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    medical.change(lambda: medical.set_number("opacity", "0.9"))
    pictures = medical.picture_bytes()
    frame = medical.page.frames[1]
    frame.evaluate("window.stillHere = true")
    for theme, dark in (("Dark", True), ("Light", False)):
        choose_theme(medical.page, theme)
        expect(medical.frame.locator("body.dark")).to_have_count(1 if dark else 0)
        assert frame.evaluate("window.stillHere") is True
        assert medical.picture_bytes() == pictures
        assert medical.slider_value("opacity") == 0.9
    choose_theme(medical.page, "Dark")
    ground = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    assert medical.page.evaluate(ground) == "rgb(15, 18, 22)"


def test_the_frame_is_as_high_as_what_is_in_it(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    medical.page.wait_for_timeout(800)
    frame = medical.page.frames[1]
    assert frame.evaluate("document.documentElement.scrollHeight - window.innerHeight") <= 1
    bars = "getComputedStyle(document.documentElement).overflowY + getComputedStyle(document.body).overflowY"
    assert "scroll" not in frame.evaluate(bars)


def test_home_shows_a_real_picture_and_leads_to_the_playground(visitor: BrowserContext):
    page = Shell(visitor).open("/").page
    picture = page.locator("img[alt]:not([alt=Logo])").first
    expect(picture).to_be_visible()
    assert picture.evaluate("e => e.naturalWidth") > 100
    page.get_by_role("link", name=re.compile("Open Medical")).or_(
        page.get_by_role("button", name=re.compile("Open Medical"))
    ).first.click()
    expect(page).to_have_url(re.compile("/medical"))


def test_saved_work_can_be_found_and_is_what_was_seen(visitor: BrowserContext):
    empty = Shell(visitor).open("/sessions").page
    expect(empty.locator(".vt-nothing")).to_contain_text("Nothing saved yet")
    medical = Medical(visitor).accept()
    medical.save()
    pictures = medical.picture_bytes()
    page = Shell(visitor).open("/sessions").page
    page.get_by_role("link", name="Open", exact=True).first.click()
    stored = page.locator("[data-testid=stMain] img[src*=outputs]")
    expect(stored).to_have_count(2)
    sources = [str(one.get_attribute("src")) for one in stored.all()]
    assert [content(page, source) for source in sources] == [content(page, source) for source in pictures]


def content(page: Page, source: str) -> bytes:
    """The bytes of a picture, from a data address or from the server."""
    if source.startswith("data:"):
        return base64.b64decode(source.split(",", 1)[1])
    return page.request.get(source).body()


def test_a_broken_link_says_so(visitor: BrowserContext):
    page = Shell(visitor).open("/medical?session=AAAAAAAAAAAAAAAAAAAAAA&run=x").page
    frame = page.frame_locator("iframe[src*='/play/medical']")
    frame.locator("#vt-accept").click()
    expect(frame.locator("#vt-banner")).to_be_visible()
    expect(frame.locator("#vt-banner")).to_contain_text(re.compile("link|session", re.I))
    expect(frame.locator(".vt-headline")).to_be_visible()  # and the playground is there all the same


def test_the_models_page_loads_and_unloads(visitor: BrowserContext):
    page = settled(visitor, "/models")
    main = page.locator("[data-testid=stMain]")
    expect(main).to_contain_text("ResNet-18")
    unload = page.get_by_role("button", name=re.compile("^Unload")).first
    load = page.get_by_role("button", name=re.compile("^Load")).first
    if unload.is_visible():
        unload.click()
        expect(load).to_be_visible()
    load.click()
    expect(unload).to_be_visible()


def test_the_reference_says_what_the_declaration_says(visitor: BrowserContext):
    page = settled(visitor, "/reference")
    main = page.locator("[data-testid=stMain]")
    for words in ("medical/classify", "Overlay opacity", "How strongly the colours cover the picture", "/api/actions"):
        expect(main).to_contain_text(words)

"""The page's address follows the controls and brings them back: in the shell, by itself, and in a frame of the Hub."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.chromium import find_chromium
from tests.browser.conftest import FLAGS, PATIENCE_MS, Server, Watch, fresh, start_server
from tests.browser.pages import Medical, Shell
from tests.browser.test_medical_page import picture

pytestmark = pytest.mark.browser
HUB = "https://huggingface.co"
SITES = (HUB, "https://elsewhere.test")
_NOTES = "<script>window.told = []; addEventListener('message', (event) => told.push(event.data));</script>"


@pytest.fixture
def accepted(visitor: BrowserContext) -> BrowserContext:
    """A visitor who has accepted the notice."""
    Medical(visitor).accept().page.close()
    return visitor


def steps_back(medical: Medical) -> int:
    """Entries of the tab's history."""
    return int(medical.page.evaluate("history.length"))


def test_the_address_follows_every_change_and_adds_nothing_to_the_history(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    assert medical.query == {}
    before = steps_back(medical)
    medical.change(lambda: medical.set_number("opacity", "0.8"))
    first = medical.wait_for_query(opacity="0.8")
    assert set(first) == {"opacity", "example"}
    medical.example("normal")
    second = medical.wait_for_address(lambda query: query.get("example") != first["example"])
    assert second["opacity"] == "0.8"
    medical.change(lambda: medical.set_number("opacity", "0.5"))
    medical.wait_for_address(lambda query: set(query) == {"example"})  # defaults are not carried
    assert steps_back(medical) == before


def test_the_address_restores_everything_in_a_fresh_browser_and_records_nothing(
    accepted: BrowserContext, other_visitor: BrowserContext
):
    medical = Medical(accepted).ready()
    medical.example("normal")
    medical.change(lambda: medical.set_number("opacity", "0.85"))
    medical.change(lambda: medical.set_number("width", "120"))
    medical.wait_for_query(opacity="0.85", width="120")
    address, pictures, bars = medical.page.url, medical.picture_bytes(), medical.bars()

    other = Medical(other_visitor, address).accept()
    assert (other.slider_value("opacity"), other.slider_value("width")) == (0.85, 120)
    assert other.picture_bytes() == pictures
    assert other.bars() == bars
    expect(other.frame.locator("button[data-example][aria-pressed=true]")).to_have_attribute(
        "data-example", medical.query["example"]
    )
    assert other_visitor.request.get("/api/runs").json() == []


def test_a_reload_and_a_switch_of_the_theme_lose_nothing(accepted: BrowserContext):
    medical = Medical(accepted).ready()
    medical.change(lambda: medical.set_number("opacity", "0.2"))
    medical.wait_for_query(opacity="0.2")
    medical.frame.locator("body").evaluate("() => { window.markOfTheTest = true; }")
    for name in ("Dark", "Light"):
        medical.page.get_by_role("radio", name=name).or_(medical.page.get_by_label(name)).first.click()
        medical.page.wait_for_timeout(800)
    assert medical.frame.locator("body").evaluate("() => window.markOfTheTest") is True
    assert medical.query["opacity"] == "0.2"
    medical.page.reload()
    medical.ready()
    assert medical.slider_value("opacity") == 0.2


def test_a_refused_value_stays_where_it_was_typed_and_out_of_the_address(accepted: BrowserContext):
    medical = Medical(accepted).ready()
    medical.change(lambda: medical.set_number("opacity", "0.75"))
    medical.wait_for_query(opacity="0.75")
    pictures = medical.picture_bytes()
    for typed in ("7", ""):
        medical.set_number("opacity", typed)
        medical.frame.locator("#vt-width input[type=number]").focus()  # leaves the box
        expect(medical.problem("opacity")).to_contain_text("Overlay opacity must be from 0 to 1")
        medical.page.wait_for_timeout(400)
        assert medical.frame.locator("#vt-opacity input[type=number]").input_value() == typed
        assert medical.picture_bytes() == pictures
        assert medical.query["opacity"] == "0.75"
    medical.frame.locator("#vt-run").click()
    expect(medical.problem("opacity")).to_be_visible()
    medical.change(lambda: medical.set_number("opacity", "0.3"))
    expect(medical.problem("opacity")).to_have_count(0)


def test_what_an_address_asks_wrongly_is_told_beside_its_control_and_the_rest_is_there(accepted: BrowserContext):
    asked = "centre=abc&opacity=7&explain=zebra&model=nope&frame=9&example=nope&threshold=0.1&nothing=1"
    medical = Medical(accepted, f"/medical?{asked}").ready()
    for name, sentence in {
        "centre": "Window centre must be from",
        "opacity": "Overlay opacity must be from 0 to 1",
        "explain": "no such class",
        "model": "no such model",
    }.items():
        expect(medical.problem(name)).to_contain_text(sentence)
    expect(medical.frame.locator(".vt-left")).to_contain_text("This picture has only one frame")
    expect(medical.frame.locator(".vt-left")).to_contain_text("There is no such example")
    assert medical.slider_value("opacity") == 0.5
    left = medical.wait_for_query(threshold="0.1")  # what was taken
    assert set(left) == {"threshold", "example"}


def test_an_upload_opens_again_for_its_owner_and_for_nobody_else(
    accepted: BrowserContext, other_visitor: BrowserContext
):
    medical = Medical(accepted).ready()
    medical.change(lambda: medical.upload(picture(seed=31)[1]))
    medical.change(lambda: medical.set_number("opacity", "0.65"))
    medical.wait_for_query(opacity="0.65")
    assert len(medical.query["image"]) == 64
    address, pictures = medical.page.url, medical.picture_bytes()
    assert Medical(accepted, address).ready().picture_bytes() == pictures
    other = Medical(other_visitor, address).accept()
    expect(other.frame.locator(".vt-left")).to_contain_text("The picture of this address is not here for you")
    assert other.picture_bytes() != pictures
    assert other.slider_value("opacity") == 0.65


def test_an_address_that_is_too_long_is_told_and_not_used(accepted: BrowserContext):
    medical = Medical(accepted, f"/medical?opacity=0.8&hide={'x' * 4000}").ready()
    expect(medical.page.get_by_text("more than 4,000 characters")).to_be_visible()
    assert medical.slider_value("opacity") == 0.5
    alone = accepted.new_page()
    alone.goto(f"/play/medical/?opacity=0.8&hide={'x' * 4000}")
    expect(alone.locator("#vt-banner")).to_contain_text("more than 4,000 characters")


def test_hidden_controls_keep_their_value_and_stay_hidden(accepted: BrowserContext):
    medical = Medical(accepted, "/medical?hide=width,explain,examples,upload,tools,save&width=90").ready()
    for hidden in ("#vt-width", "#vt-explain", ".vt-examples", ".vt-drop", ".vt-tools", "#vt-save"):
        expect(medical.frame.locator(hidden).first).to_be_hidden()
    for shown in ("#vt-opacity", "#vt-centre", "#vt-run"):
        expect(medical.frame.locator(shown)).to_be_visible()
    expect(medical.frame.locator("#vt-pictures")).to_contain_text("width 90")
    medical.change(lambda: medical.set_number("opacity", "0.9"))
    query = medical.wait_for_query(opacity="0.9", width="90")
    assert query["hide"] == "width,explain,examples,upload,tools,save"
    expect(medical.frame.locator("#vt-pictures")).to_contain_text("width 90")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_bare_is_controls_and_result_within_a_slide(accepted: BrowserContext, theme: str):
    page = accepted.new_page()
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"/play/medical/?bare=1&opacity=0.8&__theme={theme}")
    expect(page.locator(".vt-headline")).to_be_visible()
    for hidden in (".vt-examples", ".vt-drop", ".vt-tools", "#vt-save", "#vt-run", ".vt-parts", ".vt-fine"):
        expect(page.locator(hidden).first).to_be_hidden()
    assert page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]") == [1280, 720]
    before = page.locator("#vt-pictures img").nth(1).get_attribute("src")
    box = page.locator("#vt-opacity input[type=number]")
    box.fill("0.2")
    box.press("Enter")
    expect(page.locator("#vt-pictures img").nth(1)).not_to_have_attribute("src", str(before))
    expect(page).to_have_url(re.compile(r"opacity=0\.2"))  # opened by itself, it writes its own address
    assert "bare=1" in page.url


def test_a_saved_link_gives_way_once_a_control_is_moved(accepted: BrowserContext):
    medical = Medical(accepted).ready()
    link = medical.save()
    opened = Medical(accepted, link).ready()
    expect(opened.frame.locator("#vt-banner")).to_be_visible()
    assert set(opened.query) == {"session", "run"}
    opened.change(lambda: opened.set_number("opacity", "0.95"))
    assert "session" not in opened.wait_for_query(opacity="0.95")
    assert "run" not in opened.query
    expect(opened.frame.locator("#vt-banner")).to_be_hidden()


def test_another_page_and_back_brings_the_controls_back(accepted: BrowserContext):
    medical = Medical(accepted).ready()
    medical.change(lambda: medical.set_number("opacity", "0.95"))
    left = medical.wait_for_query(opacity="0.95")
    menu = medical.page.get_by_role("navigation", name="App pages")
    menu.get_by_role("link", name="Medical images").click()  # the page that is there already: nothing is lost
    medical.page.wait_for_timeout(1000)
    assert (medical.query, medical.slider_value("opacity")) == (left, 0.95)
    menu.get_by_role("link", name="Models").click()
    expect(medical.page).to_have_url("/models")
    medical.page.go_back()
    medical.ready()
    assert (medical.query, medical.slider_value("opacity")) == (left, 0.95)
    menu.get_by_role("link", name="Models").click()
    expect(medical.page.get_by_role("heading", name="Models", level=1)).to_be_visible()
    menu.get_by_role("link", name="Medical images").click()  # from elsewhere, the entry begins anew
    expect(medical.frame.locator("#vt-opacity input[type=number]")).to_have_value("0.5")


@pytest.fixture
def framing(browser: Browser) -> Iterator[BrowserContext]:
    """A browser in which pages of other sites may frame what runs on this machine; the sites are made up."""
    flags = [*FLAGS, "--disable-features=LocalNetworkAccessChecks"]
    chromium = browser.browser_type.launch(executable_path=find_chromium(), args=flags)
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    chromium.close()


def test_the_hub_is_told_of_the_address_and_no_other_site(framing: BrowserContext, tmp_path: Path):
    server = start_server(tmp_path, VITRINE_FRAME_ANCESTORS=",".join(SITES))
    told: dict[str, list[dict[str, str]]] = {}
    try:
        for site in SITES:
            page = framing.new_page()
            body = f"{_NOTES}<iframe src='{server.url}/medical?opacity=0.2' width='1250' height='800'></iframe>"
            page.route(
                f"{site}/**", lambda route, _request, body=body: route.fulfill(content_type="text/html", body=body)
            )
            page.goto(f"{site}/spaces/someone/vitrine")
            frame = page.frame_locator("iframe").frame_locator("iframe[src*='/play/medical']")
            frame.locator("#vt-accept").click()
            box = frame.locator("#vt-opacity input[type=number]")
            expect(box).to_have_value("0.2")
            box.fill("0.8")
            box.press("Enter")
            expect(frame.locator("#vt-status")).to_contain_text("Preview")
            page.wait_for_timeout(1500)
            told[site] = [message for message in page.evaluate("window.told") if "queryString" in message]
    finally:
        server.stop()
    assert sorted(told[HUB][-1]) == ["hash", "queryString"]
    assert "opacity=0.8" in told[HUB][-1]["queryString"]
    assert told["https://elsewhere.test"] == []


def test_each_tab_has_an_address_of_its_own(browser: Browser, slow_server: Server, watch: Watch):
    for context in fresh(browser, slow_server, watch):
        page = Shell(context).open("/tiny").page
        frame = page.frame_locator("iframe[src*='/play/tiny']")
        gain = frame.locator("#vt-gain input[type=number]")
        gain.fill("2.5")
        gain.press("Enter")
        seed = frame.locator("#vt-seed input")
        frame.get_by_text("More settings").first.click()
        seed.fill("4")
        seed.press("Enter")
        expect(page).to_have_url(re.compile(r"/tiny\?gain=2\.5&seed=4$"))
        frame.get_by_role("tab", name="Slow").click()
        expect(page).to_have_url(re.compile(r"/tiny\?action=slow$"))
        seconds = frame.locator("#vt-seconds input[type=number]")
        seconds.fill("3.5")
        seconds.press("Enter")
        expect(page).to_have_url(re.compile(r"/tiny\?action=slow&seconds=3\.5$"))
        page.reload()
        watch.console.clear()  # a page that is left while it still hears from the server says so in its console
        expect(frame.get_by_role("tab", name="Slow")).to_have_attribute("aria-selected", "true")
        expect(frame.locator("#vt-seconds input[type=number]")).to_have_value("3.5")
        seconds.fill("99")
        seconds.press("Enter")
        expect(frame.locator(".vt-problem p:visible")).to_contain_text("Seconds must be from 0 to 60")
        page.wait_for_timeout(500)
        assert page.url.endswith("?action=slow&seconds=3.5")

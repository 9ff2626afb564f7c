"""A session presented: what fits, what moves, what stays, what is printed, and what a reader never sees."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from backends.core.digest import sha256
from tests.browser.conftest import Server, Watch, fresh
from tests.browser.pdf import pdf_pages
from tests.browser.presenting import LIVE, LONG, SPEAKER, TITLES, Made, Slides, make_session

pytestmark = pytest.mark.browser
SIZES = [(1280, 720), (1920, 1080), (1024, 768)]


@pytest.fixture(scope="module")
def made(browser: Browser, server: Server) -> Iterator[Made]:
    """A session that none of these tests changes; `owner` is who it belongs to."""
    context = browser.new_context(base_url=server.url)
    made = make_session(context)
    yield made
    context.close()


@pytest.fixture
def owner(visitor: BrowserContext, made: Made) -> BrowserContext:
    visitor.add_cookies(made.cookies)
    return visitor


@pytest.fixture
def phone(browser: Browser, server: Server, watch: Watch) -> Iterator[BrowserContext]:
    yield from fresh(browser, server, watch, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)


def test_every_slide_fits_without_a_scrollbar_at_every_size(owner: BrowserContext, made: Made) -> None:
    for size in SIZES:
        slides = Slides(owner, f"/present/{made.link}", size)
        for number in range(1, len(TITLES) + 1):
            slides.live() if number == LIVE + 2 else slides.go(number)
            expect(slides.title).to_have_text(TITLES[number - 1])
            assert slides.overflow() == [0, 0], (size, number)
            assert slides.outside() == [], (size, number)
        slides.live()
        assert slides.outside_live() == [], size
        slides.page.close()


def test_the_pictures_are_the_stored_ones_to_the_last_byte_and_not_squeezed(owner: BrowserContext, made: Made) -> None:
    slides = Slides(owner, f"/present/{made.link}")
    for index in (0, 2):
        slides.go(index + 2)
        assert set(slides.picture_digests()) == made.digests(index)
        for image in slides.now.locator(".vt-shot img").all():
            natural, shown = image.evaluate("e => [e.naturalWidth / e.naturalHeight, e.clientWidth / e.clientHeight]")
            assert natural == pytest.approx(shown, rel=0.01)
            assert image.evaluate("e => e.naturalWidth") > 100
            assert image.evaluate("e => e.clientWidth") > 300, "pictures are what a slide is for"


def test_keys_clicks_and_the_address_move_through_the_slides(owner: BrowserContext, made: Made) -> None:
    slides = Slides(owner, f"/present/{made.link}").live().go(1)  # a frame that is cut off while it loads complains
    page = slides.page
    assert slides.number == 1
    keys = ["ArrowRight", "Space", "ArrowLeft", "PageDown", "PageUp", "End", "Home", "ArrowDown", "ArrowUp", "End"]
    for key, number in zip(keys, [2, 3, 2, 3, 2, 4, 1, 2, 1, 4], strict=True):
        page.keyboard.press(key)
        assert slides.number == number, key
        expect(slides.title).to_have_text(TITLES[number - 1])
    page.keyboard.press("ArrowRight")
    assert slides.number == 4, "after the last there is no other"
    page.mouse.click(20, 360)
    assert slides.number == 3
    page.mouse.click(1265, 360)
    assert slides.number == 4
    page.mouse.click(640, 600)
    assert slides.number == 4, "a click in the middle is not a wish to move"
    page.get_by_role("button", name="Slide before").click()
    assert slides.number == 3
    expect(page.locator(".vt-told")).to_have_text(f"Slide 3 of 4: {TITLES[2]}")
    slides.go(2)
    page.reload()
    expect(slides.title).to_have_text(TITLES[1])
    assert slides.number == 2
    page.goto(f"/present/{made.link}#99")
    page.reload()
    expect(slides.title).to_have_text(TITLES[3])


def test_the_keys_are_listed_and_escape_closes_the_list(owner: BrowserContext, made: Made) -> None:
    slides = Slides(owner, f"/present/{made.link}")
    slides.page.keyboard.press("?")
    listed = slides.page.get_by_role("dialog", name="Keys")
    expect(listed).to_contain_text("Full screen")
    slides.page.keyboard.press("ArrowRight")
    assert slides.number == 1, "what is behind a dialog stays"
    slides.page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    for button in slides.page.locator(".vt-bar button, .vt-bar a").all():
        assert button.get_attribute("aria-label")


def test_the_bar_hides_while_nobody_moves(owner: BrowserContext, made: Made) -> None:
    slides = Slides(owner, f"/present/{made.link}")
    bar = slides.page.locator(".vt-bar")
    expect(bar).to_have_css("opacity", "0")
    slides.page.mouse.move(300, 300)
    expect(bar).to_have_css("opacity", "1")
    expect(bar).to_have_css("opacity", "0")
    slides.page.keyboard.press("Tab")
    slides.page.wait_for_timeout(3000)
    expect(bar).to_have_css("opacity", "1")  # who holds on to it with the keyboard keeps it


def test_a_moved_live_slider_changes_the_picture_and_stays_through_theme_and_slides(
    owner: BrowserContext, made: Made
) -> None:
    slides = Slides(owner, f"/present/{made.link}").live()
    page = slides.page
    before = slides.live_pictures()
    stored = {sha256(base64.b64decode(source.split(",", 1)[1])) for source in before}
    assert stored == made.digests(LIVE), "it opens on exactly what was saved"
    box = slides.frame.locator("#vt-opacity input[type=number]")
    box.fill("0.15")
    box.press("Enter")
    expect(slides.frame.locator("#vt-pictures img").last).not_to_have_attribute("src", before[1])
    moved = slides.live_pictures()
    page.frames[1].evaluate("window.stillHere = true")
    page.get_by_role("button", name="Light or dark").click()
    expect(slides.frame.locator("body.dark")).to_have_count(1)
    assert slides.number == LIVE + 2
    for key in ("PageDown", "PageUp", "PageUp", "PageDown"):
        page.keyboard.press(key)
    assert slides.number == LIVE + 2
    assert page.frames[1].evaluate("window.stillHere") is True
    assert slides.live_pictures() == moved
    assert box.input_value() == "0.15"
    page.keyboard.press("t")
    expect(slides.frame.locator("body.dark")).to_have_count(0)
    assert box.input_value() == "0.15"


def test_a_presenter_s_remote_moves_on_while_a_live_control_has_the_focus(owner: BrowserContext, made: Made) -> None:
    slides = Slides(owner, f"/present/{made.link}").live()
    slider = slides.frame.locator("#vt-opacity input[type=range]")
    slider.focus()
    before = slides.live_pictures()
    slider.press("ArrowRight")
    expect(slides.frame.locator("#vt-pictures img").last).not_to_have_attribute("src", before[1])
    assert slides.number == LIVE + 2, "an arrow moves the control"
    slider.press("PageDown")
    assert slides.number == LIVE + 3
    slides.page.keyboard.press("ArrowLeft")
    assert slides.number == LIVE + 2, "and the keys are the slides' again"


def test_the_speaker_window_moves_with_the_slides_and_they_with_it(owner: BrowserContext, made: Made) -> None:
    slides = Slides(owner, f"/present/{made.link}").go(2)
    with owner.expect_page() as opened:
        slides.page.keyboard.press("n")
    window = opened.value
    expect(window.locator(".vt-said-here")).to_contain_text(f"{SPEAKER} 0")
    expect(window.locator(".vt-now")).to_have_text(TITLES[1])
    expect(window.locator(".vt-then")).to_have_text(f"Next: {TITLES[2]}")
    slides.page.keyboard.press("ArrowRight")
    expect(window.locator(".vt-now")).to_have_text(TITLES[2])
    window.keyboard.press("End")
    expect(slides.title).to_have_text(TITLES[3])
    expect(window.locator(".vt-said-here")).to_contain_text(LONG.strip()[-60:])
    expect(window.locator(".vt-elapsed")).to_have_text(re.compile(r"0:0[1-9]|0:[1-5]\d|\d+:\d\d"))
    assert window.locator("iframe").count() == 0, "the live controls are in the audience's window"
    expect(slides.page.locator(".vt-speaker")).to_be_hidden()


def test_where_windows_are_blocked_the_notes_are_a_pane(owner: BrowserContext, made: Made) -> None:
    slides = Slides(owner, f"/present/{made.link}").go(2)
    slides.page.evaluate("window.open = () => null")
    slides.page.keyboard.press("n")
    pane = slides.page.locator(".vt-speaker")
    expect(pane).to_contain_text(f"{SPEAKER} 0")
    slides.page.keyboard.press("Escape")
    expect(pane).to_be_hidden()


def test_words_that_do_not_fit_are_cut_and_shown_whole_on_request(owner: BrowserContext, made: Made) -> None:
    slides = Slides(owner, f"/present/{made.link}").go(4)
    slides.now.get_by_role("button", name="More of: the note").click()
    whole = slides.page.get_by_role("dialog", name=TITLES[3])
    expect(whole).to_contain_text(LONG.strip())
    assert slides.overflow() == [0, 0]


def test_the_file_shows_the_same_pictures_with_no_network(
    browser: Browser, owner: BrowserContext, made: Made, tmp_path: Path
) -> None:
    answer = owner.request.get(f"/api/sessions/{made.link}/slides.html")
    assert "attachment" in answer.headers["content-disposition"]
    file = tmp_path / "slides.html"
    file.write_bytes(answer.body())
    offline = browser.new_context(offline=True, viewport={"width": 1280, "height": 720})
    asked, errors = [], []
    offline.on("request", lambda request: asked.append(request.url))
    offline.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    offline.on("weberror", lambda error: errors.append(str(error.error)))
    slides = Slides(offline, file.as_uri())
    for index in range(3):
        slides.go(index + 2)
        expect(slides.title).to_have_text(TITLES[index + 1])
        sources = slides.now.locator(".vt-shot img").evaluate_all("images => images.map((one) => one.src)")
        assert {sha256(base64.b64decode(source.split(",", 1)[1])) for source in sources} == made.digests(index)
        assert slides.now.locator(".vt-shot img").first.evaluate("e => e.naturalWidth") > 100
        assert slides.overflow() == [0, 0]
    expect(slides.go(LIVE + 2).now).to_contain_text("Open it with its controls")
    slides.page.keyboard.press("t")
    assert slides.number == LIVE + 2
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert errors == []
    pages = pdf_pages(slides.page.pdf(prefer_css_page_size=True, print_background=True))
    assert len(pages) == len(TITLES)
    offline.close()


@pytest.mark.parametrize("size", [(1280, 720), (1500, 700), (390, 844)])
def test_the_pdf_has_one_page_a_slide_with_its_title_as_text(owner: BrowserContext, made: Made, size) -> None:
    slides = Slides(owner, f"/present/{made.link}", size)
    slides.page.wait_for_load_state("networkidle")
    pages = pdf_pages(slides.page.pdf(prefer_css_page_size=True, print_background=True))
    assert [(page.width, page.height) for page in pages] == [(1280, 720)] * len(TITLES)
    for page, title in zip(pages, TITLES, strict=True):
        assert re.sub(r"\s", "", title) in page.text
        assert SPEAKER not in page.text
    assert "Notforclinicaluse." in pages[0].text
    expect(slides.title).to_have_text(TITLES[0])


def test_a_reader_sees_the_slides_but_no_word_of_the_speaker(
    owner: BrowserContext, other_visitor: BrowserContext, made: Made
) -> None:
    slides = Slides(other_visitor, f"/present/{made.link}").go(2)
    assert set(slides.picture_digests()) == made.digests(0)
    slides.page.keyboard.press("n")
    assert len(other_visitor.pages) == 1
    own = Slides(owner, f"/present/{made.link}")
    assert SPEAKER in own.page.content()
    files = [other_visitor.request.get(f"/api/sessions/{made.link}/slides.html?speaker={asked}") for asked in (0, 1)]
    for text in (slides.page.content(), *(file.text() for file in files)):
        assert TITLES[1] in text
        assert SPEAKER not in text
    assert SPEAKER in owner.request.get(f"/api/sessions/{made.id}/slides.html?speaker=1").text()
    assert SPEAKER not in owner.request.get(f"/api/sessions/{made.id}/slides.html").text()


def test_a_withdrawn_link_says_so_and_leads_back(
    owner: BrowserContext, other_visitor: BrowserContext, made: Made, watch: Watch
) -> None:
    link = owner.request.post(f"/api/sessions/{made.id}/links", data={}).json()["id"]
    Slides(other_visitor, f"/present/{link}").page.close()
    assert owner.request.delete(f"/api/sessions/{made.id}/links/{link}").ok
    page = other_visitor.new_page()
    answer = page.goto(f"/present/{link}")
    assert answer
    assert answer.status == 410
    expect(page.locator("h1")).to_have_text(re.compile("withdrawn|withdrew", re.I))
    assert page.locator("img, .vt-slide").count() == 0
    expect(page.get_by_role("link", name="To your sessions")).to_have_attribute("href", "/sessions")
    watch.console[:] = [text for text in watch.console if "410" not in text]  # Chromium tells the status of the page


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_slide_has_a_serious_accessibility_violation(owner: BrowserContext, made: Made, theme: str) -> None:
    slides = Slides(owner, f"/present/{made.link}")
    slides.page.emulate_media(color_scheme=theme)
    slides.page.reload()
    assert slides.page.evaluate("document.documentElement.style.colorScheme") == theme
    for number in (1, 2, 4):
        slides.go(number)
        slides.page.mouse.move(300 + number, 300)
        assert slides.serious() == [], number
    slides.live()
    assert slides.serious() == []
    slides.page.keyboard.press("Escape")
    slides.go(1).page.keyboard.press("?")
    assert slides.serious() == []


def test_on_a_phone_a_slide_scrolls_down_but_never_sideways_and_a_swipe_moves_on(
    phone: BrowserContext, made: Made
) -> None:
    slides = Slides(phone, f"/present/{made.link}", (390, 844))
    for number in range(1, 5):
        slides.go(number)
        assert slides.overflow()[0] <= 0, number
        expect(slides.title).to_be_visible()
    slides.go(2)
    slides.swipe(330, 80)
    expect(slides.title).to_have_text(TITLES[2])

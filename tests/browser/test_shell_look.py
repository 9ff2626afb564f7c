"""The shell's look in a real browser: the theme that was chosen holds everywhere, and no framework shows itself."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from components.theme import tokens
from tests.browser.pages import Shell

pytestmark = pytest.mark.browser


def opened(context: BrowserContext, address: str = "/") -> Page:
    """A page whose title stands."""
    page = Shell(context).open(address).page
    expect(page.locator(":is(.vt-hero, .vt-page) h1")).to_be_visible()
    return page


def ground(page: Page) -> str:
    """What the page is painted on, as #rrggbb."""
    colour = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", str(colour))[:3])


def test_a_chosen_theme_holds_on_pages_opened_by_their_address(visitor: BrowserContext):
    first = opened(visitor)
    first.get_by_role("radio", name="Dark theme").check(force=True)
    expect(first.locator("html")).to_have_css("color-scheme", "dark")
    for address in ("/models", "/sessions", "/runs"):
        page = opened(visitor, address)
        expect(page.get_by_role("radio", name="Dark theme")).to_be_checked()
        assert ground(page) == tokens.DARK.ground


def test_the_system_theme_is_followed_while_nothing_is_chosen(visitor: BrowserContext):
    page = Shell(visitor).page
    page.emulate_media(color_scheme="dark")
    page.goto("/models")
    expect(page.locator(".vt-page h1")).to_be_visible()
    assert ground(page) == tokens.DARK.ground
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_css("color-scheme", "light")
    assert ground(page) == tokens.LIGHT.ground


def test_no_framework_shows_itself(visitor: BrowserContext):
    page = opened(visitor)
    assert "Vitrine" in page.title()
    assert not re.search(r"Deploy|Streamlit|Gradio", page.locator("body").inner_text())
    family = page.evaluate("getComputedStyle(document.querySelector('.vt-hero h1')).fontFamily")
    assert str(family).startswith(tokens.FONT_FAMILY)
    loaded = page.evaluate("[...document.fonts].filter((font) => font.status === 'loaded').map((font) => font.family)")
    assert tokens.FONT_FAMILY in str(loaded)
    assert "Source" not in str(loaded)


def test_the_keyboard_reaches_every_page_and_the_theme(visitor: BrowserContext):
    page = opened(visitor)
    for late in ("Keyboard shortcuts", "System theme"):  # they come after the title, and Tab does not wait for them
        expect(page.get_by_label(late).first).to_be_attached()
    names = set()
    for _ in range(16):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText.trim()"
        )
        names.add(str(focused))
    assert {"Home", "Runs", "Sessions", "Models", "Reference", "Keyboard shortcuts", "System theme"} <= names
    page.get_by_role("radio", name="System theme").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Light theme")).to_be_checked()

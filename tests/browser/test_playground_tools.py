"""What stands under and beside a result: save where one wants, reproduce, put aside for comparing, the keys."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.pages import Medical
from tests.browser.test_medical_page import picture

pytestmark = pytest.mark.browser


def sessions(context: BrowserContext) -> dict[str, int]:
    """Title -> how many results, of the visitor's sessions."""
    return {item["title"]: len(item["runs"]) for item in context.request.get("/api/sessions").json()}


def choose(medical: Medical, title: str | re.Pattern[str]) -> None:
    """Choose where to save to."""
    medical.frame.locator("#vt-save-to input").click()
    medical.frame.get_by_role("option", name=title).click()


def test_results_go_where_the_menu_says_and_the_page_says_so(visitor: BrowserContext):
    visitor.grant_permissions(["clipboard-read", "clipboard-write"])
    assert visitor.request.post("/api/sessions", data={"title": "Lesson one"}).ok
    medical = Medical(visitor).accept()
    choose(medical, "Lesson one")
    link = medical.save()
    expect(medical.frame.get_by_text("Saved in Lesson one.")).to_be_visible()  # the toast
    medical.change(lambda: medical.set_number("opacity", "0.9"))
    medical.frame.locator("#vt-save").click()
    expect(medical.frame.locator("#vt-link")).to_contain_text("(2 results)")
    assert sessions(visitor) == {"Lesson one": 2}
    choose(medical, "New session")
    medical.frame.locator("#vt-save").click()
    expect(medical.frame.locator("#vt-link")).to_contain_text("(1 result)")
    assert sorted(sessions(visitor).values()) == [1, 2]

    copy = medical.frame.get_by_role("button", name="Copy link")
    copy.click()
    expect(medical.frame.get_by_role("button", name="Copied")).to_be_visible()
    copied = str(medical.page.evaluate("navigator.clipboard.readText()"))
    assert copied != link
    assert Medical(visitor, copied).ready().slider_value("opacity") == 0.9
    medical.frame.get_by_role("link", name="Open session").click()
    expect(medical.page).to_have_url(re.compile(r"/sessions\?session="))


def test_a_session_deleted_meanwhile_is_no_obstacle(visitor: BrowserContext):
    made = visitor.request.post("/api/sessions", data={"title": "Short lived"}).json()
    medical = Medical(visitor).accept()
    choose(medical, "Short lived")
    assert visitor.request.delete(f"/api/sessions/{made['id']}").ok
    medical.save()
    assert list(sessions(visitor).values()) == [1]
    assert "Short lived" not in sessions(visitor)


def test_a_result_is_reproduced_bit_for_bit_also_by_who_was_given_the_link(
    visitor: BrowserContext, other_visitor: BrowserContext
):
    medical = Medical(visitor).accept()
    expect(medical.frame.locator("#vt-reproduce")).to_be_disabled()
    medical.change(lambda: medical.upload(picture(seed=41)[1]))
    link = medical.save()
    pictures = medical.picture_bytes()
    medical.change(lambda: medical.set_number("opacity", "0.1"))  # away from what was recorded
    medical.frame.locator("#vt-reproduce").click()
    expect(medical.frame.locator("#vt-verdict")).to_contain_text("Reproduced bit for bit")
    assert medical.picture_bytes() == pictures
    assert medical.slider_value("opacity") == 0.5
    digests = [run["experiment_digest"] for run in visitor.request.get("/api/runs").json()]
    assert len(digests) == 2
    assert len(set(digests)) == 1  # computed twice, not taken from the cache

    other = Medical(other_visitor, link).accept()
    other.frame.locator("#vt-reproduce").click()
    expect(other.frame.locator("#vt-verdict")).to_contain_text("Reproduced bit for bit")
    expect(other.frame.locator("#vt-banner")).to_contain_text("Exactly as computed")
    assert other.picture_bytes() == pictures
    other.save()
    assert list(sessions(other_visitor).values()) == [1]
    assert list(sessions(visitor).values()) == [1]


def test_two_results_are_put_aside_survive_a_reload_and_open_side_by_side(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    tray = medical.frame.locator(".vt-tray")
    expect(tray).to_be_hidden()
    medical.frame.locator("#vt-add").click()
    expect(tray).to_contain_text("1 result chosen")
    medical.change(lambda: medical.set_number("opacity", "0.9"))
    medical.frame.locator("#vt-add").click()
    expect(tray).to_contain_text("2 results chosen")
    medical.page.reload()
    medical.ready()
    expect(tray).to_contain_text("2 results chosen")
    compare = medical.frame.get_by_role("link", name="Compare")
    runs = str(compare.get_attribute("href")).split("runs=")[1].split(",")
    assert set(runs) == {run["id"] for run in visitor.request.get("/api/runs").json()}
    compare.click()
    expect(medical.page).to_have_url(re.compile("/compare"))
    medical.page.go_back()
    medical.ready()
    medical.frame.get_by_role("button", name="Clear", exact=True).click()
    expect(tray).to_be_hidden()


def test_a_fifth_result_is_refused_with_a_sentence(visitor: BrowserContext):
    medical = Medical(visitor).accept()
    tray = medical.frame.locator(".vt-tray")
    for number in range(1, 6):
        medical.change(lambda number=number: medical.set_number("opacity", f"0.{number}"))
        medical.frame.locator("#vt-add").click()
        expect(tray).to_contain_text(f"{min(number, 4)} result")
    expect(medical.frame.locator(".vt-toast")).to_contain_text("Four results can be compared at a time")
    expect(tray).to_contain_text("4 results chosen")


def test_the_keys_are_listed_and_each_does_what_the_list_says(visitor: BrowserContext):
    visitor.grant_permissions(["clipboard-read", "clipboard-write"])
    medical = Medical(visitor).accept()
    page, dialog = medical.page, medical.frame.get_by_role("dialog")
    medical.frame.locator("#vt-run").focus()
    page.keyboard.press("?")
    expect(dialog).to_be_visible()
    expect(dialog).to_have_accessible_name("Keyboard shortcuts")
    expect(dialog.locator("kbd")).to_have_text(["Ctrl", "Enter", "Esc", "S", "C", "?"])
    for _ in range(3):
        page.keyboard.press("Tab")
        assert dialog.evaluate("box => box.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    medical.frame.locator("#vt-run").focus()
    page.keyboard.press("c")
    expect(medical.frame.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    medical.frame.locator("#vt-opacity input[type=number]").focus()
    page.keyboard.press("s")  # a letter in a field is a letter
    page.wait_for_timeout(600)
    assert sessions(visitor) == {}
    medical.frame.locator("#vt-run").focus()
    page.keyboard.press("s")
    link = medical.frame.locator("#vt-link input")
    expect(link).to_be_visible()
    page.keyboard.press("c")
    for _ in range(100):
        if page.evaluate("navigator.clipboard.readText()") == link.input_value():
            break
        page.wait_for_timeout(50)
    assert page.evaluate("navigator.clipboard.readText()") == link.input_value()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_tools_fit_and_are_named(visitor: BrowserContext, scheme: str, width: int):
    page = visitor.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"/play/medical/?__theme={scheme}")
    page.locator("#vt-accept").click()
    expect(page.locator(".vt-headline")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for name in ("Run", "Stop", "Save", "Reproduce", "Add to comparison", "Copy address", "Keys"):
        expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    expect(page.get_by_label("Save to")).to_be_visible()

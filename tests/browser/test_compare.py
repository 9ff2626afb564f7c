"""Comparing runs in a browser: what is listed, what the pictures do together, and whether the numbers are right."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image as Pillow
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from backends.core.encoding import from_png
from backends.medical.playground import PLAYGROUND
from components.results_html import number_text
from tests.browser.accessibility import serious
from tests.browser.conftest import Server, Watch, fresh
from tests.browser.pages import Shell

pytestmark = pytest.mark.browser
CLASSIFY = "medical/classify"
FIRST_RUN_MS = 90_000  # it imports torch and loads the model
PIXEL = """(canvas, at) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [...data.slice(4 * at, 4 * at + 3)];
}"""


@pytest.fixture
def phone(browser: Browser, server: Server, watch: Watch) -> Iterator[BrowserContext]:
    yield from fresh(browser, server, watch, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)


def bring(context: BrowserContext, data: bytes) -> dict[str, object]:
    """Give a picture; the settings that suit it."""
    kind = {"content-type": "application/octet-stream"}
    address = f"/api/inputs?action={CLASSIFY}&parameter=image"
    answer = context.request.post(address, data=data, headers=kind)
    assert answer.ok, answer.text()
    told = answer.json()
    return {"image": told["digest"], **{name: hint["value"] for name, hint in told["suggestions"].items()}}


def run(context: BrowserContext, settings: dict[str, object]) -> dict:
    """A finished run."""
    body = json.dumps({"parameters": settings})
    kind = {"content-type": "application/json"}
    address = f"/api/actions/{CLASSIFY}?wait=60"
    answer = context.request.post(address, data=body, headers=kind, timeout=FIRST_RUN_MS)
    assert answer.ok, answer.text()
    assert answer.json()["state"] == "done", answer.json()["error"]
    return answer.json()


def example(context: BrowserContext, index: int = 0) -> dict[str, object]:
    """The settings of an example."""
    chosen = PLAYGROUND.examples()[index]
    return {**bring(context, chosen.read()), **chosen.values}


def two(context: BrowserContext, **change: object) -> list[dict]:
    """Two runs of the first example that differ in one setting."""
    settings = example(context)
    return [run(context, settings), run(context, {**settings, **(change or {"width": 150})})]


def output(context: BrowserContext, made: dict, name: str) -> bytes:
    return context.request.get(f"/api/runs/{made['id']}/outputs/{name}").body()


def compared(context: BrowserContext, runs: list[dict], more: str = "") -> Page:
    page = Shell(context).open(f"/compare?runs={','.join(made['id'] for made in runs)}{more}").page
    expect(page.locator("h1")).to_contain_text("Compare")
    return page


def pictures(page: Page, name: str) -> Locator:
    """The place of one picture."""
    place = page.locator(f".st-key-vt-card-compare-{name} .vt-cmp")
    expect(place.locator(".vt-cmp-view").first).to_be_visible()
    return place


def look(place: Locator, view: str) -> None:
    place.get_by_role("radio", name=view).check(force=True)


def transforms(place: Locator) -> list[str]:
    return place.locator(".vt-cmp-layer").evaluate_all("all => all.map((one) => getComputedStyle(one).transform)")


def test_only_the_setting_that_differs_is_listed_with_both_values(visitor: BrowserContext):
    page = compared(visitor, two(visitor))
    rows = page.get_by_role("region", name="Settings that differ").locator("tbody tr")
    expect(rows).to_have_count(1)
    assert rows.first.locator("th, td").all_inner_texts() == ["Window width", "256", "150"]
    equal = page.locator(".vt-fold")
    equal.locator("summary").click()
    expect(equal).to_contain_text("Window centre")
    expect(equal.locator("dt", has_text="Window width")).to_have_count(0)


def test_the_changes_of_the_probabilities_are_right(visitor: BrowserContext):
    runs = two(visitor)
    page = compared(visitor, runs)
    tables = [dict(json.loads(output(visitor, made, "probabilities"))["rows"]) for made in runs]
    shown = page.get_by_role("region", name="Probabilities").locator("tbody tr")
    expect(shown).to_have_count(len(tables[0]))
    for row in shown.all():
        name = row.locator("th").inner_text()
        assert row.locator(".vt-share span:last-of-type").all_inner_texts() == [
            number_text(one[name]) for one in tables
        ]
        absolute, relative = tables[1][name] - tables[0][name], 100 * (tables[1][name] / tables[0][name] - 1)
        told = re.findall(r"[+\u2212]?[\d.]+(?:e[+\u2212]?\d+)?", row.locator("em").inner_text())
        values = [float(one.replace("\u2212", "-")) for one in told]
        assert values == [pytest.approx(absolute, rel=1e-3), pytest.approx(relative, rel=1e-3)]


@pytest.mark.parametrize("name", ["view", "overlay"])
def test_the_difference_view_has_numpys_numbers(visitor: BrowserContext, name: str):
    runs = two(visitor)
    place = pictures(compared(visitor, runs), name)
    look(place, "Difference")
    said = place.locator(".vt-cmp-said")
    expect(said).to_contain_text("grey level")
    pixels = [from_png(output(visitor, made, name)).astype(int) for made in runs]
    gaps = np.abs(pixels[0] - pixels[1]).reshape(*pixels[0].shape[:2], -1).max(axis=2)
    found = said.evaluate("one => ({ ...one.dataset })")
    assert float(found["most"]) == gaps.max() > 0
    assert float(found["mean"]) == pytest.approx(gaps.mean())
    assert float(found["share"]) == pytest.approx((gaps > 0).mean())
    expect(said).to_contain_text(f"at most {gaps.max()} grey levels")
    canvas = place.locator("canvas")
    assert canvas.evaluate(PIXEL, int(gaps.argmax())) == [0xFC, 0xFD, 0xBF]  # the end of magma
    assert canvas.evaluate("c => [c.width, c.height]") == [gaps.shape[1], gaps.shape[0]]


def test_equal_pictures_are_identical_to_the_last_pixel(visitor: BrowserContext):
    runs = two(visitor, opacity=0.9)
    place = pictures(compared(visitor, runs), "view")
    look(place, "Difference")
    expect(place.locator(".vt-cmp-said")).to_have_text("Run A and run B are identical to the last pixel.")


def test_a_replay_is_compared_as_identical(visitor: BrowserContext):
    made = run(visitor, example(visitor))
    again = visitor.request.post(f"/api/runs/{made['id']}/replay?wait=60").json()
    assert again["verdict"]["sentence"] == "Reproduced bit for bit."
    page = compared(visitor, [made, again["run"]])
    expect(page.locator(".vt-lead")).to_have_text("All results are identical, to the last byte.")
    expect(page.get_by_role("region", name="Settings that differ")).to_contain_text("No setting differs")


def test_zoom_and_pan_of_one_picture_move_the_others_equally(visitor: BrowserContext):
    page = compared(visitor, [*two(visitor), run(visitor, {**example(visitor), "width": 90})])
    place = pictures(page, "overlay")
    views = place.locator(".vt-cmp-view")
    expect(views).to_have_count(3)
    expect(place.locator("output")).to_have_text("100 %")
    views.first.scroll_into_view_if_needed()
    box = views.first.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.mouse.wheel(0, -200)
    page.wait_for_timeout(200)
    expect(place.locator("output")).to_have_text("100 %")  # the page scrolls until a picture is clicked
    box = views.first.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    page.mouse.wheel(0, -120)
    page.mouse.wheel(0, -120)
    expect(place.locator("output")).not_to_have_text("100 %")
    zoomed = transforms(place)
    assert len(set(zoomed)) == 1
    scale, _, _, _, x, y = (
        float(part) for part in re.findall(r"-?[\d.]+(?:e-?\d+)?", zoomed[0].removeprefix("matrix"))
    )
    assert scale > 1.3
    assert x == pytest.approx(box["width"] / 4 * (1 - scale), abs=1)  # what is under the pointer stays there
    assert y == pytest.approx(box["height"] / 4 * (1 - scale), abs=1)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4 - 30, box["y"] + box["height"] / 4 - 20, steps=3)
    page.mouse.up()
    moved = transforms(place)
    assert len(set(moved)) == 1
    told = [float(part) for part in re.findall(r"-?[\d.]+", moved[0])]
    assert told[4:] == [pytest.approx(x - 30, abs=1), pytest.approx(y - 20, abs=1)]
    views.nth(1).focus()
    for key in ("+", "ArrowRight", "ArrowDown", "-", "-"):
        page.keyboard.press(key)
        assert len(set(transforms(place))) == 1
    page.keyboard.press("0")
    expect(place.locator("output")).to_have_text("100 %")
    assert set(transforms(place)) == {"matrix(1, 0, 0, 1, 0, 0)"}
    place.get_by_role("button", name="Zoom in").click()
    expect(place.locator("output")).to_have_text("150 %")
    place.get_by_role("button", name="Reset").click()
    expect(place.locator("output")).to_have_text("100 %")


def test_view_and_zoom_survive_the_theme_and_a_reload(visitor: BrowserContext):
    page = compared(visitor, two(visitor))
    place = pictures(page, "view")
    look(place, "Swipe")
    place.get_by_role("button", name="Zoom in").click()
    place.evaluate("one => { one.dataset.still = 'here' }")
    page.get_by_role("radio", name="Dark theme").check(force=True)
    page.wait_for_timeout(500)
    assert place.get_attribute("data-still") == "here"
    expect(place.locator("output")).to_have_text("150 %")
    expect(place.get_by_role("radio", name="Swipe")).to_be_checked()
    page.reload()
    place = pictures(page, "view")
    expect(place.get_by_role("radio", name="Swipe")).to_be_checked()
    expect(place.locator("output")).to_have_text("150 %")


def test_the_divider_is_a_slider_for_pointer_and_keyboard(visitor: BrowserContext):
    page = compared(visitor, two(visitor))
    place = pictures(page, "view")
    look(place, "Swipe")
    slider = place.get_by_role("slider", name="Divider between run A and run B")
    expect(slider).to_have_attribute("aria-valuenow", "50")
    slider.focus()
    for key, value in (("ArrowRight", "51"), ("PageUp", "61"), ("Home", "0"), ("End", "100"), ("ArrowLeft", "99")):
        page.keyboard.press(key)
        expect(slider).to_have_attribute("aria-valuenow", value)
    box = place.locator(".vt-cmp-view").bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.99 * box["width"], box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 60, steps=5)
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "25")
    assert place.locator(".vt-cmp-over").evaluate("one => getComputedStyle(one).clipPath").endswith("25%)")
    sources = place.locator(".vt-cmp-layer img").evaluate_all("all => all.map((one) => one.getAttribute('src'))")
    assert len(set(sources)) == 2


def test_of_three_runs_any_two_are_swiped(visitor: BrowserContext):
    settings = example(visitor)
    runs = [run(visitor, {**settings, "width": width}) for width in (256, 150, 90)]
    place = pictures(compared(visitor, runs), "view")
    look(place, "Difference")
    expect(place.locator(".vt-cmp-said")).to_contain_text("Run A and run B")
    place.get_by_label("Left").select_option("C")
    expect(place.locator(".vt-cmp-said")).to_contain_text("Run C and run B")
    place.get_by_label("Left").select_option("B")
    expect(place.locator(".vt-cmp-said")).to_contain_text("Run B and run C")
    pixels = [from_png(output(visitor, runs[at], "view")).astype(int) for at in (1, 2)]
    expect(place.locator(".vt-cmp-said")).to_contain_text(f"at most {np.abs(pixels[0] - pixels[1]).max()} grey levels")


def test_texts_have_a_diff_that_leads_from_one_to_the_other(visitor: BrowserContext):
    runs = [run(visitor, example(visitor, index)) for index in (0, 1)]
    texts = [output(visitor, made, "answer").decode() for made in runs]
    assert texts[0] != texts[1]
    page = compared(visitor, runs)
    diff = page.locator(".st-key-vt-card-compare-answer .vt-diff")
    read = """(one, drop) => { const copy = one.cloneNode(true);
      copy.querySelectorAll(`${drop}, .vt-unseen`).forEach((part) => part.remove()); return copy.textContent }"""
    assert [diff.evaluate(read, drop) for drop in ("ins", "del")] == texts
    assert diff.locator("ins, del").count() > 0
    looks = diff.locator("del").first.evaluate("one => getComputedStyle(one).textDecorationLine")
    assert looks == "line-through"
    row = page.get_by_role("region", name="Settings that differ").locator("tr", has_text="Picture")
    expect(row.locator("img")).to_have_count(2)
    assert all(one.evaluate("e => e.complete && e.naturalWidth > 10") for one in row.locator("img").all())


def test_pictures_of_different_sizes_stand_side_by_side_only(visitor: BrowserContext):
    runs = []
    for size in (200, 240):
        buffer = io.BytesIO()
        Pillow.fromarray(np.random.default_rng(1).integers(0, 255, (size, size), dtype=np.uint8)).save(buffer, "PNG")
        runs.append(run(visitor, bring(visitor, buffer.getvalue())))
    heights = [len(from_png(output(visitor, made, "view"))) for made in runs]
    assert heights[0] != heights[1]
    place = pictures(compared(visitor, runs), "view")
    expect(place.locator(".vt-cmp-said")).to_contain_text("different sizes")
    for name in ("Swipe", "Difference"):
        expect(place.get_by_role("radio", name=name)).to_be_disabled()
    expect(place.locator("figcaption").first).to_contain_text(f"{heights[0]} x {heights[0]} pixels")


def test_a_reader_compares_by_the_sharing_link(visitor: BrowserContext, other_visitor: BrowserContext):
    runs = two(visitor)
    session = visitor.request.post("/api/sessions", data={"title": "Shared"}).json()
    for made in runs:
        assert visitor.request.post(f"/api/sessions/{session['id']}/runs", data={"run_id": made["id"]}).ok
    page = Shell(other_visitor).open(f"/compare?runs={runs[0]['id']},{runs[1]['id']}").page
    expect(page.get_by_role("alert")).to_contain_text("Run A is not there.")
    page = compared(other_visitor, runs, f"&session={session['link']}")
    place = pictures(page, "view")
    drawn = page.locator(".vt-cmp img")
    for shown in (expect(drawn.nth(number)) for number in range(drawn.count())):
        shown.to_have_js_property("complete", True)
    assert all(width > 10 for width in drawn.evaluate_all("all => all.map((one) => one.naturalWidth)"))
    look(place, "Difference")
    expect(place.locator(".vt-cmp-said")).to_contain_text("grey level")
    page.get_by_role("link", name="Open in the playground").first.click()
    expect(page).to_have_url(re.compile(rf"/medical\?session={session['link']}&run={runs[0]['id']}"))


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ("one", "Two to four runs can be compared."),
        ("a,b,c,d,e", "Two to four runs can be compared."),
        ("AAAAAAAAAAAAAAAAAAAAAA,BBBBBBBBBBBBBBBBBBBBBB", "Run A is not there."),
        ("x,x", "A run cannot be compared with itself."),
    ],
)
def test_wrong_ids_are_told_in_a_sentence(visitor: BrowserContext, runs: str, said: str):
    page = Shell(visitor).open(f"/compare?runs={runs}").page
    expect(page.get_by_role("alert")).to_contain_text(said)
    expect(page.locator("[data-testid=stMain]")).to_contain_text("Nothing to compare yet")


def test_runs_are_chosen_by_ticking_them(visitor: BrowserContext):
    runs = two(visitor)
    page = Shell(visitor).open("/compare").page
    for width in ("256", "150"):
        page.locator("label", has=page.get_by_role("checkbox", name=re.compile(f"Window width {width}"))).click()
    page.get_by_role("button", name=re.compile(r"Compare \(2\)")).click()
    expect(page.locator("h1")).to_have_text("Compare: Classify and explain")
    expect(page).to_have_url(re.compile(r"runs="))
    assert all(made["id"] in page.url for made in runs)


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_a_comparison_has_no_serious_accessibility_violation(visitor: BrowserContext, theme: str):
    page = compared(visitor, [*two(visitor), run(visitor, example(visitor, 1))])
    page.get_by_role("radio", name=f"{theme} theme").check(force=True)
    look(pictures(page, "view"), "Swipe")
    look(pictures(page, "overlay"), "Difference")
    page.wait_for_timeout(600)
    assert serious(page) == []


def test_on_a_phone_nothing_sticks_out_and_pinching_zooms_all(phone: BrowserContext):
    page = compared(phone, two(phone))
    place = pictures(page, "view")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [one.bounding_box() for one in place.locator(".vt-cmp-view").all()]
    assert tops[0]
    assert tops[1]
    assert tops[1]["y"] >= tops[0]["y"] + tops[0]["height"]  # one under the other
    place.locator(".vt-cmp-view").first.scroll_into_view_if_needed()
    box = place.locator(".vt-cmp-view").first.bounding_box()
    assert box
    middle = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    touch = phone.new_cdp_session(page)

    def fingers(apart: int) -> list[dict[str, float]]:
        return [{**middle, "x": middle["x"] + side * apart, "id": at} for at, side in enumerate((-1, 1))]

    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": fingers(20)})
    for apart in (25, 35, 50, 60):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": fingers(apart)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(place.locator("output")).to_have_text(re.compile(r"^(2\d\d|3\d\d) %$"))
    assert len(set(transforms(place))) == 1

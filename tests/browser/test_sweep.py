"""A sweep as a person does it: lists in, a grid that grows, its best cell, one cell in full, saved and opened again."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page, expect

from tests.browser.conftest import Server, Watch, fresh
from tests.browser.pages import Medical

pytestmark = pytest.mark.browser


class SweepSection:
    """The folded section under a result."""

    def __init__(self, frame: Page | FrameLocator) -> None:
        self.frame = frame
        self.box: Locator = self.frame.locator("#vt-sweep")
        self.status: Locator = self.frame.locator("#vt-sweep-status")
        self.cells: Locator = self.frame.locator("#vt-sweep-grid [data-cell]")

    def unfold(self) -> SweepSection:
        """Open it, as long as it is folded."""
        self.box.locator("button").first.click()
        expect(self.frame.locator("#vt-sweep-run")).to_be_visible()
        return self

    def values(self, axis: str) -> Locator:
        """The list of an axis."""
        return self.frame.locator(f"#vt-sweep-{axis}-values :is(input, textarea)")

    def choose(self, menu: str, option: str) -> None:
        """Choose in one of the menus, and wait for what it fills in."""
        self.frame.locator(f"#vt-sweep-{menu} input").click()
        self.frame.get_by_role("option", name=option, exact=True).click()
        expect(self.frame.locator(f"#vt-sweep-{menu} input")).to_have_value(option)

    def axes(self, x: str, y: str = "") -> None:
        """Window centre over `x`, overlay threshold over `y`."""
        if y:
            self.choose("y", "Overlay threshold")
            expect(self.values("y")).to_have_value("0..1:5")
            self.values("y").fill(y)
        self.values("x").fill(x)

    def run(self) -> SweepSection:
        """Press Run sweep and wait for the end."""
        self.frame.locator("#vt-sweep-run").click()
        expect(self.status).to_contain_text(re.compile("Done|Known"), timeout=60_000)
        return self

    def numbers(self) -> dict[str, float]:
        """Cell -> the number shown in it."""
        return {
            str(cell.get_attribute("data-cell")): float(cell.locator(".vt-cell-number b").inner_text())
            for cell in self.cells.all()
        }

    def html(self) -> str:
        """The table as it stands, without what marks the cell that was pressed."""
        inner = self.frame.locator("#vt-sweep-grid table").evaluate("table => table.outerHTML")
        return str(inner).replace(' aria-current="true"', "")

    def best(self) -> list[str]:
        """The cells that are marked as best."""
        return [
            str(cell.get_attribute("data-cell"))
            for cell in self.frame.locator(".vt-cell-best [data-cell]").all()
            if "Best" in cell.inner_text()
        ]


def pixels(address: str | None) -> np.ndarray:
    """A picture's data address as grey values (H, W)."""
    data = base64.b64decode(str(address).split(",", 1)[1])
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"), np.float64)


class MedicalSweep(SweepSection):
    """The section of the medical viewer."""

    def __init__(self, medical: Medical) -> None:
        super().__init__(medical.frame)
        self.medical = medical

    def unfold(self) -> MedicalSweep:
        """Open it and wait until its lists fit the picture and its number is chosen."""
        super().unfold()
        expect(self.frame.locator("#vt-sweep-judge input")).to_have_value("Probability of pneumonia")
        return self


@pytest.fixture
def sweeping(visitor: BrowserContext) -> MedicalSweep:
    return MedicalSweep(Medical(visitor).accept()).unfold()


@pytest.fixture
def slow_visitor(browser: Browser, slow_server: Server, watch: Watch) -> Iterator[BrowserContext]:
    yield from fresh(browser, slow_server, watch)


@pytest.fixture
def phone(browser: Browser, server: Server, watch: Watch) -> Iterator[BrowserContext]:
    yield from fresh(browser, server, watch, viewport={"width": 390, "height": 844}, has_touch=True)


def test_a_sweep_from_its_lists_to_its_link(
    sweeping: MedicalSweep, visitor: BrowserContext, other_visitor: BrowserContext
):
    sweeping.axes("60, 100, 140", "0.2, 0.7")
    sweeping.run()
    expect(sweeping.cells).to_have_count(6)
    headers = sweeping.frame.locator("#vt-sweep-grid th[scope]").all_inner_texts()
    assert headers == ["Window centre", "60", "100", "140", "0.2", "0.7"]

    numbers = sweeping.numbers()
    assert [numbers[place] for place in sweeping.best()] == [max(numbers.values())]
    sweeping.choose("goal", "the smallest")
    expect(sweeping.frame.locator(".vt-grid-best")).to_contain_text("has the smallest")
    assert [numbers[place] for place in sweeping.best()] == [min(numbers.values())]
    assert sweeping.numbers() == numbers

    sweeping.choose("show", "Where it looked")
    thumb = sweeping.cells.nth(5).locator("img")
    expect(thumb).to_have_attribute("src", re.compile("^data:image/"))
    sweeping.medical.change(lambda: sweeping.cells.nth(5).press("Enter"))
    assert sweeping.medical.slider_value("centre") == 140
    expect(sweeping.medical.status).to_contain_text("Window centre 140, Overlay threshold 0.7")
    full, small = sweeping.medical.picture_bytes()[1], thumb.get_attribute("src")
    shrunk = Image.fromarray(pixels(full).astype(np.uint8)).resize(pixels(small).shape[::-1])
    assert np.abs(np.asarray(shrunk, np.float64) - pixels(small)).mean() < 4
    shown, answer = sweeping.medical.picture_bytes(), sweeping.medical.bars()
    sweeping.medical.run()
    assert sweeping.medical.picture_bytes() == shown, "the cell is what a run by itself gives"
    assert sweeping.medical.bars() == answer

    sweeping.choose("goal", "the largest")
    before = sweeping.html()
    sweeping.frame.locator("#vt-sweep-save").click()
    link = sweeping.frame.locator(".vt-link input")
    expect(link).to_have_value(re.compile("session="))
    address = str(link.input_value())
    opened = Medical(other_visitor, address)
    opened.frame.locator("#vt-accept").click()
    again = MedicalSweep(opened)
    expect(again.cells).to_have_count(6)
    again.choose("show", "Where it looked")
    expect(again.cells.nth(5).locator("img")).to_have_attribute("src", str(small))
    assert again.html() == before
    assert again.values("x").input_value() == "60, 100, 140"
    opened.change(lambda: again.cells.nth(5).click())
    assert opened.picture_bytes() == shown


def counting(context: BrowserContext) -> SweepSection:
    page = context.new_page()
    page.goto("/play/slow/")
    expect(page.locator("#vt-status")).to_contain_text("press Run")
    return SweepSection(page)


def test_the_grid_grows_while_it_runs_stop_leaves_what_is_there_and_coming_back_attaches(slow_visitor: BrowserContext):
    sweeping = counting(slow_visitor).unfold()
    sweeping.values("x").fill("2, 4, 6, 5000")  # the last takes minutes
    sweeping.frame.locator("#vt-sweep-run").click()
    expect(sweeping.cells).to_have_count(3)
    expect(sweeping.frame.locator(".vt-cell-waits")).to_have_count(1)
    expect(sweeping.status).to_contain_text("4 of 4: Up to 5000")
    size = sweeping.frame.locator("#vt-sweep-grid table").bounding_box()

    again = counting(slow_visitor)
    expect(again.cells).to_have_count(3)
    expect(again.status).to_contain_text("4 of 4")
    again.frame.locator("#vt-sweep-stop").click()
    for section in (sweeping, again):
        expect(section.status).to_contain_text("Stopped after 3 of 4 cells")
        assert section.cells.count() == 3
        expect(section.frame.locator("#vt-sweep-run")).to_be_enabled()
    assert sweeping.frame.locator("#vt-sweep-grid table").bounding_box() == size, "it jumped"
    sweeping.choose("judge", "Counted to")
    expect(sweeping.frame.locator(".vt-grid-best")).to_contain_text("Up to 6 has the largest Counted to: 6.")
    sweeping.cells.nth(1).click()
    expect(sweeping.frame.locator("#vt-upto input[type=number]")).to_have_value("4")
    expect(sweeping.frame.locator("#vt-status")).to_contain_text("One cell of the sweep: Up to 4")
    expect(sweeping.frame.locator(".vt-result .vt-value strong")).to_have_text("4")


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ("40, many", "'many' is not a number."),
        ("", "There are no values for Window centre."),
        ("5, 5", "5 is in the list twice."),
        ("1e9", "Window centre must be from"),
    ],
)
def test_a_bad_list_is_told_beside_it_and_nothing_runs(sweeping: MedicalSweep, told: str, sentence: str):
    sweeping.axes(told)
    sweeping.frame.locator("#vt-sweep-run").click()
    problem = sweeping.frame.locator(".vt-sweep-axis .vt-problem").first
    expect(problem).to_contain_text(sentence)
    expect(sweeping.status).to_contain_text("see the note beside the list")
    assert sweeping.cells.count() == 0
    sweeping.values("x").fill("40, 80")
    sweeping.run()
    expect(problem.locator("p")).to_have_count(0)


def test_models_are_ticked_and_a_cell_that_cannot_be_computed_says_why(sweeping: MedicalSweep):
    sweeping.choose("x", "Model")
    expect(sweeping.frame.locator("#vt-sweep-x-ticks input:checked")).to_have_count(2)
    sweeping.choose("y", "Explain")
    sweeping.run()
    expect(sweeping.status).to_contain_text("1 cell could not be computed.")
    expect(sweeping.frame.locator(".vt-cell-problem")).to_contain_text("does not have this class")
    heads = sweeping.frame.locator("#vt-sweep-grid thead th[scope=col]").all_inner_texts()
    assert heads == ["Pneumonia in a chest X-ray, ResNet-18", "Red blood cell types, ResNet-18"]
    sweeping.frame.locator(".vt-cell-problem").click()
    expect(sweeping.frame.locator("[role=alert]").first).to_contain_text("does not have this class")


def test_on_a_phone_the_grid_scrolls_in_its_own_box_and_the_page_does_not(phone: BrowserContext):
    sweeping = MedicalSweep(Medical(phone).accept()).unfold()
    sweeping.axes("40..160:5")
    sweeping.run()
    box = sweeping.frame.locator(".vt-grid-scroll")
    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    assert sweeping.frame.locator("html").evaluate("page => page.scrollWidth <= window.innerWidth")
    box.evaluate("box => { box.scrollLeft = 60 }")
    sweeping.choose("show", "Where it looked")
    expect(sweeping.cells.first.locator("img")).to_have_attribute("src", re.compile("image/"))
    assert sweeping.frame.locator(".vt-grid-scroll").evaluate("box => box.scrollLeft") == 60

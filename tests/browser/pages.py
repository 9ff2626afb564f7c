"""How a person uses Vitrine, as short verbs; selectors live here and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import BrowserContext, FrameLocator, Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS


class Shell:
    """The shell in a tab."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()

    def open(self, address: str) -> Shell:
        """Go to an address of ours and wait until the page stands."""
        self.page.goto(address, wait_until="domcontentloaded")
        expect(self.page.locator("[data-testid=stAppViewContainer]")).to_be_visible()
        expect(self.page.locator("#vt-first")).to_have_count(0)  # first sight has made room for the page itself
        return self


class Medical:
    """The medical playground inside the shell."""

    def __init__(self, context: BrowserContext, address: str = "/medical") -> None:
        self.shell = Shell(context).open(address)
        self.page = self.shell.page
        self.frame: FrameLocator = self.page.frame_locator("iframe[src*='/play/medical']")

    def accept(self) -> Medical:
        """Accept the notice."""
        self.frame.locator("#vt-accept").click()
        return self.ready()

    def ready(self) -> Medical:
        """Wait until an answer is seen."""
        expect(self.headline).to_have_text(re.compile(r"\d+ ?%"))
        return self

    @property
    def headline(self) -> Locator:
        """The sentence with the answer."""
        return self.frame.locator(".vt-headline")

    @property
    def status(self) -> Locator:
        """The status line."""
        return self.frame.locator("#vt-status")

    @property
    def pictures(self) -> Locator:
        """The two pictures: what the network sees, where it looked."""
        return self.frame.locator("#vt-pictures img")

    @property
    def query(self) -> dict[str, str]:
        """What the page's own address asks for."""
        return dict(parse_qsl(urlsplit(self.page.url).query, keep_blank_values=True))

    def wait_for_query(self, **wanted: str) -> dict[str, str]:
        """Wait until the address carries these, and return all of it."""
        return self.wait_for_address(lambda query: wanted.items() <= query.items(), str(wanted))

    def wait_for_address(self, fits: Callable[[dict[str, str]], bool], told: str = "what it should") -> dict[str, str]:
        """Wait until what the address carries fits, and return it."""
        for _ in range(PATIENCE_MS // 50):
            if fits(self.query):
                return self.query
            self.page.wait_for_timeout(50)
        raise AssertionError(f"the address has {self.query}, not {told}")

    def problem(self, name: str) -> Locator:
        """The sentence beside a control."""
        return self.frame.locator(f".vt-control:has(#vt-{name}) .vt-problem p")

    def picture_bytes(self) -> list[str]:
        """The pictures' data addresses: equal means equal to the last pixel."""
        return [str(one.get_attribute("src")) for one in self.pictures.all()]

    def bars(self) -> dict[str, str]:
        """Class -> probability as shown."""
        rows = self.frame.locator(".vt-bars li").all()
        return {row.locator("span").inner_text(): row.locator("b").inner_text() for row in rows}

    def example(self, title: str) -> Medical:
        """Choose an example by a part of its title."""
        self.change(lambda: self.frame.locator("button[data-example]", has_text=title).first.click())
        return self

    def upload(self, file: Path | dict[str, object]) -> None:
        """Give a file of one's own."""
        self.frame.locator("#vt-image-file input[type=file]").set_input_files(file)  # type: ignore[arg-type]

    def set_number(self, name: str, value: str) -> None:
        """Type a number beside a slider."""
        box = self.frame.locator(f"#vt-{name} input[type=number]")
        box.fill(value)
        box.press("Enter")

    def slider_value(self, name: str) -> float:
        """Where a slider stands."""
        return float(self.frame.locator(f"#vt-{name} input[type=number]").input_value())

    def change(self, act: object) -> None:
        """Do something that changes the pictures, and wait until they have changed."""
        before = self.picture_bytes()
        act()  # type: ignore[operator]
        self.page.wait_for_timeout(50)
        deadline = PATIENCE_MS // 50
        while self.picture_bytes() == before and deadline:
            self.page.wait_for_timeout(50)
            deadline -= 1
        assert self.picture_bytes() != before, "the pictures did not change"

    def run(self) -> Medical:
        """Run and wait for the end."""
        self.frame.locator("#vt-run").click()
        expect(self.status).to_contain_text(re.compile("Done|Known from before"))
        return self

    def save(self) -> str:
        """Save and return the link."""
        self.frame.locator("#vt-save").click()
        link = self.frame.locator("#vt-link textarea, #vt-link input")
        expect(link).to_be_visible()
        return link.input_value()

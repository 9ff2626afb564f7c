"""What a person does with the Code section: open it, see it follow the controls, copy it, take it away and run it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from tests.browser.conftest import ROOT, Server, Watch, fresh
from tests.browser.pages import Medical

pytestmark = pytest.mark.browser
WAYS = ("By HTTP", "By gradio_client", "Here, in Python", "curl")


class Code:
    """The section under a result."""

    def __init__(self, medical: Medical) -> None:
        self.medical = medical
        self.section: Locator = medical.frame.locator("#vt-code")

    def open(self) -> Code:
        """Unfold it and wait for the program."""
        self.section.get_by_role("button", name="Code").click()
        expect(self.program).to_be_visible()
        return self

    @property
    def program(self) -> Locator:
        """The program as it is shown."""
        return self.section.locator(".vt-program")

    def choose(self, way: str) -> str:
        """Another way; returns its program once it is there."""
        before = self.program.inner_text()
        self.section.get_by_role("radio", name=way, exact=True).check()
        expect(self.program).not_to_have_text(before)
        return self.program.inner_text()


@pytest.fixture
def phone(browser: Browser, server: Server, watch: Watch) -> Iterator[BrowserContext]:
    yield from fresh(browser, server, watch, viewport={"width": 390, "height": 844}, color_scheme="dark")


def run_program(file: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")}
    return subprocess.run(
        [sys.executable, str(file), *arguments],
        env={**kept, **env},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_the_program_follows_the_controls_and_expects_the_run_once_there_is_one(visitor: BrowserContext) -> None:
    medical = Medical(visitor).accept()
    code = Code(medical).open()
    expect(code.program).to_contain_text('"opacity": 0.5,')
    expect(code.program).not_to_contain_text("EXPECTED")
    medical.change(lambda: medical.set_number("opacity", "0.8"))
    expect(code.program).to_contain_text('"opacity": 0.8,')
    medical.run()
    expect(code.program).to_contain_text("EXPECTED")
    expect(code.section.get_by_role("link", name="Download with inputs")).to_be_visible()
    medical.change(lambda: medical.set_number("opacity", "0.3"))
    expect(code.program).to_contain_text('"opacity": 0.3,')
    expect(code.program).not_to_contain_text("EXPECTED")
    expect(code.section.get_by_role("link", name="Download with inputs")).to_have_count(0)


def test_every_way_has_a_program_and_it_is_what_copy_puts_on_the_clipboard(visitor: BrowserContext) -> None:
    visitor.grant_permissions(["clipboard-read", "clipboard-write"])
    code = Code(Medical(visitor).accept()).open()
    programs = {WAYS[0]: code.program.inner_text()} | {way: code.choose(way) for way in WAYS[1:]}
    assert len(set(programs.values())) == 4
    for way in WAYS[:3]:
        compile(programs[way], way, "exec")
    copy = code.section.locator("[data-copy-program]")
    copy.click()
    expect(copy).to_have_text("Copied")
    held = code.medical.page.evaluate("navigator.clipboard.readText()")
    assert held.strip() == programs["curl"].strip()
    expect(copy).to_have_text("Copy")


def test_what_is_downloaded_runs_as_it_is_and_finds_the_same(
    visitor: BrowserContext, server: Server, tmp_path: Path
) -> None:
    medical = Medical(visitor).accept()
    code = Code(medical).open()
    medical.run()
    with medical.page.expect_download() as waiting:
        code.section.get_by_role("link", name="Download with inputs").click()
    assert waiting.value.suggested_filename == "code.zip"
    with zipfile.ZipFile(waiting.value.path()) as archive:
        archive.extractall(tmp_path)
    for name, arguments, env in (
        ("run_http.py", (server.url,), {}),
        ("run_local.py", (), {"PYTHONPATH": str(ROOT)}),
    ):
        done = run_program(tmp_path / name, *arguments, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        words = re.findall(r"^(same|different)", done.stdout, re.MULTILINE)
        assert len(words) >= 8
        assert set(words) == {"same"}


def test_a_wrong_setting_is_told_where_the_program_would_be(visitor: BrowserContext) -> None:
    medical = Medical(visitor).accept()
    code = Code(medical).open()
    box = medical.frame.locator("#vt-opacity input[type=number]")
    box.fill("7")
    box.press("Enter")
    expect(code.section.get_by_role("alert")).to_contain_text("Overlay opacity must be from 0 to 1")
    expect(code.program).to_have_count(0)
    box.fill("0.6")
    box.press("Enter")
    expect(code.program).to_contain_text('"opacity": 0.6,')


def test_on_a_phone_and_by_keyboard_it_stays_in_its_place(phone: BrowserContext) -> None:
    medical = Medical(phone).accept()
    code = Code(medical)
    button = code.section.get_by_role("button", name="Code")
    button.focus()
    medical.page.keyboard.press("Enter")
    expect(code.program).to_be_visible()
    width = code.program.evaluate("element => document.documentElement.scrollWidth")
    assert width <= 390
    code.section.get_by_role("radio", name="By HTTP").focus()
    medical.page.keyboard.press("Tab")
    medical.page.keyboard.press("Space")
    expect(code.section.get_by_role("radio", name="By gradio_client")).to_be_checked()
    expect(code.program).to_contain_text("gradio_client")
    code.program.focus()
    expect(code.program).to_be_focused()

"""The Code section: the program that is shown is the one for what the page says, and it is shown as text."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.runtime.lab import Lab
from components.coding import CodePart
from components.controls import Panel
from components.program_html import program_html
from tests.components.shell_lab import SHADES, Shade, picture, shaded, shades_lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with shades_lab(tmp_path) as made:
        yield made


class Page:
    """The section beside real controls, and what it answers for their values."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.visitor, cookie = lab.identity.issue()
        self.request = SimpleNamespace(
            cookies={"vitrine_visitor": cookie}, headers={"origin": "https://lab.test"}, session_hash="s", request=None
        )
        asyncio.run(self._build())  # outside of a loop Gradio makes one, and leaves it open

    async def _build(self) -> None:
        with gr.Blocks(analytics_enabled=False) as self.blocks:
            self.part = CodePart(SHADES, Shade, self.lab)
            panel = Panel(Shade, self.lab.catalogue)
            frame: Any = SimpleNamespace(
                conductor=SimpleNamespace(panel=panel), run_id=gr.State(""), controls=panel.inputs
            )
            self.part.wire(frame)
        self.names = [control.parameter.name for control in panel.controls] + ["seed"]

    def shown(self, way: str, run_id: str = "", **values: Any) -> str:
        usual = {item.name: item.default for item in Shade.parameters()} | {"seed": 0}
        event = next(fn for fn in self.blocks.fns.values() if fn.fn and fn.fn.__name__ == "show")
        raw = [(usual | values)[name] for name in self.names]
        return event.fn(self.request, way, run_id, *raw)

    def photo(self) -> str:
        return self.lab.store.artifacts.put(self.visitor, picture(), "application/octet-stream")


@pytest.fixture
def page(lab: Lab) -> Page:
    return Page(lab)


def text_of(section: str) -> str:
    """The program as it would be copied."""
    return html.unescape(re.sub(r"<[^>]+>", "", section.split("<code>", 1)[1].split("</code>", 1)[0]))


def test_before_a_run_the_program_says_the_controls_and_expects_nothing(page: Page) -> None:
    section = page.shown("By HTTP", photo=page.photo(), amount=45)
    program = text_of(section)
    assert '"amount": 45,  # Amount (%)' in program
    assert '"https://lab.test"' in program
    assert "EXPECTED" not in program
    assert "code.zip" not in section
    compile(program, "program", "exec")


def test_after_a_run_it_expects_its_digests_until_a_control_moves(page: Page, lab: Lab) -> None:
    run = shaded(lab, page.visitor)
    photo = run.experiment.inputs["photo"]
    section = page.shown("By HTTP", run.id, photo=photo)
    assert all(output.digest in text_of(section) for output in run.outputs)
    assert f'href="/api/runs/{run.id}/code.zip" download' in section
    moved = page.shown("By HTTP", run.id, photo=photo, amount=35)
    assert "EXPECTED" not in text_of(moved)
    assert "code.zip" not in moved


def test_every_way_is_a_program_of_its_own(page: Page, lab: Lab) -> None:
    run = shaded(lab, page.visitor)
    photo = run.experiment.inputs["photo"]
    ways = {way: text_of(page.shown(way, run.id, photo=photo)) for way in _ways(page)}
    assert list(ways) == ["By HTTP", "By gradio_client", "Here, in Python", "curl"]
    assert "urllib.request" in ways["By HTTP"]
    assert "gradio_client" in ways["By gradio_client"]
    assert "run_experiment" in ways["Here, in Python"]
    assert ways["curl"].count("$CURL") == 2
    for way in ("By HTTP", "By gradio_client", "Here, in Python"):
        compile(ways[way], way, "exec")


def _ways(page: Page) -> list[str]:
    radio = next(block for block in page.blocks.blocks.values() if isinstance(block, gr.Radio))
    return [str(choice[0]) for choice in radio.choices]


def test_what_is_missing_or_wrong_is_told_in_a_sentence(page: Page) -> None:
    assert "Photo is missing." in page.shown("By HTTP", photo="")
    assert "Amount must be from 0 to 90 %." in page.shown("By HTTP", photo=page.photo(), amount=900)


def test_anothers_run_and_one_that_is_gone_add_nothing(page: Page, lab: Lab) -> None:
    theirs = shaded(lab, "somebody-else-altogether")
    for run_id in (theirs.id, "x" * 22):
        section = page.shown("By HTTP", run_id, photo=page.photo())
        assert "code.zip" not in section
        assert "EXPECTED" not in section


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=80))
def test_any_text_is_shown_as_it_is_and_never_as_markup(words: str) -> None:
    said = words.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    for program in (said, f"WORDS = {said!r}  # {said.split(chr(10))[0]}\n"):
        section = program_html(program)
        assert text_of(section) == program
        assert set(re.findall(r"</?(\w+)", section.split("<code>", 1)[1])) <= {"span", "code", "pre"}

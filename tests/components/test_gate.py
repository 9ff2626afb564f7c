"""A notice before the page: nothing is computed behind it, and accepting it opens the page once and for all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from backends.runtime.lab import Lab
from components.frame import ActionFrame
from components.playground import _open
from components.views import DerivedView
from tests.components.shell_lab import SHADES, Shade, new_visitor, shades_lab

GUARDED = replace(SHADES, notice="Only for learning. Nothing else.")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("gate")) as running:
        yield running


@pytest.fixture(scope="module")
def frames(lab: Lab) -> list[ActionFrame]:
    """Two tabs of the same action."""

    async def build() -> list[ActionFrame]:  # outside of a loop Gradio makes one, and leaves it open
        with gr.Blocks(analytics_enabled=False):
            return [ActionFrame(GUARDED, Shade, lab, DerivedView, lambda run, results: "A shade") for _ in range(2)]

    with ThreadPoolExecutor(1) as pool:  # Playwright may keep a loop going on this thread
        return pool.submit(lambda: asyncio.run(build())).result()


@pytest.fixture
def asked(lab: Lab) -> gr.Request:
    return new_visitor(lab)


def visitor(lab: Lab, asked: gr.Request) -> str:
    known = lab.identity.read(asked.cookies)
    assert known is not None
    return known


def shown(updates: list[Any]) -> tuple[bool, bool]:
    """Whether the gate and the page are visible."""
    return updates[0]["visible"], updates[1]["visible"]


def test_behind_the_notice_nothing_is_computed_or_set(lab: Lab, frames: list[ActionFrame], asked: gr.Request) -> None:
    (only,) = _open(GUARDED, lab, frames, asked)
    assert shown(only) == (True, False)
    assert all(update == gr.skip() for update in only[4:])
    assert lab.store.artifacts.usage(visitor(lab, asked)) == 0  # opening would have kept the first example


def test_once_accepted_the_page_opens_each_tab_with_its_answer(
    lab: Lab, frames: list[ActionFrame], asked: gr.Request
) -> None:
    lab.store.visitors.accept(visitor(lab, asked), GUARDED.notice)
    doors, *opened = _open(GUARDED, lab, frames, asked)
    assert shown(doors) == (False, True)
    assert lab.store.artifacts.usage(visitor(lab, asked)) > 0
    assert len(opened) == len(frames)
    each = len(frames[0].everything)
    for index, updates in enumerate(opened):
        own = updates[4 + index * each : 4 + (index + 1) * each]
        assert any("Preview" in str(update) for update in own)
        other = updates[4 + (1 - index) * each : 4 + (2 - index) * each]
        assert all(update == gr.skip() for update in other)


def test_a_tab_whose_run_is_still_going_keeps_no_other_tab_closed(
    lab: Lab, frames: list[ActionFrame], asked: gr.Request
) -> None:
    """What is followed comes after what every tab shows first."""
    lab.store.visitors.accept(visitor(lab, asked), GUARDED.notice)
    order: list[str] = []

    class Following:
        everything = frames[0].everything
        action = Shade

        def __init__(self, name: str) -> None:
            self.name = name

        def open(self, *_: Any) -> Iterator[list[Any]]:
            for step in ("first", "later"):
                order.append(f"{self.name} {step}")
                yield [gr.skip()] * len(self.everything)

    two: Any = [Following("one"), Following("two")]
    list(_open(GUARDED, lab, two, asked))
    assert order == ["one first", "two first", "one later", "two later"]

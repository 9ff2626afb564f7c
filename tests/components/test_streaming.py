"""Streamed updates: what Gradio's client would lose is set again, and never for longer than it takes to be drawn."""

from __future__ import annotations

import gradio as gr
import numpy as np
import pytest

from components import streaming
from components.streaming import streamed

SKIP = gr.skip()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its one number is the time."""
    now = [100.0]
    monkeypatch.setattr(streaming.time, "monotonic", lambda: now[0])
    return now


def test_what_was_set_is_set_again_while_the_page_may_not_have_drawn_it(clock):
    def updates():
        yield [gr.update(value=120), SKIP]
        clock[0] += 1
        yield [SKIP, "a"]
        clock[0] += streaming.SECONDS
        yield [SKIP, SKIP]
        clock[0] += 1
        yield [SKIP, SKIP]

    seen = list(streamed(updates()))
    assert seen[0] == [gr.update(value=120), SKIP]
    assert seen[1] == [gr.update(value=120), "a"]
    assert seen[2] == [SKIP, "a"]
    assert seen[3] == [SKIP, SKIP]


def test_emptying_a_sent_update_as_gradio_does_takes_nothing_from_the_next():
    sent = []
    for updates in streamed([[gr.update(value=1)], [SKIP], [SKIP]]):
        sent.append(updates[0].get("value"))
        updates[0].clear()
    assert sent == [1, 1, 1]


def test_properties_set_one_after_the_other_are_sent_together_and_the_newer_wins():
    *_, last = streamed([[gr.update(value=1, visible=True)], [gr.update(interactive=False)], [gr.update(value=2)]])
    assert last == [gr.update(value=2, visible=True, interactive=False)]


def test_a_value_takes_the_place_of_whatever_was_there():
    picture = np.zeros((2, 2))
    *_, last = streamed([["text", gr.update(value=3)], [gr.update(visible=False), picture]])
    assert last == [gr.update(visible=False), picture]

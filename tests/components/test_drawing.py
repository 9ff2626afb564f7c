"""Figures are drawn as they are; what Plotly does not know is left out, whatever an archive brought."""

from __future__ import annotations

from typing import Any

import pytest

from components.figures.drawing import drawing


def test_a_figure_is_drawn_as_it_is_told() -> None:
    spec = {"data": [{"type": "bar", "x": ["a"], "y": [2.5]}], "layout": {"title": {"text": "Grey"}}}
    drawn = drawing(spec)
    assert drawn.data[0].y[0] == 2.5
    assert drawn.layout.title.text == "Grey"


@pytest.mark.parametrize(
    "spec",
    [
        {"data": [{"type": "no such chart", "y": [1]}]},
        {"data": 3},
        {"data": [{"type": ["bar"], "y": {}}]},
        {"layout": {"colour": "x", "xaxis": 5}},
        {"data": [{"type": "bar", "marker": {"color": {"a": []}}}], "layout": None},
        {},
    ],
)
def test_what_plotly_does_not_know_is_left_out(spec: dict[str, Any]) -> None:
    assert drawing(spec).to_plotly_json()["data"] is not None

"""Figures of several runs on one axis. Pure functions: Plotly specifications in, specifications out."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from components.theme.tokens import CATEGORICAL

Spec = dict[str, Any]
_OVERLAID = frozenset(("scatter", "scattergl", "bar", "histogram", "box", "violin"))  # traces that can share an axis
_CARTESIAN = frozenset((*_OVERLAID, "heatmap", "contour", "image", "histogram2d"))
_DASHES = ("solid", "dash", "dot", "dashdot")
_CLEAR = {"paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)"}


def together(specs: Mapping[str, Mapping[str, Any]]) -> list[Spec]:
    """The figures of the runs, by letter: all traces on one axis where their types allow; else small multiples.

    Small multiples share their ranges, also of colour. Three-dimensional and polar figures stay one each.
    """
    kinds = [[trace.get("type", "scatter") for trace in spec.get("data", ())] for spec in specs.values()]
    every = {kind for kinds_of_one in kinds for kind in kinds_of_one}
    if every <= _OVERLAID and all(kinds_of_one == kinds[0] for kinds_of_one in kinds):
        return [_overlaid(specs)]
    if every <= _CARTESIAN:
        return [_multiples(specs)]
    return [_titled(spec, letter) for letter, spec in specs.items()]


def _overlaid(specs: Mapping[str, Mapping[str, Any]]) -> Spec:
    traces = []
    for index, (letter, spec) in enumerate(specs.items()):
        for place, trace in enumerate(spec.get("data", ())):
            traces.append(_own(trace, letter, CATEGORICAL[index], _DASHES[place % len(_DASHES)]))
    layout = _layout(specs)
    for axis in _axes(layout):
        _widen(layout, axis, [spec.get("layout", {}) for spec in specs.values()])
    above = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    own = {"barmode": "group", "showlegend": True, "legend": above, "margin": {"t": 40}}
    return {"data": traces, "layout": {**layout, **own}}


def _own(trace: Mapping[str, Any], letter: str, colour: str, dash: str) -> Spec:
    """The trace as that run's: its colour, and its letter in the legend."""
    own = copy.deepcopy(dict(trace))
    name = f"Run {letter}: {own['name']}" if own.get("name") else f"Run {letter}"
    own |= {"name": name, "legendgroup": letter, "showlegend": True}
    own["marker"] = {**own.get("marker", {}), "color": colour}
    if own.get("type", "scatter") in ("scatter", "scattergl"):
        own["line"] = {**own.get("line", {}), "color": colour, "dash": dash}
    for unfit in ("fillcolor", "coloraxis"):
        own.pop(unfit, None)
    return own


def _multiples(specs: Mapping[str, Mapping[str, Any]]) -> Spec:
    """One small figure a run in a row; their axes move together and have the same range."""
    first, layout = next(iter(specs.values())).get("layout", {}), _layout(specs)
    traces: list[Spec] = []
    notes: list[Spec] = []
    gap, count = 0.06, len(specs)
    width = (1 - gap * (count - 1)) / count
    for index, (letter, spec) in enumerate(specs.items()):
        suffix = str(index + 1) if index else ""
        start = index * (width + gap)
        x_axis = {**copy.deepcopy(first.get("xaxis", {})), "domain": [start, start + width], "anchor": f"y{suffix}"}
        y_axis = {**copy.deepcopy(first.get("yaxis", {})), "anchor": f"x{suffix}"}
        layout[f"xaxis{suffix}"] = x_axis | ({"matches": "x"} if index else {})
        layout[f"yaxis{suffix}"] = y_axis | ({"matches": "y", "showticklabels": False, "title": None} if index else {})
        traces += [{**copy.deepcopy(dict(one)), "xaxis": f"x{suffix}", "yaxis": f"y{suffix}"} for one in spec["data"]]
        place = {"x": start + width / 2, "y": 1.02, "xref": "paper", "yref": "paper"}
        notes.append({"text": f"Run {letter}", "showarrow": False, "yanchor": "bottom", "xanchor": "center", **place})
    _share_colours(traces)
    return {"data": traces, "layout": {**layout, "annotations": notes, "margin": {"t": 40}}}


def _share_colours(traces: Sequence[Spec]) -> None:
    """One range of colours for all maps, and one bar that tells it."""
    maps = [trace for trace in traces if trace.get("type") in ("heatmap", "contour") and trace.get("z") is not None]
    values = [value for trace in maps for row in trace["z"] for value in row if isinstance(value, int | float)]
    for index, trace in enumerate(maps):
        if values:
            trace |= {"zmin": min(values), "zmax": max(values), "zauto": False}
        trace["showscale"] = index == len(maps) - 1


def _titled(spec: Mapping[str, Any], letter: str) -> Spec:
    own = copy.deepcopy(dict(spec))
    return {**own, "layout": {**own.get("layout", {}), **_CLEAR, "title": {"text": f"Run {letter}"}}}


def _layout(specs: Mapping[str, Mapping[str, Any]]) -> Spec:
    layout = copy.deepcopy(dict(next(iter(specs.values())).get("layout", {})))
    layout.pop("title", None)  # the section above says what it is
    return layout | _CLEAR


def _axes(layout: Spec) -> list[str]:
    return [name for name in layout if name.startswith(("xaxis", "yaxis")) and isinstance(layout[name], dict)]


def _widen(layout: Spec, axis: str, layouts: Sequence[Mapping[str, Any]]) -> None:
    """A range that was set in every run becomes the one that holds all of them; else Plotly finds it."""
    ranges = [(one.get(axis) or {}).get("range") for one in layouts]
    plain = [item for item in ranges if item and all(isinstance(end, int | float) for end in item)]
    if len(plain) == len(layouts) and all(item[0] <= item[1] for item in plain):
        layout[axis]["range"] = [min(item[0] for item in plain), max(item[1] for item in plain)]
    elif any(item != ranges[0] for item in ranges):
        layout[axis].pop("range", None)

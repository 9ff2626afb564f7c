"""What the sweep's section answers to each thing a visitor does, on a real laboratory."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request

from backends.core.identity import COOKIE
from backends.core.results import Axis as GridAxis
from backends.core.results import Encoded, Grid, GridCell
from backends.core.sweep import sweep_of
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from components.frame import ActionFrame
from components.grid_html import Look
from components.sweep_conduct import SweepConductor
from components.sweep_sheets import Sheet, Sheets
from components.sweeping import SweepPart
from components.views import DerivedView
from tests.backends.core.swept import Dice, swept_lab
from tests.components.shell_lab import SHADES, Shade, new_visitor, picture, shades_lab

GOING = ("x_problem", "y_problem", "status", "run_id", "run", "stop", "save", "grid", "lines", "show", "judge")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("sweeping")) as running:
        yield running


@pytest.fixture(scope="module")
def frame(lab: Lab) -> ActionFrame:
    async def build() -> ActionFrame:  # outside of a loop Gradio makes one, and leaves it open
        with gr.Blocks(analytics_enabled=False):
            return ActionFrame(SHADES, Shade, lab, DerivedView, lambda run, results: "Saved shade")

    with ThreadPoolExecutor(1) as pool:  # Playwright may keep a loop going on this thread
        return pool.submit(lambda: asyncio.run(build())).result()


@pytest.fixture(scope="module")
def part(frame: ActionFrame) -> SweepPart:
    return next(part for part in frame.parts if isinstance(part, SweepPart))


@pytest.fixture
def asked(lab: Lab) -> gr.Request:
    return new_visitor(lab)


@pytest.fixture
def photo(lab: Lab, asked: gr.Request) -> str:
    return lab.store.artifacts.put(lab.identity.read(asked.cookies), picture(), "application/octet-stream")


def raw(frame: ActionFrame, **changes: Any) -> list[Any]:
    """What the frame's controls send."""
    names = [control.parameter.name for control in frame.conductor.panel.controls]
    defaults = {item.name: item.default for item in Shade.parameters()}
    return [changes.get(name, defaults[name]) for name in names] + [changes.get("seed", 0)]


def swept(part: SweepPart, frame: ActionFrame, asked: gr.Request, photo: str, **changes: Any) -> list[dict[str, Any]]:
    """All updates of a sweep, by place. x, y: (setting, text, ticks)."""
    x = changes.pop("x", ("amount", "0, 45, 90", []))
    y = changes.pop("y", ("", "", []))
    judging = [changes.pop(name, usual) for name, usual in (("show", None), ("judge", "mean"), ("goal", "largest"))]
    section = [*x, *y, *judging, changes.pop("seeds", 1)]
    updates = part._start(frame, section, raw(frame, photo=photo, **changes), asked)
    return [dict(zip(GOING, update, strict=True)) for update in updates]


def test_a_sweep_is_followed_to_its_end_and_its_grid_is_seen(part, frame, asked, photo):
    updates = swept(part, frame, asked, photo)
    last = updates[-1]
    assert "Done" in last["status"]
    assert (last["run"]["interactive"], last["stop"]["interactive"], last["save"]["interactive"]) == (True, False, True)
    assert last["grid"].count("data-cell=") == 3
    assert re.findall(r'vt-cell-best"><button type="button" data-cell="(\d),0"', last["grid"]) == ["0"]
    assert "Mean grey against Amount" in last["lines"]


def test_the_second_time_nothing_is_computed(part, frame, asked, photo):
    swept(part, frame, asked, photo, x=("amount", "5, 10", []))
    again = swept(part, frame, asked, photo, x=("amount", "5..10:2", []))
    assert "Known from before" in again[-1]["status"]


def test_settings_of_the_frame_hold_in_every_cell(part, frame, lab, asked, photo):
    last = swept(part, frame, asked, photo, curve="bend", seed=7)[-1]
    run = lab.store.runs.get(last["run_id"], lab.identity.read(asked.cookies))
    assert (run.experiment.parameters["curve"], run.experiment.seed) == ("bend", 7)


def test_ticks_make_the_list_of_what_is_no_number(part, frame, lab, asked, photo):
    last = swept(part, frame, asked, photo, x=("curve", "", ["bend", "line"]), y=("smooth", "", ["on"]))[-1]
    run = lab.store.runs.get(last["run_id"], lab.identity.read(asked.cookies))
    assert run.experiment.parameters["sweep_x_values"] == "bend,line"
    assert "Bent" in last["grid"]


def test_seeds_give_intervals_and_error_bars(part, frame, asked, photo):
    last = swept(part, frame, asked, photo, seeds=3)[-1]
    assert "<small>" in last["grid"]
    assert "with 95 % intervals" in last["lines"]


@pytest.mark.parametrize(
    ("changes", "place", "sentence"),
    [
        ({"x": ("amount", "1, x", [])}, "x_problem", "&#x27;x&#x27; is not a number."),
        ({"x": ("amount", "", [])}, "x_problem", "There are no values for Amount."),
        ({"x": ("curve", "", [])}, "x_problem", "There are no values for Curve."),
        ({"x": ("amount", "91", [])}, "x_problem", "Amount must be from 0 to 90 %."),
        ({"y": ("amount", "1", [])}, "y_problem", "Both axes are the same setting."),
        ({"seeds": 99}, "status", "Seeds must be"),
        ({"x": ("nothing", "1", [])}, "x_problem", "Across must be one of"),
        ({"x": (None, None, None)}, "x_problem", "Across must be one of"),
        ({"photo": ""}, "status", "Photo is missing."),
        ({"photo": "0" * 64}, "status", "There is no"),
    ],
)
def test_what_cannot_be_run_is_told_where_it_is_wrong(part, frame, asked, photo, changes, place, sentence):
    photo = changes.pop("photo", photo) if "photo" in changes else photo
    (only,) = swept(part, frame, asked, photo, **changes)
    assert sentence in only[place]
    others = [only[name] for name in ("x_problem", "y_problem") if name != place]
    assert not any(others)
    assert "value" not in only["grid"], "what was on the page stays"


def test_another_output_or_number_is_shown_without_computing(part, frame, lab, asked, photo):
    last = swept(part, frame, asked, photo)[-1]
    visitor = lab.identity.read(asked.cookies)
    before = len(lab.store.runs.recent(visitor, 50))
    grid, _ = part._conductor.look(last["run_id"], Look("mean", "mean", False), visitor, "tab")
    assert re.findall(r'vt-cell-best"><button type="button" data-cell="(\d),0"', grid) == ["2"]
    assert "vt-cell-words" in grid
    assert len(lab.store.runs.recent(visitor, 50)) == before


def test_a_cell_sets_the_controls_and_shows_all_that_was_found(part, frame, lab, asked, photo):
    run_id = swept(part, frame, asked, photo, curve="bend")[-1]["run_id"]
    updates = part._press(frame, run_id, "1,0", asked)
    names = [control.parameter.name for control in frame.conductor.panel.controls]
    values = {name: update.get("value") for name, update in zip(names, updates, strict=False)}
    assert (values["amount"], values["curve"], values["photo"]) == (45, "bend", photo)
    answer = updates[len(frame.controls) :]
    line = answer[len(frame.conductor.panel.problems)]
    assert "One cell of the sweep: Amount 45." in line
    visitor = lab.identity.read(asked.cookies)
    alone = lab.runtime.submit(lab.experiment(Shade(photo=photo, amount=45, curve="bend")), visitor)
    assert [event for event in lab.runtime.watch(alone.id, visitor) if isinstance(event, Final)]
    shown = frame.conductor.view.show(lab.store.runs.outputs(alone.id, visitor))
    places = len(frame.conductor.panel.problems) + 1
    assert [update.get("value") for update in answer[places : places + len(shown)]] == [u.get("value") for u in shown]


@pytest.mark.parametrize("told", ["9,9", "", "a,b", "-1,0", "0", "0,0,0"])
def test_a_cell_that_is_not_there_is_told(part, frame, asked, photo, told):
    run_id = swept(part, frame, asked, photo)[-1]["run_id"]
    updates = part._press(frame, run_id, told, asked)
    line = updates[len(frame.controls) + len(frame.conductor.panel.problems)]
    assert "This cell is not computed." in line


def test_another_visitors_grid_is_not_shown(part, frame, lab, asked, photo):
    run_id = swept(part, frame, asked, photo)[-1]["run_id"]
    _, cookie = lab.identity.issue()
    scope = dict(asked.request.scope, headers=[(b"cookie", f"{COOKIE}={cookie}".encode())])
    other = gr.Request(Request(scope), session_hash="other")
    updates = part._press(frame, run_id, "0,0", other)
    line = updates[len(frame.controls) + len(frame.conductor.panel.problems)]
    assert "vt-status-failed" in line


def test_a_stored_sweep_opens_as_it_was_saved(part, frame, lab, asked, photo):
    last = swept(part, frame, asked, photo, y=("curve", "", ["line"]), goal="smallest")[-1]
    visitor = lab.identity.read(asked.cookies)
    run = lab.store.runs.get(last["run_id"], visitor)
    updates = part.opened((run, lab.store.runs.outputs(run.id, visitor)), asked)
    assert len(updates) == len(part.places)
    told = dict(zip(["follow", "box", "filled", *"xtkp", *"XTKP", "seeds", "goal", *GOING[2:]], updates, strict=True))
    assert told["box"]["open"] is True
    assert (told["x"]["value"], told["t"]["value"], told["X"]["value"]) == ("amount", "0, 45, 90", "curve")
    assert told["K"]["value"] == ["line"]
    assert told["goal"]["value"] == "smallest"
    assert told["grid"] == last["grid"]
    assert told["run_id"] == run.id


def test_what_is_no_sweep_of_this_action_opens_nothing(part, lab, asked, photo):
    visitor = lab.identity.read(asked.cookies)
    run = lab.runtime.submit(lab.experiment(Shade(photo=photo)), visitor)
    list(lab.runtime.watch(run.id, visitor))
    run = lab.store.runs.get(run.id, visitor)
    for stored in (None, (run, lab.store.runs.outputs(run.id, visitor))):
        assert part.opened(stored, asked) == [gr.skip()] * len(part.places)


def test_a_sweep_that_is_going_is_followed_again(part, lab, asked, photo):
    visitor = lab.identity.read(asked.cookies)
    assert part.opened(None, asked)[0] == gr.skip()
    values = {"photo": photo, "sweep_x": "amount", "sweep_x_values": "0..90:60", "sweep_best": "mean"}
    run = lab.runtime.submit(lab.experiment(sweep_of(Shade).parse(values)), visitor)
    assert part.opened(None, asked)[0] == run.id
    *_, last = part._attach(run.id, asked)
    assert last[0]["open"] is True
    assert last[1:][GOING.index("run_id")] == run.id
    assert last[1:][GOING.index("grid")].count("data-cell=") == 60


def test_unfolding_fills_the_lists_once_and_offers_the_numbers(part, frame, asked, photo):
    updates = part._fill(frame, "", "", ("amount", "model"), raw(frame, photo=photo), asked)
    key, _, text, _, _, _, _, ticks, _, judge = updates
    assert text["value"] == "0..90:5"
    assert ticks["choices"] == [("Dimmer", "shades/dimmer")]
    assert ticks["value"] == ["shades/dimmer"]
    assert ("Mean grey", "mean") in judge["choices"]
    assert judge["value"] == "mean"
    again = part._fill(frame, key, "", ("amount", ""), raw(frame, photo=photo), asked)
    assert all("value" not in update for update in again)


def test_a_growing_grid_is_drawn_a_few_times_a_second_and_watching_it_is_cheap(part, frame, lab, asked, photo):
    visitor = lab.identity.read(asked.cookies)
    values = {"photo": photo, "sweep_x": "amount", "sweep_x_values": "0..90:90"}
    drawn, done = 0, SimpleNamespace(cells=0)
    for updates in part._conductor.run(lab.experiment(sweep_of(Shade).parse(values)), Look(), visitor, "tab"):
        grid = updates[GOING.index("grid")]
        drawn += isinstance(grid, str)
        done.cells = grid.count("data-cell=") if isinstance(grid, str) else done.cells
    assert done.cells == 90
    took = lab.store.runs.recent(visitor, 1)[0].provenance["seconds_running"]
    assert drawn <= 3 + took / 0.34


def test_stopping_keeps_the_cells_on_the_page_and_says_that_they_are_not_kept(part, frame, lab, asked, photo):
    visitor = lab.identity.read(asked.cookies)
    values = {"photo": photo, "sweep_x": "amount", "sweep_x_values": "0..89.5:100", "sweep_seeds": 4}
    updates, seen = None, 0
    for updates in part._conductor.run(lab.experiment(sweep_of(Shade).parse(values)), Look(), visitor, "stopping"):
        run_id, grid = updates[GOING.index("run_id")], updates[GOING.index("grid")]
        seen = grid.count("data-cell=") if isinstance(grid, str) else seen
        if seen:
            lab.runtime.cancel(run_id, visitor)
    line = updates[GOING.index("status")]
    assert re.search(rf"Stopped after {seen} of 100 cells\. They stay here until you leave; they are not kept\.", line)
    assert part._conductor.look(run_id, Look("mean", "mean"), visitor, "stopping")[0].count("data-cell=") == seen


def test_the_oldest_grids_leave_memory_first():
    def sheet(size: int) -> Sheet:
        axis = GridAxis("a", "A", "", (1,), ("1",))
        cell = GridCell({"f": Encoded("file", "x", bytes(size), {})}, {})
        return Sheet(Grid(axis, None, {(0, 0): cell}, {}, 1), Look())

    sheets = Sheets(budget=100)
    sheets.put("one", "r", sheet(60))
    sheets.put("two", "r", sheet(30))
    assert sheets.get("one", "r")
    sheets.put("three", "r", sheet(30))
    assert sheets.get("two", "r") is None
    assert sheets.get("one", "r")
    sheets.put("one", "s", sheet(500))
    assert sheets.get("one", "r") is None
    assert sheets.get("one", "s"), "the newest stays even where it is too large"


def test_an_axis_shows_a_stored_list_with_values_that_are_no_longer_offered(part):
    axis = part._axes[1]
    _, _, ticks, _ = axis.show("model", "shades/gone,shades/dimmer", {})
    assert ticks["value"] == ["shades/gone", "shades/dimmer"]
    assert ("shades/gone", "shades/gone") in ticks["choices"]
    assert axis.told("", "ignored", None) == {"sweep_y": ""}


def test_a_grid_with_cells_that_failed_is_computed_anew_when_it_is_asked_for_again(tmp_path):
    with swept_lab(tmp_path) as lab:
        conductor = SweepConductor(sweep_of(Dice), lab)

        def status(**values: Any) -> str:
            action = conductor.sweep.parse({"sweep_x": "bias", "sweep_x_values": "-1, 0, 1", **values})
            *_, last = conductor.run(lab.experiment(action), Look(), "ann", "tab")
            return str(last[GOING.index("status")])

        assert "Done" in status()
        assert "Known from before" in status()
        for _ in range(2):
            assert re.search(r"Done in .* s\. 1 cell could not be computed\.", status(fails="some"))

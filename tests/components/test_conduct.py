"""What the frame answers to each thing a visitor does, on a real laboratory: updates in order, sentences in place."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from starlette.requests import Request

from backends.core.identity import COOKIE
from backends.runtime.lab import Lab
from components.frame import ActionFrame
from components.playground import describe
from components.views import DerivedView
from tests.components.shell_lab import SHADES, Shade, picture, shades_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("conduct")) as running:
        yield running


@pytest.fixture(scope="module")
def frame(lab: Lab) -> ActionFrame:
    async def build() -> ActionFrame:  # outside of a loop Gradio makes one, and leaves it open
        with gr.Blocks(analytics_enabled=False):
            return ActionFrame(SHADES, Shade, lab, DerivedView, lambda run, results: "Saved shade")

    with ThreadPoolExecutor(1) as pool:  # Playwright may keep a loop going on this thread
        return pool.submit(lambda: asyncio.run(build())).result()


@pytest.fixture
def request_of(lab: Lab) -> gr.Request:
    _, cookie = lab.identity.issue()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/play/shades/",
        "query_string": b"",
        "headers": [(b"cookie", f"{COOKIE}={cookie}".encode()), (b"origin", b"http://lab.test")],
    }
    return gr.Request(Request(scope), session_hash="tab")


def values(frame: ActionFrame, updates: list[Any]) -> dict[str, Any]:
    """Control name -> the value that its update sets."""
    names = [control.parameter.name for control in frame.conductor.panel.controls]
    return {name: update.get("value") for name, update in zip(names, updates, strict=False) if "value" in update}


def raw(frame: ActionFrame, **changes: Any) -> list[Any]:
    """What the components send: defaults, with changes."""
    names = [control.parameter.name for control in frame.conductor.panel.controls]
    defaults = {item.name: item.default for item in Shade.parameters()}
    return [changes.get(name, defaults[name]) for name in names] + [changes.get("seed", 0)]


def with_picture(frame: ActionFrame, lab: Lab, request: gr.Request) -> str:
    updates = frame.conductor.example(frame.conductor.pictures[0], "steps", raw(frame), request)
    return str(values(frame, updates)["photo"])


def answer(frame: ActionFrame, updates: list[Any]) -> tuple[list[Any], str, list[Any]]:
    """An answer in its parts: problems, status line, view."""
    count = len(frame.conductor.panel.problems)
    return updates[:count], updates[count], updates[count + 1 : count + 1 + len(frame.conductor.view.components)]


def test_an_example_moves_the_controls_and_is_looked_at(frame, lab, request_of):
    updates = frame.conductor.example(frame.conductor.pictures[0], "steps", raw(frame), request_of)
    assert values(frame, updates)["amount"] == 60.0
    _, line, view = answer(frame, updates[len(frame.conductor.panel.inputs) :])
    assert "Preview" in line
    assert "data:image/png" in view[0]["value"]


def test_a_live_change_keeps_nothing(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    one = answer(frame, frame.conductor.live(raw(frame, photo=photo, amount=0), request_of))[2]
    two = answer(frame, frame.conductor.live(raw(frame, photo=photo, amount=90), request_of))[2]
    assert one[0]["value"] != two[0]["value"]
    visitor = lab.identity.read(request_of.cookies)
    assert lab.store.runs.recent(visitor, 10) == []


def test_a_bad_value_is_told_beside_its_control_and_the_view_stays(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    problems, line, view = answer(frame, frame.conductor.live(raw(frame, photo=photo, amount=91), request_of))
    told = {
        control.parameter.name: sentence
        for control, sentence in zip(frame.conductor.panel.controls, problems, strict=True)
    }
    assert "Amount must be from 0 to 90 %" in told.pop("amount")
    assert set(told.values()) == {""}
    assert "see the note" in line
    assert all("value" not in update for update in view)


def test_without_a_picture_the_sentence_asks_for_one(frame, request_of):
    problems, _, _ = answer(frame, frame.conductor.live(raw(frame), request_of))
    assert "Photo is missing" in problems[0]


def test_a_run_is_recorded_followed_to_its_end_and_known_the_second_time(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    *_, last = frame.conductor.run(raw(frame, photo=photo, amount=25), request_of)
    _, line, view = answer(frame, last)
    assert "Done" in line
    assert "data:image/png" in view[0]["value"]
    run_id, run_button, stop_button = last[-3:]
    assert (run_button["interactive"], stop_button["interactive"]) == (True, False)
    assert lab.store.runs.get(run_id, lab.identity.read(request_of.cookies)).state == "done"
    *_, again = frame.conductor.run(raw(frame, photo=photo, amount=25), request_of)
    assert "Known from before" in answer(frame, again)[1]


def test_what_is_saved_next_joins_the_same_session(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    visitor = lab.identity.read(request_of.cookies)
    *_, first = frame._save(request_of, "", *raw(frame, photo=photo, amount=10))
    session_id = first[-1]
    *_, second = frame._save(request_of, session_id, *raw(frame, photo=photo, amount=20))
    assert second[-1] == session_id
    session = lab.store.sessions.get(session_id, visitor)
    assert [run.experiment.parameters["amount"] for run in session.runs] == [10, 20]
    assert second[-3]["value"] == f"http://lab.test/shades?session={session.link}&run={session.runs[1].id}"


def test_a_stored_run_comes_back_with_its_controls_and_without_computing(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    *_, last = frame.conductor.run(raw(frame, photo=photo, amount=35, curve="bend", smooth=True, seed=7), request_of)
    visitor = lab.identity.read(request_of.cookies)
    run = lab.store.runs.get(last[-3], visitor)
    results = lab.store.runs.outputs(run.id, visitor)
    (updates,) = frame.conductor.open((run, results), request_of)
    assert values(frame, updates) == {
        "photo": photo,
        "model": "shades/dimmer",
        "amount": 35,
        "curve": "bend",
        "smooth": True,
    }
    assert updates[len(frame.conductor.panel.inputs) - 1]["value"] == 7
    _, _, view = answer(frame, updates[len(frame.conductor.panel.inputs) :])
    assert view[0]["value"] == answer(frame, last)[2][0]["value"]


def test_an_upload_is_prepared_kept_and_removed_from_the_disk(frame, lab, request_of, tmp_path: Path):
    file = tmp_path / "photo.png"
    file.write_bytes(picture())
    updates = frame.conductor.upload(frame.conductor.pictures[0], str(file), raw(frame), request_of)
    assert not file.exists()
    photo = values(frame, updates)["photo"]
    kept = lab.store.artifacts.read(photo, lab.identity.read(request_of.cookies))
    assert kept == Shade.prepare_input("photo", picture())


@pytest.mark.parametrize("data", [b"", b"no picture", picture()[:60]])
def test_a_bad_upload_costs_nothing(frame, request_of, tmp_path: Path, data: bytes):
    file = tmp_path / "bad.png"
    file.write_bytes(data)
    updates = frame.conductor.upload(frame.conductor.pictures[0], str(file), raw(frame), request_of)
    assert values(frame, updates) == {}
    problems, _, view = answer(frame, updates[len(frame.conductor.panel.inputs) :])
    assert 'role="alert"' in problems[0]
    assert all("value" not in update for update in view)
    assert not file.exists()


def test_another_visitor_cannot_use_a_picture_by_its_hash(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    _, cookie = lab.identity.issue()
    scope = dict(request_of.request.scope, headers=[(b"cookie", f"{COOKIE}={cookie}".encode())])
    other = gr.Request(Request(scope), session_hash="other")
    lab.store.artifacts.put("someone-else-entirely", b"x", "application/octet-stream")
    _, line, view = answer(frame, frame.conductor.live(raw(frame, photo=photo), other))
    assert "vt-status-failed" in line or "see the note" in line
    assert all("value" not in update for update in view)


def test_conditions_labels_and_advanced_ones_follow_the_declaration(frame):
    panel = frame.conductor.panel
    assert panel.control("smooth").box.visible is False
    assert panel.control("curve").box.visible is True
    assert [tuple(choice) for choice in panel.control("model").component.choices] == [("Dimmer", "shades/dimmer")]
    assert [control.parameter.name for control in panel.controls][-1] == "smooth"
    told = describe(SHADES)["actions"][0]
    assert [item["name"] for item in told["parameters"]] == ["photo", "model", "amount", "curve", "smooth"]

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
from components.opening import open_on
from components.playground import describe
from components.views import DerivedView
from tests.components.shell_lab import SHADES, Shade, new_visitor, picture, shades_lab


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
    return new_visitor(lab)


@pytest.fixture
def other_request(lab: Lab, request_of: gr.Request) -> gr.Request:
    """Of another visitor."""
    _, cookie = lab.identity.issue()
    scope = dict(request_of.request.scope, headers=[(b"cookie", f"{COOKIE}={cookie}".encode())])
    return gr.Request(Request(scope), session_hash="other")


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
        for control, sentence in zip(frame.conductor.panel.controls, problems, strict=False)
    }
    assert "Amount must be from 0 to 90 %" in told.pop("amount")
    assert set(told.values()) == {""}
    assert problems[-1] == ""  # the seed's
    assert "see the note" in line
    assert all("value" not in update for update in view)


@pytest.mark.parametrize("seed", [-1, 2**31, 0.5, None, "abc"])
def test_a_bad_seed_is_told_beside_it_and_never_replaced(frame, lab, request_of, seed):
    photo = with_picture(frame, lab, request_of)
    problems, _, view = answer(frame, frame.conductor.live(raw(frame, photo=photo, seed=seed), request_of))
    assert "The seed must be a whole number from 0 to" in problems[-1]
    assert set(problems[:-1]) == {""}
    assert all("value" not in update for update in view)


def test_an_emptied_number_is_refused_and_not_replaced_by_its_default(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    problems, _, view = answer(frame, frame.conductor.live(raw(frame, photo=photo, amount=None), request_of))
    assert any("Amount must be from 0 to 90 %" in problem for problem in problems)
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
    run_id, run_button, stop_button, reproduce = last[-4:]
    assert (run_button["interactive"], stop_button["interactive"], reproduce["interactive"]) == (True, False, True)
    assert lab.store.runs.get(run_id, lab.identity.read(request_of.cookies)).state == "done"
    *_, again = frame.conductor.run(raw(frame, photo=photo, amount=25), request_of)
    assert "Known from before" in answer(frame, again)[1]


def saved(frame: ActionFrame, request: gr.Request, session_id: str = "", run_id: str = "", **changes: Any) -> Any:
    """Press Save; the session that is chosen afterwards, and what is said of it."""
    *_, last = frame._save(request, session_id, run_id, *raw(frame, **changes))
    return last[-1]["value"], last[-2]["value"]


def test_what_is_saved_next_joins_the_same_session(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    visitor = lab.identity.read(request_of.cookies)
    session_id, _ = saved(frame, request_of, photo=photo, amount=10)
    again, told = saved(frame, request_of, session_id, photo=photo, amount=20)
    assert again == session_id
    session = lab.store.sessions.get(session_id, visitor)
    assert [run.experiment.parameters["amount"] for run in session.runs] == [10, 20]
    link = f"http://lab.test/shades?session={session.link}&amp;run={session.runs[1].id}"
    assert f'value="{link}"' in told
    assert f'data-copy="{link}"' in told
    assert f'href="/sessions?session={session.link}"' in told
    assert "(2 results)" in told


def test_the_menu_offers_a_new_session_and_the_latest_ten_of_ones_own(frame, lab, request_of):
    visitor = lab.identity.read(request_of.cookies)
    made = [lab.store.sessions.create(visitor, f"Day {number}").id for number in range(12)]
    lab.store.sessions.create("someone-else-entirely", "Not mine")
    choices = frame.saving.choices(request_of, lab)["choices"]
    assert choices[0] == ("New session", "")
    assert {session_id for _, session_id in choices[1:]} <= set(made)
    assert len(choices) == 11


@pytest.mark.parametrize("chosen", ["nonsense", "0" * 22, "theirs"])
def test_a_session_that_is_not_ones_own_is_never_saved_into(frame, lab, request_of, chosen):
    photo = with_picture(frame, lab, request_of)
    theirs = lab.store.sessions.create("someone-else-entirely", "Not mine")
    session_id, _ = saved(frame, request_of, theirs.id if chosen == "theirs" else chosen, photo=photo)
    assert session_id not in (theirs.id, chosen)
    assert lab.store.sessions.get(theirs.id, "someone-else-entirely").runs == ()


def test_saving_what_a_link_shows_makes_ones_own_copy_without_computing(frame, lab, request_of, other_request):
    photo = with_picture(frame, lab, request_of)
    owner, reader = (lab.identity.read(request.cookies) for request in (request_of, other_request))
    session_id, _ = saved(frame, request_of, photo=photo, amount=55)
    session = lab.store.sessions.get(session_id, owner)
    shown = lab.store.sessions.open(session.link, reader).runs[0]
    submitted = lab.runtime.status().ended.get("done", 0)
    copy_id, _ = saved(frame, other_request, run_id=shown.id, photo=photo, amount=55)
    (copy,) = lab.store.sessions.get(copy_id, reader).runs
    assert copy.id != shown.id
    assert copy.visitor == reader
    assert [item.digest for item in copy.outputs] == [item.digest for item in shown.outputs]
    assert lab.runtime.status().ended.get("done", 0) == submitted


def test_a_stored_run_comes_back_with_its_controls_and_without_computing(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    *_, last = frame.conductor.run(raw(frame, photo=photo, amount=35, curve="bend", smooth=True, seed=7), request_of)
    visitor = lab.identity.read(request_of.cookies)
    run = lab.store.runs.get(last[-4], visitor)
    results = lab.store.runs.outputs(run.id, visitor)
    (updates,) = open_on(frame.conductor, (run, results), {}, request_of)
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


def test_another_visitor_cannot_use_a_picture_by_its_hash(frame, lab, request_of, other_request):
    photo = with_picture(frame, lab, request_of)
    lab.store.artifacts.put("someone-else-entirely", b"x", "application/octet-stream")
    _, line, view = answer(frame, frame.conductor.live(raw(frame, photo=photo), other_request))
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

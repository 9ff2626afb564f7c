"""What a page shows first when its address asks for something: judged by the action, restored, never recorded."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest

from backends.core.errors import NotFound
from components.frame import ActionFrame
from tests.components.shell_lab import Shade, picture
from tests.components.test_conduct import answer, frame, lab, other_request, raw, request_of, values, with_picture

__all__ = ["frame", "lab", "other_request", "request_of"]  # fixtures


def opened(frame: ActionFrame, request: gr.Request, **query: str) -> list[Any]:
    *_, last = frame.open(None, query, request)
    return last


def told(frame: ActionFrame, updates: list[Any]) -> dict[str, str]:
    """Control -> its sentence, where there is one."""
    problems, _, _ = answer(frame, updates[len(frame.controls) :])
    names = [control.parameter.name for control in frame.conductor.panel.controls] + ["seed"]
    return {name: problem for name, problem in zip(names, problems, strict=True) if problem}


def state(frame: ActionFrame, updates: list[Any]) -> dict[str, Any]:
    """What the address would carry."""
    found: dict[str, Any] = json.loads(updates[len(frame.controls) + len(frame.answer) - 1])
    return found


def test_an_address_restores_the_controls_and_shows_the_answer_without_saving(frame, lab, request_of):
    updates = opened(frame, request_of, example="steps", amount="25", curve="bend", smooth="on", seed="9")
    found = values(frame, updates)
    assert {name: found[name] for name in ("amount", "curve", "smooth")} == {
        "amount": 25,
        "curve": "bend",
        "smooth": True,
    }
    assert updates[len(frame.controls) - 1]["value"] == 9
    assert told(frame, updates) == {}
    _, line, view = answer(frame, updates[len(frame.controls) :])
    assert "Preview" in line
    direct = frame.conductor.live(raw(frame, photo=found["photo"], amount=25, curve="bend", smooth=True), request_of)
    assert view[0]["value"] == answer(frame, direct)[2][0]["value"]
    assert lab.store.runs.recent(lab.identity.read(request_of.cookies), 10) == []


def test_without_an_address_the_first_example_opens_and_the_address_stays_clean(frame, request_of):
    assert state(frame, opened(frame, request_of))["moved"] is False


def test_what_the_example_suggests_stands_unless_the_address_says_otherwise(frame, request_of):
    assert values(frame, opened(frame, request_of, example="steps"))["amount"] == 60
    updates = opened(frame, request_of, example="steps", amount="30")  # 30: the declared default
    assert values(frame, updates)["amount"] == 30
    assert state(frame, updates) == {"query": "example=steps&amount=30", "moved": True, "own": False}


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("amount", "abc", "Amount must be from 0 to 90 %"),
        ("amount", "91", "Amount must be from 0 to 90 %"),
        ("amount", "nan", "Amount must be from 0 to 90 %"),
        ("curve", "spiral", "must be one of"),
        ("smooth", "perhaps", "must be on or off"),
        ("model", "shades/none", "There is no such model here"),
        ("photo", "0" * 64, "The picture of this address is not here for you"),
        ("photo", "../../etc/passwd", "The picture of this address is not here for you"),
        ("seed", "abc", "The seed must be a whole number"),
        ("seed", "-1", "The seed must be a whole number"),
    ],
)
def test_a_bad_value_is_told_beside_its_control_and_the_rest_is_restored(frame, request_of, name, value, sentence):
    other = {"curve": "bend"} if name == "amount" else {"amount": "85"}
    updates = opened(frame, request_of, **{name: value}, **other)
    sentences = told(frame, updates)
    assert set(sentences) == {name}
    assert sentence in sentences[name]
    key, wanted = next(iter(other.items()))
    assert str(values(frame, updates)[key]) in (wanted, f"{wanted}.0")
    assert value not in state(frame, updates)["query"]
    assert "data:image/png" in answer(frame, updates[len(frame.controls) :])[2][0]["value"]


def test_an_unknown_example_is_told_and_the_first_one_opens(frame, request_of):
    updates = opened(frame, request_of, example="nope")
    assert "There is no such example" in told(frame, updates)["photo"]
    assert "data:image/png" in answer(frame, updates[len(frame.controls) :])[2][0]["value"]


def test_the_picture_of_another_visitor_is_not_opened_by_its_digest(frame, lab, request_of, other_request):
    digest = lab.store.artifacts.put("someone-else-entirely", picture() + b"x", "application/octet-stream")
    with pytest.raises(NotFound):
        lab.store.artifacts.read(digest, lab.identity.read(other_request.cookies))
    updates = opened(frame, other_request, photo=digest)
    assert "not here for you" in told(frame, updates)["photo"]
    assert values(frame, updates)["photo"] != digest


def test_ones_own_upload_comes_back_by_its_digest(frame, lab, request_of):
    data = Shade.prepare_input("photo", picture())
    digest = lab.store.artifacts.put(lab.identity.read(request_of.cookies), data, "application/octet-stream")
    updates = opened(frame, request_of, photo=digest, amount="15")
    assert values(frame, updates)["photo"] == digest
    assert told(frame, updates) == {}


def test_a_control_that_is_moved_is_in_the_address_and_a_refused_one_is_not(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    moved = json.loads(frame.conductor.live(raw(frame, photo=photo, amount=45), request_of)[-1])
    assert moved == {"query": "example=steps&amount=45", "moved": True, "own": False}
    refused = frame.conductor.live(raw(frame, photo=photo, amount=91), request_of)[-1]
    assert "value" not in refused  # nothing is told: the last good state stays


def test_a_link_that_cannot_be_opened_still_restores_and_keeps_its_sentence(frame, request_of):
    updates = opened(frame, request_of, session="nope", amount="45")
    assert values(frame, updates)["amount"] == 45
    assert state(frame, updates)["moved"] is False

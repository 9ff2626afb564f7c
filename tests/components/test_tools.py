"""The tools of the frame on a real laboratory: computing again, putting aside, and what is not here any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import gradio as gr
import numpy as np

from backends.core.experiment import Experiment
from backends.core.results import Image, Number
from backends.registry.catalogue import Catalogue
from components.controls import Panel
from components.frame import ActionFrame
from tests.components.shell_lab import Shade
from tests.components.test_conduct import frame, lab, other_request, raw, request_of, saved, values, with_picture

__all__ = ["frame", "lab", "other_request", "request_of"]  # fixtures


def recorded(frame: ActionFrame, lab: Any, request: gr.Request, **changes: Any) -> str:
    photo = with_picture(frame, lab, request)
    *_, last = frame.conductor.run(raw(frame, photo=photo, **changes), request)
    return str(last[-4])


def reproduced(frame: ActionFrame, run_id: str, request: gr.Request) -> list[list[Any]]:
    return list(frame.tools._again(frame, run_id, request))


def blocks(build: Callable[[], Any]) -> Any:
    """What is built inside a Gradio block of its own."""

    async def inside() -> Any:
        with gr.Blocks(analytics_enabled=False):
            return build()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(inside())).result()


def test_a_run_is_computed_again_and_judged_while_its_own_result_stays(frame, lab, request_of):
    run_id = recorded(frame, lab, request_of, amount=40)
    before = len(lab.store.runs.recent(lab.identity.read(request_of.cookies), 50))
    first, *_, last = reproduced(frame, run_id, request_of)
    assert values(frame, first)["amount"] == 40
    assert "data:image/png" in first[len(frame.controls) + len(frame.conductor.panel.problems) + 1]["value"]
    assert "Reproduced bit for bit" in last[-1]["value"]
    assert last[-5] == run_id  # the page is still about the recorded run
    assert len(lab.store.runs.recent(lab.identity.read(request_of.cookies), 50)) == before + 1


def test_what_a_link_shows_can_be_reproduced_by_its_reader(frame, lab, request_of, other_request):
    photo = with_picture(frame, lab, request_of)
    session_id, _ = saved(frame, request_of, photo=photo, amount=65)
    owner, reader = (lab.identity.read(request.cookies) for request in (request_of, other_request))
    session = lab.store.sessions.open(lab.store.sessions.get(session_id, owner).link, reader)
    *_, last = reproduced(frame, session.runs[0].id, other_request)
    assert "Reproduced bit for bit" in last[-1]["value"]
    assert lab.store.runs.recent(reader, 1)[0].visitor == reader


def with_other_weights(frame: ActionFrame, lab: Any, request: gr.Request) -> str:
    """A stored run whose model's weights are not those that are here."""
    visitor, photo = lab.identity.read(request.cookies), with_picture(frame, lab, request)
    settings = {item.name: item.default for item in Shade.parameters() if item.kind not in ("image", "model")}
    experiment = Experiment(Shade.name, settings, {"photo": photo}, {"model": ("shades/dimmer", "0" * 64)})
    run = lab.store.runs.create(experiment, visitor)
    lab.store.runs.start(run.id)
    darker = Image(np.zeros((4, 4), np.uint8), "A darker picture")
    results = {"darker": darker, "mean": Number(0.0, "Mean grey")}
    return str(lab.store.runs.finish(run.id, results, {"version": "test"}).id)


def test_with_other_weights_the_sentence_is_clear_and_the_stored_result_stays(frame, lab, request_of):
    run_id = with_other_weights(frame, lab, request_of)
    (only,) = reproduced(frame, run_id, request_of)
    assert 'role="alert"' in only[-1]["value"]
    assert "weights" in only[-1]["value"]
    assert only[-5] == run_id
    assert all("value" not in update for update in only[: len(frame.controls) + len(frame.answer)])


def test_what_is_shown_is_saved_as_it_is_when_its_weights_are_gone(frame, lab, request_of):
    run_id = with_other_weights(frame, lab, request_of)
    photo = with_picture(frame, lab, request_of)
    session_id, told = saved(frame, request_of, run_id=run_id, photo=photo)
    session = lab.store.sessions.get(session_id, lab.identity.read(request_of.cookies))
    assert [run.id for run in session.runs] == [run_id]
    assert "(1 result)" in told


def test_a_run_that_is_not_ones_own_cannot_be_reproduced(frame, lab, request_of, other_request):
    run_id = recorded(frame, lab, request_of, amount=75)
    (only,) = reproduced(frame, run_id, other_request)
    assert 'role="alert"' in only[-1]["value"]
    assert lab.store.runs.recent(lab.identity.read(other_request.cookies), 5) == []


def test_what_is_put_aside_is_recorded_first(frame, lab, request_of):
    photo = with_picture(frame, lab, request_of)
    *_, last = frame.tools._put_aside(frame, "", raw(frame, photo=photo, amount=5), request_of)
    run_id, _ = last[-1].split(" ")
    run = lab.store.runs.get(run_id, lab.identity.read(request_of.cookies))
    assert (run.state, run.experiment.parameters["amount"]) == ("done", 5)
    *_, refused = frame.tools._put_aside(frame, "", raw(frame, photo=photo, amount=99), request_of)
    assert "value" not in refused[-1]


def test_a_stored_sweep_restores_the_base_controls_and_is_given_to_its_part(frame, lab, request_of):
    photo, visitor = with_picture(frame, lab, request_of), lab.identity.read(request_of.cookies)
    sweep = lab.actions.sweep_of(Shade.name)
    asked = {"photo": photo, "amount": 20, "curve": "bend", "sweep_x": "amount", "sweep_x_values": "0, 45, 90"}
    run = lab.runtime.submit(lab.experiment(sweep.parse(asked), 3), visitor)
    *_, last = lab.runtime.watch(run.id, visitor)
    assert last.run.state == "done", last.run.error
    stored = (last.run, lab.store.runs.outputs(run.id, visitor))
    *_, updates = frame.open(stored, {}, request_of)
    assert values(frame, updates)["curve"] == "bend"
    assert updates[len(frame.controls) - 1]["value"] == 3


def test_a_default_model_that_is_not_here_is_told_beside_its_control_and_stops_nothing(frame, lab, request_of):
    panel = blocks(lambda: Panel(Shade, Catalogue()))
    control = panel.control("model")
    assert "shades/dimmer" in control.problem.value
    assert "is not here. <span>Choose another one." in control.problem.value
    assert control.component.value is None
    assert "is not here" in panel.explain(None)[[c.parameter.name for c in panel.controls].index("model")]
    assert blocks(lambda: Panel(Shade, lab.catalogue)).control("model").problem.value == ""

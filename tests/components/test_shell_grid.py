"""A stored sweep on the session pages, and a sweep on the reference page, run by Streamlit's own test runner."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from backends.core.sweep import sweep_of
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from components.curl import curl_example
from components.lab import install
from components.reference_tables import outputs_table, parameters_table
from tests.components.shell_driver import come_in, go, open_shell, still_well, words
from tests.components.shell_lab import SHADES, Shade, picture, shades_lab

ShadeSweep = sweep_of(Shade)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("grid")) as made:
        install(made)
        yield made


def saved(lab: Lab, visitor: str) -> str:
    """The id of a session with one sweep, judged by the smallest mean."""
    photo = lab.store.artifacts.put(visitor, picture(), "application/octet-stream")
    values = {"photo": photo, "sweep_x": "amount", "sweep_x_values": "0, 45, 90", "sweep_best": "mean"}
    action = ShadeSweep.parse({**values, "sweep_goal": "smallest"})
    run = lab.runtime.submit(lab.experiment(action), visitor)
    last = [event for event in lab.runtime.watch(run.id, visitor) if isinstance(event, Final)][-1]
    assert last.run.state == "done", last.run.error
    session = lab.store.sessions.create(visitor, "With a sweep")
    return lab.store.sessions.add_run(session.id, visitor, run.id).id


def best(text: str) -> list[str]:
    """The numbers of the cells that are marked as best."""
    return re.findall(r'vt-cell-best">.*?<b>([^<]*)</b>', text)


def test_a_stored_sweep_stands_as_it_was_judged_and_its_menus_change_what_is_seen(lab, monkeypatch):
    me = come_in(lab, monkeypatch)
    shell = go(open_shell(), "sessions", session=saved(lab, me))
    text = words(shell)
    assert text.count('class="vt-cell') >= 3
    assert "Amount 90 has the smallest Mean grey" in text
    assert "data:image/svg+xml" in text
    assert "<button" not in text
    low = best(text)
    goal = next(menu for menu in shell.selectbox if menu.label == "Best is")
    still_well(goal.set_value("the largest").run())
    assert "Amount 0 has the largest Mean grey" in words(shell)
    assert best(words(shell)) != low
    judge = next(menu for menu in shell.selectbox if menu.label == "Judge by")
    still_well(judge.set_value("").run())
    assert "<em>Best</em>" not in words(shell)


def test_the_numbers_and_the_best_cell_are_not_told_twice(lab, monkeypatch):
    me = come_in(lab, monkeypatch)
    text = words(go(open_shell(), "sessions", session=saved(lab, me)))
    assert text.count("Numbers of all cells") == 1
    assert text.count("has the smallest Mean grey") == 1


def test_the_reference_tells_how_each_action_is_swept(lab, monkeypatch):
    come_in(lab, monkeypatch)
    shell = go(open_shell(), "reference")
    assert "`shades/shade/sweep` computes this" in words(shell)
    names = [row[1] for row in parameters_table(ShadeSweep, but=Shade).rows]
    assert names[:2] == ["sweep_x", "sweep_x_values"]
    assert not set(names) & {item.name for item in Shade.parameters()}
    assert ("Grid", "grid", "grid of results", "always") in outputs_table(ShadeSweep).rows
    assert any(ShadeSweep.name in code.value for code in shell.code)


def test_the_call_that_the_reference_shows_runs_as_it_is(lab):
    body = curl_example(ShadeSweep, "").split("-d '")[1].split("'\n")[0]
    values = json.loads(re.sub(r"\"'\"\$PHOTO\"'\"", '"' + "0" * 64 + '"', body))
    plan = ShadeSweep.parse(values["parameters"]).plan()
    assert [cell.amount for _, cell in plan.cells] == [0, 22.5, 45, 67.5, 90]
    assert SHADES.actions == (Shade,)

"""Sessions where something is wrong or much: closed links, lost files and models, newer forms, long ones, replays."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from streamlit.testing.v1 import AppTest

from backends.core.digest import sha256
from backends.runtime.lab import Lab
from components.lab import install
from tests.components.shell_driver import come_in, go, open_shell, press, save, words
from tests.components.shell_lab import shades_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("sessions")) as made:
        install(made)
        yield made


@pytest.fixture
def me(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> str:
    return come_in(lab, monkeypatch)


@pytest.fixture
def shell(me: str) -> AppTest:
    return open_shell()


@pytest.mark.parametrize("address", ["no-such-link", "A" * 22, "../../etc/passwd"])
def test_a_broken_link_is_told_in_a_sentence(shell, address):
    assert "This link leads nowhere" in words(go(shell, "sessions", session=address))


def test_closed_links_say_how_they_were_closed_and_what_to_do(shell, lab):
    session = save(lab, "its-owner", "Closed")
    lab.store.sessions.revoke(session.id, "its-owner", session.link)
    shown = words(go(shell, "sessions", session=session.link))
    assert "withdrawn" in shown
    assert "new one" in shown


def test_a_session_of_fifty_draws_the_first_results_and_a_line_for_each_other(shell, lab, me):
    session = lab.store.sessions.create(me, "Many")
    first = save(lab, me, "Few", *(float(amount) for amount in range(0, 60, 5)))
    for run in first.runs:
        lab.store.sessions.add_run(session.id, me, run.id)
    page = go(shell, "sessions", session=session.link)
    assert words(page).count('class="vt-figure"') < len(first.runs)
    assert words(page).count('class="vt-with-thumb"') == len(first.runs) - 3
    press(page, "Show")
    assert words(page).count('class="vt-with-thumb"') == len(first.runs) - 4


def test_whatever_is_wrong_with_one_result_the_others_stand(shell, lab, me):
    session = save(lab, me, "Mixed", 10, 20, 30)
    newer, gone, lost = session.runs
    _rewrite(lab, newer.id, schema=99, colour="more than we know")
    _rewrite(lab, gone.id, action="shades/vanished")
    picture = next(one for one in lost.outputs if one.name == "darker")
    lab.store._parts.files.path(picture.digest).unlink()
    page = go(shell, "sessions", session=session.link)
    shown = words(page)
    assert "written by a newer Vitrine" in shown
    assert "made with an action that is not here any more" in shown
    assert "the stored file is missing or damaged: Darker." in shown
    assert shown.count("Mean grey") >= 3
    assert f'src="/api/runs/{lost.id}/outputs/darker"' not in shown
    assert [link.proto.label for link in page.get("page_link")].count("Open in the playground") == 1
    press(page, "Move result 1 down")
    assert len(lab.store.sessions.get(session.id, me).runs) == 3


def test_a_model_that_is_gone_is_said_and_what_was_stored_is_shown(shell, lab, me):
    session = save(lab, me, "Without its model")
    _rewrite(lab, session.runs[0].id, models={"model": ["shades/lost", "0" * 64]})
    page = go(shell, "sessions", session=session.link)
    assert "made with a model that is not here any more" in words(page)
    assert "Mean grey" in words(page)
    assert "Reproduce" not in [button.label for button in page.button]


def test_reproducing_says_that_the_same_came_out(shell, lab, me):
    session = save(lab, me, "Once more")
    page = press(go(shell, "sessions", session=session.link), "Reproduce")
    for _ in range(20):
        if 'class="vt-verdict' in words(page):
            break
        time.sleep(0.2)
        page.run()
    assert "bit for bit" in words(page)
    assert len(lab.store.sessions.get(session.id, me).runs) == 1


def _rewrite(lab: Lab, run_id: str, **members: object) -> None:
    """Change the stored experiment of a run, as another version of Vitrine would have written it."""
    engine = create_engine(str(lab.store._parts.database.engine.url))
    with engine.begin() as connection:
        row = connection.execute(text("select experiment from runs where id = :id"), {"id": run_id}).scalar_one()
        told = json.dumps(json.loads(row) | members, sort_keys=True, separators=(",", ":"))
        change = text("update runs set experiment = :told, experiment_digest = :digest where id = :id")
        connection.execute(change, {"told": told, "digest": sha256(told.encode()), "id": run_id})
    engine.dispose()

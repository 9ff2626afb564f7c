"""The shell's pages, run by Streamlit's own test runner over a real store, registry and runtime."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest

from backends.runtime.lab import Lab
from components.lab import install
from components.showcase import compute, showcase
from tests.components.shell_driver import ROOT, come_in, go, open_shell, press, save, words
from tests.components.shell_lab import SHADES, shades_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("shell")) as made:
        install(made)
        showcase.clear()
        yield made


@pytest.fixture
def me(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> str:
    return come_in(lab, monkeypatch)


@pytest.fixture
def shell(me: str) -> AppTest:
    return open_shell()


def test_home_shows_every_playground_and_what_runs_offline(shell):
    assert not shell.exception
    text = words(shell)
    assert "Shades" in text
    assert "Darken pictures." in text
    assert "1 model (4 KB in memory) comes with Vitrine" in text


def test_the_picture_of_a_card_is_really_computed_from_the_first_example(lab):
    piece = compute(lab, SHADES)
    assert piece is not None
    assert piece.png.startswith(b"\x89PNG")
    assert piece.alt == "A darker picture"
    assert "Grey steps" in piece.caption
    assert "synthetic" in piece.caption


def test_home_lists_ones_own_latest_sessions(shell, lab, me):
    save(lab, me, "Mine to find")
    save(lab, "another-visitor", "Someone else's")
    shell.run()
    assert "Mine to find" in words(shell)
    assert "Someone else" not in words(shell)


def test_models_are_loaded_verified_and_unloaded_by_hand(shell, lab):
    lab.registry.unload("shades/dimmer")
    go(shell, "models")
    assert "Not loaded" in words(shell)
    shell.button(key="load-shades/dimmer").click().run()
    assert "Loaded." in words(shell)
    assert "Ready" in words(shell)
    assert lab.registry.status().models[0].state == "resident"
    shell.button(key="verify-shades/dimmer").click().run()
    assert "match their digest" in words(shell)
    shell.button(key="unload-shades/dimmer").click().run()
    assert lab.registry.status().models[0].state == "absent"


def test_the_models_page_shows_budget_and_card(shell):
    text = words(go(shell, "models"))
    assert "of 1 MB used by models" in text
    assert "Mean error 0.5." in text
    assert "# Dimmer" not in text
    assert "1.2 million" in text


def test_the_reference_is_derived_from_the_declaration(shell):
    text = words(go(shell, "reference"))
    for part in (
        "Make a picture darker.",
        "0 to 90 %, in steps of 5",
        "Straight, Bent",
        "How much darker.",
        "shades/dimmer",
    ):
        assert part in text
    assert "Only while curve is bend." in text
    assert "/api/actions/shades/shade?wait=60" in shell.code[0].value


def test_a_playground_without_a_file_of_its_own_still_has_a_page(shell):
    assert not (ROOT / "pages" / "shades.py").exists()
    assert "Open Shades" in [link.proto.label for link in shell.get("page_link")]


def test_who_has_no_cookie_can_look_but_makes_nothing_their_own(lab, monkeypatch):
    monkeypatch.setattr(ContextProxy, "cookies", property(lambda _: {}))
    session = save(lab, "its-owner", "Shared work")
    page = go(open_shell(), "sessions", session=session.link)
    assert "Shared work" in words(page)
    before = len(lab.store.sessions.list("its-owner"))
    press(page, "Make my own copy")
    assert any("keeps no cookie" in toast.value for toast in page.toast)
    assert len(lab.store.sessions.list("its-owner")) == before


def test_a_rerun_of_home_costs_little(shell):
    import time

    showcase().picture("shades")
    for _ in range(5):
        shell.run()
    costs = []
    for _ in range(10):
        start = time.process_time()
        shell.run()
        costs.append(time.process_time() - start)
    assert sorted(costs)[5] < 0.1  # the test runner itself takes most of this; the page's own share is below 10 ms

"""The shell's pages, run by Streamlit's own test runner over a real store, registry and runtime."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from backends.core.errors import NotFound
from backends.runtime.lab import Lab
from components.chrome import GUEST
from components.lab import install
from components.showcase import compute, showcase
from tests.components.shell_lab import SHADES, shaded, shades_lab

ROOT = Path(__file__).parents[2]
SECONDS = 30


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("shell")) as made:
        install(made)
        showcase.clear()
        yield made


@pytest.fixture
def shell(lab: Lab) -> AppTest:
    for session in lab.store.sessions.list(GUEST):
        lab.store.sessions.delete(session.id, GUEST)
    return AppTest.from_file(str(ROOT / "app" / "shell.py"), default_timeout=SECONDS).run()


def go(shell: AppTest, page: str, **params: str) -> AppTest:
    shell.switch_page(f"../pages/{page}.py")
    for name, value in params.items():
        shell.query_params[name] = value
    shell.run()
    assert not shell.exception
    return shell


def words(shell: AppTest) -> str:
    """All HTML and Markdown on the page."""
    return "\n".join([*(part.proto.body for part in shell.get("html")), *(part.value for part in shell.markdown)])


def save(lab: Lab, title: str, visitor: str = GUEST):
    run = shaded(lab, visitor)
    session = lab.store.sessions.create(visitor, title, "Two words.")
    return lab.store.sessions.add_run(session.id, visitor, run.id)


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


def test_home_lists_ones_own_latest_sessions(shell, lab):
    save(lab, "Mine to find")
    save(lab, "Someone else's", "another-visitor")
    shell.run()
    assert "Mine to find" in words(shell)
    assert "Someone else" not in words(shell)


def test_an_empty_sessions_page_says_what_to_do(shell):
    assert "press Save" in words(go(shell, "sessions"))


def test_a_session_is_renamed_and_deleted(shell, lab):
    session = save(lab, "Old name")
    go(shell, "sessions")
    shell.text_input[0].set_value("New name")
    next(button for button in shell.button if button.label == "Rename").click().run()
    assert lab.store.sessions.get(session.id, GUEST).title == "New name"
    assert "Renamed." in words(shell)
    next(button for button in shell.button if button.label == "Delete for good").click().run()
    with pytest.raises(NotFound):
        lab.store.sessions.get(session.id, GUEST)
    assert "Deleted." in words(shell)


def test_an_empty_title_is_refused_with_a_sentence(shell, lab):
    session = save(lab, "Keeps its name")
    go(shell, "sessions")
    shell.text_input[0].set_value("   ")
    next(button for button in shell.button if button.label == "Rename").click().run()
    assert lab.store.sessions.get(session.id, GUEST).title == "Keeps its name"
    assert 'role="alert"' in words(shell)


def test_a_link_of_someone_else_opens_read_only_with_every_kind_of_result(shell, lab):
    session = save(lab, "Shared work", "its-owner")
    text = words(go(shell, "sessions", session=session.link))
    run = session.runs[0]
    assert "Shared with you, read-only" in text
    assert f'src="/api/runs/{run.id}/outputs/darker"' in text
    assert 'alt="A darker picture"' in text
    for part in (
        "Mean grey",
        "vt-tokens",
        "vt-table",
        "vt-gallery",
        f"/api/runs/{run.id}/outputs/tone",
        "raw.bin, 4 bytes",
    ):
        assert part in text
    assert "<b>Not</b>" not in text
    assert len(shell.get("plotly_chart")) == 1
    assert not [button for button in shell.button if button.label in ("Rename", "Delete for good")]


def test_an_opened_session_tells_its_settings_with_units(shell, lab):
    session = save(lab, "With settings")
    text = words(go(shell, "sessions", session=session.link))
    assert "Yours" in text
    assert "<dt>Amount</dt><dd>30 %</dd>" in text
    assert "<dt>Curve</dt><dd>Straight</dd>" in text
    assert "shades/dimmer" in text


def test_a_broken_link_is_told_in_a_sentence(shell):
    assert "This link leads nowhere" in words(go(shell, "sessions", session="no-such-link"))


def test_titles_are_shown_as_text_never_as_html(shell, lab):
    save(lab, "<img src=x onerror=alert(1)>")
    text = words(go(shell, "sessions"))
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text


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

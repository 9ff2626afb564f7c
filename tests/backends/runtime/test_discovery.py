"""Playgrounds and models are found by where they lie."""

from __future__ import annotations

from pathlib import Path

import pytest

import backends
from backends.runtime import discovery

_ACTIONS = """
from backends.core.playground import Playground

PLAYGROUND = Playground("{name}", "Found", "For tests.", ())
"""


@pytest.fixture
def backends_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that counts as a part of backends/."""
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path)])
    monkeypatch.setattr(discovery, "_BACKENDS", tmp_path)
    return tmp_path


def test_the_medical_playground_and_its_models_are_found() -> None:
    assert "medical" in [playground.name for playground in discovery.playgrounds()]
    assert any(card.id.startswith("medical/") for card in discovery.catalogue())
    assert discovery.actions().get("medical/classify").title


def test_a_playground_may_be_declared_in_its_actions_and_have_no_models(backends_folder: Path) -> None:
    for name in ("found_in_actions", "found_in_nothing"):
        (backends_folder / name).mkdir()
    (backends_folder / "found_in_actions" / "actions.py").write_text(_ACTIONS.format(name="found_in_actions"))
    (backends_folder / "found_in_nothing" / "actions.py").write_text("")
    assert [playground.name for playground in discovery.playgrounds()] == ["found_in_actions"]
    assert len(discovery.catalogue()) == 0


def test_where_there_is_a_playground_file_it_is_the_one_that_counts(backends_folder: Path) -> None:
    folder = backends_folder / "found_in_both"
    folder.mkdir()
    (folder / "actions.py").write_text(_ACTIONS.format(name="not_this"))
    (folder / "playground.py").write_text(_ACTIONS.format(name="found_in_both"))
    assert [playground.name for playground in discovery.playgrounds()] == ["found_in_both"]

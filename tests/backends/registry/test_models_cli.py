"""`python -m app models ...`, on a registry of the test's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.models_cli import models_app
from backends.core.errors import StoreError
from backends.registry.catalogue import Hub, Local
from backends.registry.registry import Registry
from tests.backends.registry.support import Workshop


class Console:
    """Runs commands; each gets a registry of its own, as a new process would."""

    def __init__(self, workshop: Workshop, folder: Path) -> None:
        self.workshop = workshop
        self.folder = folder
        self.opened: list[Registry] = []

    def open(self) -> Registry:
        cards = [
            self.workshop.card("a", 2_000_000, labels=("cat", "dog"), card="# A card\nIts text."),
            self.workshop.card("remote", 5_000_000, source=Hub("tiny/bert", "main")),
            self.workshop.card("missing", source=Local(self.folder / "nowhere")),
        ]
        self.opened.append(self.workshop.registry(cards, ram_budget=10_000_000))
        return self.opened[-1]

    def run(self, *words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(models_app(self.open), list(words))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def console(workshop: Workshop, tmp_path: Path) -> Console:
    return Console(workshop, tmp_path)


def test_list_shows_one_aligned_line_a_model(console: Console) -> None:
    code, out, err = console.run("list")
    lines = out.splitlines()
    assert (code, err, len(lines)) == (0, "", 4)
    assert lines[0].split() == ["id", "task", "memory", "licence", "from", "state"]
    assert lines[1].split() == ["test/a", "image-classification", "2.0", "MB", "MIT", "bundled", "absent"]
    assert "Hub tiny/bert@main" in lines[2]
    assert len({line.index("image-classification") for line in lines[1:]}) == 1


def test_list_as_json_is_the_status(console: Console) -> None:
    code, out, _ = console.run("list", "--json")
    status = json.loads(out)
    assert code == 0
    assert [model["id"] for model in status["models"]] == ["test/a", "test/remote", "test/missing"]
    assert status["ram"]["budget"] == 10_000_000


def test_show_tells_the_facts_and_the_card(console: Console) -> None:
    code, out, _ = console.run("show", "test/a")
    assert code == 0
    for words in (
        "title:",
        "labels:      cat, dog",
        "licence:     MIT",
        "memory:      2.0 MB of RAM",
        "# A card\nIts text.",
    ):
        assert words in out
    assert console.opened[-1].revision("test/a") in out


def test_show_says_why_there_are_no_weights_yet(console: Console) -> None:
    code, out, _ = console.run("show", "test/remote")
    assert code == 0
    assert "weights:     Remote is on the Hub, and downloads are off." in out


def test_verify_checks_all_and_fails_if_one_is_wrong(console: Console) -> None:
    code, out, err = console.run("verify")
    assert code == 1
    assert out.splitlines()[0].startswith("test/a  ok  ")
    assert out.splitlines()[1:] == ["test/remote  weights_missing", "test/missing  weights_missing"]
    assert "Remote is on the Hub" in err
    assert console.run("verify", "test/a")[0] == 0


def test_load_tells_seconds_and_bytes_and_lets_go(console: Console) -> None:
    code, out, _ = console.run("load", "test/a")
    assert code == 0
    assert out.startswith("test/a loaded in ")
    assert "2.0 MB of RAM on cpu" in out
    assert {model.state for model in console.opened[-1].status().models} == {"absent"}


def test_unload_tells_what_came_back(console: Console) -> None:
    code, out, _ = console.run("unload", "test/a")
    assert code == 0
    assert out.splitlines()[-1] == "test/a unloaded: 2.0 MB came back"


@pytest.mark.parametrize("command", ["show", "load", "unload", "verify"])
def test_an_error_is_one_sentence_on_stderr_and_exit_code_one(console: Console, command: str) -> None:
    code, _, err = console.run(command, "test/nothing")
    assert code == 1
    assert err == "There is no model named 'test/nothing'. See the Models page.\n"


def test_a_registry_that_cannot_be_opened_is_told_too() -> None:
    def refuse() -> Registry:
        raise StoreError("The settings are wrong.")

    result = CliRunner().invoke(models_app(refuse), ["list"])
    assert (result.exit_code, result.stderr) == (1, "The settings are wrong.\n")


def test_it_can_be_added_to_the_applications_commands(console: Console) -> None:
    app = typer.Typer()
    app.add_typer(models_app(console.open), name="models")
    assert CliRunner().invoke(app, ["models", "list"]).exit_code == 0

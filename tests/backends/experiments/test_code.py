"""A run as programs: whatever was typed comes back from them as it was, and nothing of it is ever run."""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.core.action import Action, Job, OutputSpec
from backends.core.errors import NewerSchema, NotFound
from backends.core.events import Event, Output
from backends.core.experiment import Experiment
from backends.core.parameters import image, number, text, toggle
from backends.core.results import Text
from backends.experiments import code
from backends.experiments.code import Recipe
from tests.components.shell_lab import shaded, shades_lab

DIGEST = "ab" * 32
# All that JSON can hold and UTF-8 can write: quotes, backslashes, line ends of every kind, marks of direction.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


class Say(Action):
    """Say something."""

    name: ClassVar[str] = "words/say"
    title: ClassVar[str] = "Say"
    seeded: ClassVar[bool] = True
    outputs: ClassVar[tuple[OutputSpec, ...]] = (OutputSpec("said", "text", "Said"),)
    photo: str = image(title="Photo", help="Any.", accepts=(".png",))
    words: str = text("", title="Words", max_length=100, help="What to say.")
    loud: bool = toggle(False, title="Loud", help="Louder.")
    speed: float = number(1, title="Speed", minimum=0, maximum=9, step=1, unit="words/s", help="How fast.")

    def run(self, job: Job) -> Iterator[Event]:
        yield Output("said", Text(self.words))


def recipe(words: str, digests: dict[str, str] | None = None) -> Recipe:
    asked = Experiment("words/say", {"words": words, "loud": True, "speed": 2.5}, {"photo": DIGEST}, {}, 7)
    return Recipe(Say, asked, digests or {}, "21 Nov 2026")


def assigned(program: str, name: str) -> Any:
    """What a program assigns to a name at its top, as a literal."""
    for statement in ast.parse(program).body:
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == name:
            return ast.literal_eval(statement.value)
    raise AssertionError(f"{name} is not assigned")


def experiment_of(program: str) -> dict[str, Any]:
    """The arguments of the EXPERIMENT of a program that needs no server."""
    made = next(
        statement.value
        for statement in ast.parse(program).body
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "EXPERIMENT"
    )
    assert isinstance(made, ast.Call)
    return {str(item.arg): ast.literal_eval(item.value) for item in made.keywords}


@settings(deadline=None, max_examples=150)
@given(words=TEXTS, address=TEXTS)
def test_any_text_comes_back_from_every_program_as_it_was(words: str, address: str) -> None:
    wanted = {"words": words, "loud": True, "speed": 2.5}
    http, gradio = code.by_http(recipe(words), address), code.by_gradio(recipe(words), address)
    assert assigned(http, "PARAMETERS") == wanted
    assert assigned(gradio, "PARAMETERS") == wanted | {"seed": 7}
    assert assigned(http, "INPUTS") == assigned(gradio, "INPUTS") == {"photo": f"inputs/{DIGEST}"}
    local = experiment_of(code.by_import(recipe(words)))
    assert (local["parameters"], local["inputs"], local["seed"]) == (wanted, {"photo": DIGEST}, 7)


@settings(deadline=None, max_examples=40)
@given(words=TEXTS)
def test_no_text_adds_a_statement_to_a_program(words: str) -> None:
    """The shape of a program is the same whatever was typed: only its literals differ."""

    def shape(program: str) -> list[str]:
        return [type(node).__name__ for node in ast.walk(ast.parse(program))]

    for write in (lambda r: code.by_http(r, "http://x"), lambda r: code.by_gradio(r, "http://x"), code.by_import):
        assert shape(write(recipe(words))) == shape(write(recipe("plain")))


@settings(deadline=None, max_examples=40)
@given(words=TEXTS.filter(lambda words: "\0" not in words))
def test_a_shell_sends_any_text_as_it_was(words: str) -> None:
    said = shlex.split(code.by_curl(recipe(words), "http://x"), comments=True)
    body = json.loads(said[said.index("-d") + 1])
    assert body == {"parameters": {"words": words, "loud": True, "speed": 2.5, "photo": DIGEST}, "seed": 7}


def test_a_real_shell_runs_the_commands(tmp_path: Path) -> None:
    script = code.by_curl(recipe('it\'s "$HOME" `id` \\ $(id)'), "http://lab.test")
    said = 'curl() { for word in "$@"; do printf "%s\\0" "$word"; done; }\n' + script
    done = subprocess.run(["bash", "-euc", said], capture_output=True, check=True, cwd=tmp_path)
    words = done.stdout.decode().split("\0")
    assert "http://lab.test/api/actions/words/say?wait=60" in words
    assert json.loads(words[words.index("-d") + 1])["parameters"]["words"] == 'it\'s "$HOME" `id` \\ $(id)'


def test_marks_that_turn_the_direction_of_reading_are_written_out() -> None:
    program = code.by_http(recipe("\u202ereversed\u2066"), "http://x")
    assert "\u202e" not in program
    assert r"\u202e" in program


def test_settings_carry_their_titles_and_units() -> None:
    program = code.by_http(recipe("hello"), "http://x")
    assert '"speed": 2.5,  # Speed (words/s)' in program
    assert '"photo": "inputs/' in program


def test_programs_are_short_and_have_no_long_lines(tmp_path: Path) -> None:
    with shades_lab(tmp_path) as lab:
        run = shaded(lab, "visitor-of-these-tests")
        programs = (
            code.http_script(lab, run, "http://localhost:7860"),
            code.gradio_script(lab, run, "http://localhost:7860"),
            code.local_script(lab, run),
        )
    for program in programs:
        data = len(run.outputs) + len(run.experiment.values()) + 2
        assert len(program.splitlines()) - data <= 48
        assert max(map(len, program.splitlines())) <= 120


def test_without_a_run_there_is_nothing_to_compare_with() -> None:
    for program in (
        code.by_http(recipe("x"), "http://x"),
        code.by_gradio(recipe("x"), "x"),
        code.by_import(recipe("x")),
    ):
        assert "EXPECTED" not in program
        compile(program, "program", "exec")
    known = code.by_http(recipe("x", {"said": DIGEST}), "http://x")
    assert assigned(known, "EXPECTED") == {"said": DIGEST}


def test_no_program_is_named_like_a_module_that_it_imports() -> None:
    """`python http.py` would import itself for the standard library's http."""
    for name in (code.HTTP, code.GRADIO, code.LOCAL):
        module = name.removesuffix(".py")
        assert module not in sys.stdlib_module_names
        assert module not in ("gradio_client", "backends")


def test_an_action_that_is_gone_and_a_newer_form_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with shades_lab(tmp_path) as lab:
        gone = Experiment("gone/action", {}, {}, {})
        with pytest.raises(NotFound, match="no action named 'gone/action'"):
            code.recipe_for(lab, gone)
        newer = Experiment("shades/shade", {}, {}, {}, newer='{"schema": 99}')
        with pytest.raises(NewerSchema, match="newer Vitrine"):
            code.recipe_for(lab, newer)

"""Recent runs over a real runtime: what waits, runs, failed and is done, and what can be done with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar

import pytest
from streamlit.testing.v1 import AppTest

from backends.core.action import Action, Job, OutputSpec
from backends.core.errors import LoadFailed
from backends.core.events import Event, Output, Progress
from backends.core.parameters import integer, toggle
from backends.core.playground import Playground
from backends.core.results import Number
from backends.runtime.executor import Progressed, RuntimeStatus
from backends.runtime.lab import Lab
from backends.store.values import Run
from components.lab import install
from components.run_compare import refusal
from components.run_going import queue_said, told_of
from components.run_list import NEW, add_options
from components.words import clock_time
from tests.components.shell_driver import choose, come_in, go, open_shell, press, save, toasts, words
from tests.components.shell_lab import SHADES, shaded, shades_lab


class Count(Action):
    """Count slowly."""

    name: ClassVar[str] = "counting/count"
    title: ClassVar[str] = "Count"
    outputs: ClassVar[tuple[OutputSpec, ...]] = (OutputSpec("total", "number", "Total"),)
    upto: int = integer(5, title="Up to", minimum=1, maximum=10_000, help="Where to stop.")
    fails: bool = toggle(False, title="Fails", help="Ends badly.")

    def run(self, job: Job) -> Iterator[Event]:
        if self.fails:
            raise LoadFailed("The numbers <b>ran</b> out.", hint="Count less.")
        for step in range(self.upto):
            job.cancellation.check()
            yield Progress(step / self.upto, f"Counted {step}")
            job.cancellation.wait(0.02)
        yield Output("total", Number(float(self.upto), "Total"))


COUNTING = Playground("counting", "Counting", "Counts.", (Count,))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("runs"), (SHADES, COUNTING)) as made:
        install(made)
        yield made


@pytest.fixture
def me(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    visitor = come_in(lab, monkeypatch)
    yield visitor
    lab.runtime.cancel_all(visitor)


@pytest.fixture
def shell(me: str) -> AppTest:
    return open_shell()


def count(lab: Lab, visitor: str, upto: int, *, fails: bool = False) -> Run:
    return lab.runtime.submit(lab.experiment(Count(upto=upto, fails=fails)), visitor)


def ended(lab: Lab, run: Run, visitor: str) -> Run:
    for _ in lab.runtime.watch(run.id, visitor):
        pass
    return lab.store.runs.get(run.id, visitor)


def running(lab: Lab, run: Run, visitor: str) -> Run:
    """The run, once it has told how far it is."""
    while (told := lab.runtime.progress(run.id, visitor)) is None or not told.sentence.startswith("Counted"):
        assert lab.store.runs.get(run.id, visitor).state in ("queued", "running")
        time.sleep(0.01)
    return run


def test_an_empty_page_says_what_to_do_and_leads_there(shell):
    page = go(shell, "runs")
    assert "press Run" in words(page)
    assert "Open Shades" in [link.proto.label for link in page.get("page_link")]


def test_what_runs_and_waits_is_told_with_progress_and_place(shell, lab, me):
    running(lab, count(lab, me, 2000), me)
    count(lab, me, 2001)
    shown = words(go(shell, "runs"))
    assert "Running" in shown
    assert "Counted" in shown
    assert "Waiting" in shown
    assert "Next in line" in shown
    assert "1 run going and 1 waiting" in shown
    assert me not in shown


def test_stop_ends_one_run_and_stop_all_the_rest(shell, lab, me):
    first = running(lab, count(lab, me, 2000), me)
    rest = [count(lab, me, 2001), count(lab, me, 2002)]
    page = go(shell, "runs")
    page.button(key=f"vt-stop-{rest[1].id}").click().run()
    assert lab.store.runs.get(rest[1].id, me).state == "cancelled"
    assert lab.store.runs.get(first.id, me).state == "running"
    press(page, "Stop all 2")
    assert {ended(lab, run, me).state for run in (first, rest[0])} == {"cancelled"}


def test_a_failed_run_tells_sentence_hint_and_reference(shell, lab, me):
    run = ended(lab, count(lab, me, 3, fails=True), me)
    shown = words(go(shell, "runs"))
    assert "The numbers &lt;b&gt;ran&lt;/b&gt; out. Count less." in shown
    assert run.reference
    assert f"<code>{run.reference}</code>" in shown
    assert "Add to session" not in [menu.label for menu in shell.menu_button]


def test_a_run_is_added_to_a_new_session_and_to_one_that_is_there(shell, lab, me):
    run = shaded(lab, me)
    there = save(lab, me, "Already there", 55)
    page = go(shell, "runs")
    choose(page, f"vt-add-{run.id}", NEW)
    made = next(one for one in lab.store.sessions.list(me) if one.id != there.id)
    assert [one.id for one in made.runs] == [run.id]
    assert any(f"/sessions?session={made.link}" in toast for toast in toasts(page))
    choose(page, f"vt-add-{run.id}", "Add to \u201cAlready there\u201d")
    assert run.id in [one.id for one in lab.store.sessions.get(there.id, me).runs]


def test_sessions_of_one_title_can_be_told_apart(lab, me):
    pair = [save(lab, me, "Same"), save(lab, me, "Same")]
    options = add_options(pair)
    assert list(options) == [NEW, "Add to \u201cSame\u201d", "Add to \u201cSame\u201d (2)"]
    assert list(options.values()) == ["", pair[0].id, pair[1].id]


def test_it_is_said_until_when_a_run_is_kept_and_that_a_saved_one_stays(shell, lab, me):
    run = shaded(lab, me, 65)
    assert run.expires is not None
    shown = words(go(shell, "runs"))
    assert f"kept until {clock_time(run.expires)} unless saved" in shown
    assert "Amount 65 %" in shown
    choose(shell, f"vt-add-{run.id}", NEW)
    assert "kept until" not in words(shell.run())


def test_the_runs_of_others_are_not_there(shell, lab):
    shaded(lab, "someone-else", 15)
    assert "Amount 15 %" not in words(go(shell, "runs"))


def test_open_leads_to_the_playground_with_the_run(shell, lab, me):
    run = shaded(lab, me, 25)
    page = go(shell, "runs")
    link = next(link for link in page.get("page_link") if link.proto.label == "Open")
    assert (link.proto.page, link.proto.query_string) == ("shades", f"run={run.id}")


def test_two_to_four_results_of_one_kind_can_be_compared(lab, me):
    shades = [shaded(lab, me, amount) for amount in (0, 5, 10, 15, 20)]
    other = ended(lab, count(lab, me, 1), me)
    assert refusal(shades[:2]) == refusal(shades[:4]) == ""
    assert "two to four" in refusal(shades[:1])
    assert "Leave out 1" in refusal(shades)
    assert "one kind" in refusal([shades[0], other])


def test_the_queue_is_told_without_names():
    status = RuntimeStatus(3, 2, {"ann": None}, 2, 0, 0, 1.234, 0.0, 0, False, {})  # type: ignore[dict-item]
    assert queue_said(status) == "On this server 2 runs going and 3 waiting. A run typically takes 1.2 s."


def test_time_left_is_to_the_start_while_a_run_waits(lab, me):
    running(lab, count(lab, me, 500), me)
    waits = count(lab, me, 501)
    assert told_of(waits, Progressed(0.0, "Next in line", 3.2))[1] == "Next in line. Starts in about 3.0 s."
    assert told_of(waits, None) == (0.0, "")


def test_times_to_come_are_told_in_the_readers_zone():
    now = datetime(2026, 5, 20, 22, 0, tzinfo=UTC)
    east = timezone(timedelta(hours=1))
    assert clock_time(now + timedelta(minutes=30), east, now) == "23:30"
    assert clock_time(now + timedelta(hours=2), east, now) == "tomorrow, 01:00"
    assert clock_time(now + timedelta(days=40), east, now) == "29 June, 23:00"

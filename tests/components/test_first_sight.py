"""First sight from values: what the app would show is there at once, and nothing that it would not show."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from html import escape

import pytest

from backends.core.errors import NotFound
from backends.core.playground import Actions
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from backends.store.values import Run, Session
from components import first_sight as module
from components.first_sight import _Room, first_sight
from components.linked import origin_words
from components.session_page import about_html
from components.theme.page import first_script, first_style
from components.theme.shell import both_modes
from tests.components.shell_lab import SHADES, Shade, shaded, shades_lab

ME, STRANGER = "m" * 22, "s" * 22
EVIL = '<script>alert("x")</script>'
NOTICE = "Only for play. Nothing here is true."


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("first")) as made:
        yield made


@pytest.fixture(scope="module")
def run(lab: Lab) -> Run:
    return shaded(lab, ME)


@pytest.fixture
def session(lab: Lab, run: Run) -> Session:
    made = lab.store.sessions.create(ME, "Shades of grey", "Some **notes**.")
    return lab.store.sessions.add_run(made.id, ME, run.id)


def asked(session: Session) -> dict[str, str]:
    return {"session": session.link, "run": session.runs[0].id}


def damage(lab: Lab, run: Run, name: str) -> None:
    digest = next(output.digest for output in run.outputs if output.name == name)
    lab.store._parts.files.path(digest).write_bytes(b"not what was stored")


def without_style(page: str) -> str:
    return re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)


def test_ones_own_run_is_seen_with_its_numbers_and_its_pictures_by_address(lab: Lab, run: Run) -> None:
    page = first_sight(lab, "shades", {"run": run.id}, ME)
    assert f'src="/api/runs/{run.id}/outputs/darker"' in page
    assert "1 to 9 (95 %), n = 4" in page
    assert '<h1 class="vt-unseen">Shades</h1>' in page
    assert '<p role="status">' in page
    assert "Exactly as computed" not in page, "no link was opened"


@pytest.mark.parametrize("chosen", [True, False])
def test_a_link_is_seen_by_a_stranger_under_the_words_of_the_page_s_own_banner(lab, session, chosen) -> None:
    query = asked(session) if chosen else {"session": session.link}
    page = first_sight(lab, "shades", query, STRANGER)
    theirs = lab.store.sessions.open(session.link, STRANGER)
    assert "read-only" in origin_words(theirs, theirs.runs[0])
    assert f"<h1>Shades of grey</h1><span>{escape(origin_words(theirs, theirs.runs[0]))}</span>" in page
    assert "you saved it" in first_sight(lab, "shades", query, ME)


def test_a_figure_is_its_table_and_no_script_but_ours_is_there(lab: Lab, run: Run) -> None:
    page = first_sight(lab, "shades", {"run": run.id}, ME)
    assert "data-spec" not in page
    assert '<h3 class="vt-of">Grey</h3><table class="vt-table">' in page
    assert page.count("<script") == 1
    assert page.endswith(first_script())
    assert not re.search(r"<[^>]*\son\w+=", page.removesuffix(first_script()))


def test_a_session_is_seen_with_its_head_its_notes_and_its_first_three_results(lab: Lab) -> None:
    made = lab.store.sessions.create(ME, "Several", "Some **notes**.")
    for amount in (0.0, 10.0, 20.0, 40.0):
        made = lab.store.sessions.add_run(made.id, ME, shaded(lab, ME, amount).id)
    page = without_style(first_sight(lab, "sessions", {"session": made.link}, STRANGER))
    assert "<h1>Several</h1>" in page
    assert about_html(lab.store.sessions.open(made.link, STRANGER)) in page
    assert "<strong>notes</strong>" in page
    shown = [one.id for one in made.runs if f"/api/runs/{one.id}/outputs/darker" in page]
    assert shown == [one.id for one in made.runs[:3]]
    assert re.findall(r"<h2>(\d\. \w+)", page) == ["1. Shade", "2. Shade", "3. Shade"]
    assert page.count('class="vt-tokens"') == 3


def test_whatever_the_app_would_not_open_leaves_the_page_plain(lab: Lab, run: Run, session: Session) -> None:
    closed = lab.store.sessions.create(ME, "Closed")
    closed = lab.store.sessions.add_run(closed.id, ME, run.id)
    lab.store.sessions.revoke(closed.id, ME, closed.link)
    empty = lab.store.sessions.create(ME, "Empty")
    for page, query in (
        ("shades", {}),
        ("shades", {"amount": "3"}),
        ("shades", {"run": "A" * 22}),
        ("shades", {"run": "../../etc/passwd"}),
        ("shades", {"session": "A" * 22, "run": run.id}),
        ("shades", {"session": session.link, "run": "A" * 22}),
        ("shades", {"session": closed.link}),
        ("shades", {"session": empty.link}),
        ("shades", {**asked(session), "photo": "x" * 5000}),
        ("other", asked(session)),
        ("", asked(session)),
        ("sessions", {}),
        ("sessions", {"session": closed.link}),
        ("sessions", {"session": empty.link}),
        ("sessions", {"session": session.id}),
    ):
        assert first_sight(lab, page, query, STRANGER) == "", (page, query)
    assert first_sight(lab, "shades", {"run": shaded(lab, ME, 35).id}, STRANGER) == "", "somebody else's run"


@pytest.mark.parametrize("name", ["bare", "hide", "embed", "embed_options"])
def test_a_page_that_is_asked_to_look_otherwise_is_plain(lab: Lab, session: Session, name: str) -> None:
    assert first_sight(lab, "shades", {**asked(session), name: "true"}, ME) == ""


def test_behind_a_notice_nothing_is_seen_or_even_opened_until_it_is_accepted(lab: Lab, session: Session) -> None:
    noticed = dataclasses.replace(lab, actions=Actions((dataclasses.replace(SHADES, notice=NOTICE),)))
    reader = "r" * 22
    assert first_sight(noticed, "shades", asked(session), reader) == ""
    with pytest.raises(NotFound):
        lab.store.runs.get(session.runs[0].id, reader)
    lab.store.visitors.accept(reader, NOTICE)
    assert "Shades of grey" in first_sight(noticed, "shades", asked(session), reader)


def test_only_a_finished_run_of_the_page_s_own_actions_is_seen_on_a_playground_s_page(lab: Lab, run: Run) -> None:
    values = {"photo": run.experiment.inputs["photo"], "sweep_x": "amount", "sweep_x_values": "0,45"}
    sweep = lab.actions.get("shades/shade/sweep")
    waiting = lab.runtime.submit(lab.experiment(sweep.parse(values)), ME)
    swept = next(event.run for event in lab.runtime.watch(waiting.id, ME) if isinstance(event, Final))
    assert swept.state == "done", swept.error
    assert first_sight(lab, "shades", {"run": swept.id}, ME) == "", "the page shows what its base controls give"
    made = lab.store.sessions.create(ME, "A sweep")
    made = lab.store.sessions.add_run(made.id, ME, swept.id)
    assert 'class="vt-grid"' in without_style(first_sight(lab, "sessions", {"session": made.link}, STRANGER))
    queued = lab.store.runs.create(lab.experiment(Shade(photo=values["photo"], amount=1)), ME)
    assert first_sight(lab, "shades", {"run": queued.id}, ME) == ""


@pytest.mark.parametrize("name", ["darker", "mean", "raw"])
def test_a_lost_or_damaged_result_is_left_to_the_app_to_tell(lab: Lab, name: str) -> None:
    run = shaded(lab, ME, {"darker": 50.0, "mean": 55.0, "raw": 60.0}[name])
    made = lab.store.sessions.create(ME, "Damaged")
    made = lab.store.sessions.add_run(made.id, ME, run.id)
    kept = next(lab.store._parts.files.path(output.digest) for output in run.outputs if output.name == name)
    data = kept.read_bytes()
    damage(lab, run, name)
    assert first_sight(lab, "shades", {"run": run.id}, ME) == ""
    assert first_sight(lab, "sessions", {"session": made.link}, ME) == ""
    kept.write_bytes(data)
    assert first_sight(lab, "shades", {"run": run.id}, ME) != ""


def test_everything_that_people_wrote_is_escaped(lab: Lab, run: Run) -> None:
    made = lab.store.sessions.create(ME, EVIL, EVIL, tags=["<b>tag"])
    made = lab.store.sessions.add_run(made.id, ME, run.id)
    lab.store.sessions.annotate(made.id, ME, run.id, title=EVIL)
    for page in (
        first_sight(lab, "shades", asked(made), STRANGER),
        first_sight(lab, "sessions", {"session": made.link}, STRANGER),
    ):
        assert "<script>alert" not in page
        assert f"<h1>{escape(EVIL)}</h1>" in page
        assert "<b>tag" not in page
        assert "<b>Not</b> bold" not in page, "what a run says is escaped too"


def test_it_is_bounded_in_what_it_reads_and_in_what_it_writes(lab, session, monkeypatch) -> None:
    assert _Room(10).fitting(["12345678901", "123", "4567890", "1"]) == "1234567890"
    monkeypatch.setattr(module, "READ_MAX", 100)
    assert first_sight(lab, "shades", asked(session), ME) == ""
    assert first_sight(lab, "sessions", {"session": session.link}, ME) == ""


def test_its_style_reaches_nothing_else_and_takes_everything_from_the_tokens() -> None:
    style = first_style().removeprefix("<style>").removesuffix("</style>")
    assert style.startswith("#vt-first {")
    depths, depth = [], 0
    for sign in re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL):
        depth += {"{": 1, "}": -1}.get(sign, 0)
        depths.append(depth)
    assert depth == 0
    assert depths.index(0, style.index("{")) == len(depths) - 1, "one rule holds all others"
    names = set(re.findall(r"(--vt-[a-z0-9-]+):", both_modes() + style))
    set_on_elements = {"--vt-weight", "--vt-part", "--vt-columns", "--vt-scale-map"}
    assert set(re.findall(r"var\((--vt-[a-z0-9-]+)", style)) <= names | set_on_elements

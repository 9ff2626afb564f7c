"""Slides from values: what a run found is on its slide byte for byte, what is missing is said, nothing leaks out."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.core.errors import ArtifactMissing, LinkClosed
from backends.core.results import Table
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from backends.store.values import Item, Run, Session
from components.slides.deck import result_slide
from components.slides.document import closed_html, slides_html
from components.slides.material import Material
from components.slides.pieces import bars_html, table_html
from components.slides.words import note_html, opening, settings_line
from tests.components.shell_lab import Shade, picture, shaded, shades_lab

VISITOR = "v" * 22
EVIL = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("slides")) as made:
        yield made


@pytest.fixture(scope="module")
def run(lab: Lab) -> Run:
    return shaded(lab, VISITOR)


@pytest.fixture
def session(lab: Lab, run: Run) -> Session:
    made = lab.store.sessions.create(VISITOR, "Shades of grey", "First words.\n\nSecond words.")
    return lab.store.sessions.add_run(made.id, VISITOR, run.id)


def material(lab: Lab, *, live: bool) -> Material:
    return Material(
        lab.actions,
        lambda output: lab.store.artifacts.read(output.digest, VISITOR),
        live=live,
        address="LINK",
        origin="http://lab.example",
    )


def with_item(session: Session, **changes: object) -> Session:
    return dataclasses.replace(session, items=(dataclasses.replace(session.items[0], **changes),))


def slide_of(lab: Lab, item: Item, *, live: bool = True) -> str:
    return result_slide(item, material(lab, live=live), 2, 2, speaker=False)[0]


def test_there_is_a_title_slide_and_one_slide_for_each_result(lab: Lab, session: Session) -> None:
    page = slides_html(session, material(lab, live=True))
    assert page.count('aria-roledescription="slide"') == 2
    assert '<h1 id="vt-title-1">Shades of grey</h1>' in page
    assert "<p>First words.</p>" in page
    assert "1 result" in page


def test_the_file_holds_the_very_bytes_that_were_stored_and_names_no_other_address(lab: Lab, session: Session) -> None:
    page = slides_html(session, material(lab, live=False))
    stored = {output.name: output for output in session.runs[0].outputs}
    for name in ("darker", "tone"):
        data = lab.store.artifacts.read(stored[name].digest, VISITOR)
        assert f"base64,{base64.b64encode(data).decode()}" in page
    slides = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r'(src|href)="(?!data:|#)', slides)
    assert all(target.startswith(('"data:', "data:")) for target in re.findall(r"url\(([^)]{0,20})", slides))
    assert "<iframe" not in page
    assert "data-frame" not in slides


def test_the_file_s_own_policy_names_each_of_its_scripts_and_nothing_else(lab: Lab, session: Session) -> None:
    page = slides_html(session, material(lab, live=False))
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert "default-src 'none'" in policy[1]
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(scripts) == 2, "our own, and Plotly because there is a figure"
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy[1]
    assert page.count("<script") == 2


def test_without_a_figure_the_file_is_spared_plotly(lab: Lab, session: Session) -> None:
    bare = dataclasses.replace(session.runs[0], outputs=session.runs[0].outputs[:2])
    page = slides_html(with_item(session, run=bare), material(lab, live=False))
    assert len(page) < 600_000
    assert page.count("<script") == 1


def test_every_kind_of_result_has_its_place_on_the_slide(lab: Lab, session: Session) -> None:
    slide = slide_of(lab, session.items[0])
    address = f"/api/runs/{session.runs[0].id}/outputs"
    assert f'src="{address}/darker"' in slide
    assert 'width="48" height="48"' in slide
    assert f'src="{address}/tone"' in slide
    assert "1 to 9 (95 %), n = 4" in slide
    assert "but <strong>this</strong> is" in slide
    assert 'class="vt-tokens"' in slide
    assert 'class="vt-plot"' in slide
    assert slide.count('class="vt-shot"') == 3, "the picture, and the two of the gallery"
    assert "Raw values" not in slide, "a file is not for an audience"


def test_a_sweep_is_shown_as_its_grid_and_its_settings_are_not_said_twice(lab: Lab, session: Session) -> None:
    digest = lab.store.artifacts.put(VISITOR, picture(), "application/octet-stream")
    values = {"photo": digest, "sweep_x": "amount", "sweep_x_values": "0,45", "sweep_best": "mean", "curve": "bend"}
    sweep = lab.actions.get("shades/shade/sweep")
    asked = lab.runtime.submit(lab.experiment(sweep.parse(values)), VISITOR)
    done = next(event.run for event in lab.runtime.watch(asked.id, VISITOR) if isinstance(event, Final))
    assert done.state == "done", done.error
    slide = slide_of(lab, Item(done))
    assert 'class="vt-grid"' in slide
    assert slide.count('class="vt-cell') >= 2
    assert "Numbers of all cells" not in slide
    assert settings_line(lab.actions, done) == ["Curve Bent"]


def test_a_slide_says_only_the_settings_that_are_not_the_usual_ones(lab: Lab, session: Session) -> None:
    assert settings_line(lab.actions, session.runs[0]) == []
    digest = lab.store.artifacts.put(VISITOR, picture(), "application/octet-stream")
    darker = lab.experiment(Shade(photo=digest, amount=60, curve="bend", smooth=True), seed=7)
    run = dataclasses.replace(session.runs[0], experiment=darker)
    assert settings_line(lab.actions, run) == ["Amount 60 %", "Curve Bent", "Smooth On", "Seed 7"]


def test_words_of_the_owner_are_markdown_and_never_html_or_a_picture_from_elsewhere() -> None:
    shown = note_html(
        f"{EVIL} **bold** ![p](http://evil.example/p.png) [in](javascript:alert(1)) [ok](https://a.example)"
    )
    assert "<script" not in shown
    assert "<img" not in shown
    assert "<strong>bold</strong>" in shown
    assert "javascript:" not in re.sub(r">[^<]*<", "><", shown)
    assert 'rel="noopener noreferrer" href="https://a.example"' in shown


def test_titles_and_names_are_escaped_everywhere(lab: Lab, session: Session) -> None:
    evil = dataclasses.replace(with_item(session, title=EVIL, note=EVIL, speaker=EVIL), title=EVIL, notes=EVIL)
    for live in (True, False):
        page = slides_html(evil, material(lab, live=live), speaker=True)
        assert 'alert("x")' not in page
        assert "alert(&quot;x&quot;)" in page


def test_speaker_notes_are_on_no_page_of_a_reader_and_in_no_file_unless_asked_for(lab: Lab, session: Session) -> None:
    said = with_item(session, speaker="A word for me alone")
    assert "A word for me alone" in slides_html(said, material(lab, live=True), speaker=True)
    assert "A word for me alone" not in slides_html(said, material(lab, live=False))
    reader = dataclasses.replace(said, mine=False)
    assert "A word for me alone" not in slides_html(reader, material(lab, live=True), speaker=True)
    assert 'aria-label="Speaker notes"' not in slides_html(reader, material(lab, live=True), speaker=True)


def test_a_live_slide_has_a_frame_to_load_and_in_a_file_the_sentence_where_it_is_live(
    lab: Lab, session: Session
) -> None:
    item = dataclasses.replace(session.items[0], live=True, note="Try it.")
    run = session.runs[0].id
    assert f'data-frame="/play/shades/?session=LINK&amp;run={run}&amp;bare=1"' in slide_of(lab, item)
    told = slide_of(lab, item, live=False)
    assert "data-frame" not in told
    assert f'href="http://lab.example/shades?session=LINK&amp;run={run}"' in told
    assert "<iframe" not in slide_of(lab, item), "it is loaded when the slide is shown"


def test_an_empty_session_says_so(lab: Lab, session: Session) -> None:
    page = slides_html(dataclasses.replace(session, items=()), material(lab, live=True))
    assert "This session is empty." in page
    assert page.count('aria-roledescription="slide"') == 1


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        (
            "failed",
            {"message": "The picture was too small.", "hint": "Take another."},
            "The picture was too small. Take",
        ),
        ("interrupted", None, "interrupted when the server stopped"),
        ("cancelled", None, "stopped before it had finished"),
        ("running", None, "has not finished yet"),
    ],
)
def test_a_run_without_an_end_says_what_happened(lab: Lab, session: Session, state, error, said) -> None:
    run = dataclasses.replace(session.runs[0], state=state, error=error, outputs=())
    slide = slide_of(lab, dataclasses.replace(session.items[0], run=run, live=True))
    assert said in slide
    assert "data-frame" not in slide


def test_one_result_that_is_gone_leaves_the_others_on_the_slide(lab: Lab, session: Session) -> None:
    gone = session.runs[0].outputs[0].digest

    def read(output):
        if output.digest == gone:
            raise ArtifactMissing("A stored result is gone.", hint="Run it again.")
        return lab.store.artifacts.read(output.digest, VISITOR)

    slide, _ = result_slide(session.items[0], Material(lab.actions, read, live=True), 2, 2, speaker=False)
    assert "Darker: A stored result is gone. Run it again." in slide
    assert "88.79" in slide


def test_a_run_of_an_action_that_is_no_longer_there_is_still_shown(lab: Lab, session: Session) -> None:
    experiment = dataclasses.replace(session.runs[0].experiment, action="gone/away")
    run = dataclasses.replace(session.runs[0], experiment=experiment)
    slide = slide_of(lab, dataclasses.replace(session.items[0], run=run, live=True))
    assert "gone/away" in slide
    assert "Its playground is no longer here" in slide
    assert "88.79" in slide


def test_a_long_table_shows_its_first_rows_and_says_how_many_more_there_are() -> None:
    shown = table_html(Table(("n",) * 9, tuple((index,) * 9 for index in range(1, 1235))), "All")
    assert shown.count("<tr>") == 9
    assert "1,226 more" in shown
    assert "3 more columns" in shown


def test_parts_of_one_become_bars_the_largest_first_and_other_tables_do_not() -> None:
    shown = bars_html(Table(("Class", "Probability"), (("a", 0.2), ("b_c", 0.8))), "All")
    assert shown.index("b c") < shown.index(">a<")
    assert "80 %" in shown
    assert bars_html(Table(("Class", "Count"), (("a", 2.0),)), "All") == ""
    assert bars_html(Table(("Class", "Probability"), ((None, 0.2),)), "All") == ""


def test_only_the_first_paragraphs_of_long_notes_are_on_the_title_slide() -> None:
    assert opening("One.\n\nTwo.") == "One.\n\nTwo."
    cut = opening("One.\n\n" + "word " * 400)
    assert cut == "One.\n\n\u2026"
    assert len(opening("word " * 400)) < 720


def test_a_closed_link_gets_a_page_with_its_sentence_and_a_way_back() -> None:
    page = closed_html(LinkClosed("This link was withdrawn.", hint="Ask for a <new> one."))
    assert "<h1>This link was withdrawn.</h1>" in page
    assert "Ask for a &lt;new&gt; one." in page
    assert 'href="/sessions"' in page


@pytest.mark.parametrize("file", sorted(Path("components/slides").glob("*.js")), ids=lambda file: file.name)
def test_no_script_of_the_slides_ends_its_element_early_or_calls_elsewhere(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert "</script" not in text
    assert "http" not in text

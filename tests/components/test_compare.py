"""The parts of a comparison as HTML and Plotly, and the page run by Streamlit's own test runner over a real lab."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from backends.core.results import Number, Table
from backends.experiments.changes import Change, number_rows, table_rows
from backends.experiments.compare import compare
from backends.experiments.differences import Circumstance, OutputChange, Verdict
from backends.experiments.words import word_diff
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from backends.store.values import Run
from components.compare.figures import together
from components.compare.parts import change_words, interval_words, signed
from components.compare.pictures import pictures_data
from components.compare.texts import diff_html
from components.compare.values import numbers_html, table_html
from components.lab import install
from components.verdict_html import verdict_html
from tests.components.shell_driver import come_in, go, open_shell, words
from tests.components.shell_lab import Shade, picture, shades_lab

MINUS = "\u2212"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("compare")) as made:
        install(made)
        yield made


@pytest.fixture
def me(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> str:
    return come_in(lab, monkeypatch)


@pytest.fixture
def shell(me: str) -> AppTest:
    return open_shell()


def shaded(lab: Lab, visitor: str, **values: object) -> Run:
    digest = lab.store.artifacts.put(visitor, picture(), "application/octet-stream")
    run = lab.runtime.submit(lab.experiment(Shade(photo=digest, **values)), visitor)
    return next(event.run for event in lab.runtime.watch(run.id, visitor) if isinstance(event, Final))


def heading(shell: AppTest) -> str:
    return next(part.proto.body for part in shell.get("html") if "<h1>" in part.proto.body)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (Change(0.25, 0.5), "+0.25 (+50 %)"),
        (Change(-0.25, -0.5), f"{MINUS}0.25 ({MINUS}50 %)"),
        (Change(0.0, 0.0), "no change"),
        (Change(2.0, None), "+2"),
        (Change(0.9, 90.0), "+0.9 (91 times)"),
        (None, "\u2013"),
    ],
)
def test_changes_are_told_as_people_write_them(change, said):
    assert change_words(change) == said


def test_an_interval_has_its_signs():
    assert interval_words(Change(0.1, 0.1, -0.02, 0.22)) == f"{MINUS}0.02 to +0.22"
    assert interval_words(Change(0.1, 0.1)) == ""
    assert signed(0) == "0"


def test_a_number_shows_its_interval_and_says_how_that_of_the_change_was_made():
    pair = [
        Number(0.5, "Dice", low=0.4, high=0.6, interval="95 %"),
        Number(0.75, "Dice", low=0.7, high=0.8, interval="95 %"),
    ]
    html = numbers_html(number_rows(pair)[0], "Dice")
    assert "0.4 to 0.6 (95 %)" in html
    assert "+0.25 (+50 %)" in html
    assert f"+{0.25 - 0.0125**0.5:.4g} to +{0.25 + 0.0125**0.5:.4g}" in html
    assert "normal approximation" in html
    assert "normal approximation" not in numbers_html(number_rows([Number(1, "A"), Number(2, "A")])[0], "A")


def test_probabilities_are_paired_bars_and_other_tables_are_not():
    shares = [Table(("Class", "p"), (("a", 0.75), ("b", 0.25))), Table(("Class", "p"), (("a", 0.5), ("b", 0.5)))]
    html = table_html(table_rows(shares), "Probabilities", "Class")
    assert html.count('class="vt-share"') == 4
    assert "width:75.00%" in html
    assert f"{MINUS}0.25 ({MINUS}33.33 %)" in html
    sizes = [Table(("Class", "n"), (("a", 10), ("b", 20))), Table(("Class", "n"), (("a", 15), ("b", 20)))]
    html = table_html(table_rows(sizes), "Sizes", "Class")
    assert "vt-share" not in html
    assert "+5 (+50 %)" in html


def test_a_long_table_folds_what_changed_least():
    rows = tuple((f"row {at}", float(at)) for at in range(30))
    moved = tuple((name, value * 2) for name, value in rows)
    html = table_html(table_rows([Table(("Name", "n"), rows), Table(("Name", "n"), moved)]), "Long", "Name")
    shown, folded = html.split("<details>")
    assert "18 more" in folded
    assert shown.index("row 29") < shown.index("row 28")
    assert "row 0<" in folded


def test_a_text_diff_is_marked_by_more_than_colour_and_escaped():
    html = diff_html(word_diff("a <b>bold</b> word", "a <i>new</i> word"))
    assert '<del><span class="vt-unseen">removed: </span>' in html
    assert '<ins><span class="vt-unseen">added: </span>' in html
    assert "<b>" not in html
    assert "<i>" not in html


def test_a_verdict_is_told_whole_and_escaped():
    change = OutputChange("x", "<Title>", "image", "different", "By at most 3 grey levels.", {})
    around = (Circumstance("torch", "2.14.1", "<2.15>", True), Circumstance("python", "1", "2", False))
    html = verdict_html(Verdict(False, "Not the same.", (change, replace(change, change="identical")), around))
    for part in ("Not the same.", "&lt;Title&gt;", "By at most 3 grey levels.", "1 the same", "2.14.1", "&lt;2.15&gt;"):
        assert part in html
    assert "can change results" in html
    assert "changes no results" in html
    assert "vt-differs" in html
    assert "vt-same" in verdict_html(Verdict(True, "Reproduced bit for bit.", (), ()))


def spec(kind: str, **trace: object) -> dict[str, object]:
    layout = {"title": {"text": "T"}, "xaxis": {"title": {"text": "x"}, "range": [0, 1]}, "yaxis": {}}
    return {"data": [{"type": kind, "x": [0, 1], "y": [2, 3], "name": "curve", **trace}], "layout": layout}


def test_lines_of_all_runs_share_one_axis():
    other = spec("scatter", y=[5, 6])
    other["layout"]["xaxis"]["range"] = [-1, 0.5]  # type: ignore[index]
    (made,) = together({"A": spec("scatter"), "B": other})
    assert [trace["name"] for trace in made["data"]] == ["Run A: curve", "Run B: curve"]
    assert [trace["y"] for trace in made["data"]] == [[2, 3], [5, 6]]
    assert made["layout"]["xaxis"]["range"] == [-1, 1]
    assert len({trace["line"]["color"] for trace in made["data"]}) == 2
    assert "title" not in made["layout"]


def test_maps_stand_in_a_row_with_one_range_of_colours_and_axes_that_move_together():
    (made,) = together({"A": spec("heatmap", z=[[0, 1]]), "B": spec("heatmap", z=[[-3, 2]])})
    assert [(trace["zmin"], trace["zmax"], trace["showscale"]) for trace in made["data"]] == [
        (-3, 2, False),
        (-3, 2, True),
    ]
    assert made["layout"]["xaxis2"]["matches"] == "x"
    assert made["layout"]["yaxis2"]["matches"] == "y"
    assert made["layout"]["xaxis2"]["domain"][0] > made["layout"]["xaxis"]["domain"][1]


def test_figures_that_cannot_share_stay_one_each_and_originals_are_untouched():
    own = spec("scatter3d")
    before = json.dumps(own)
    made = together({"A": own, "B": spec("scatter3d")})
    assert [one["layout"]["title"]["text"] for one in made] == ["Run A", "Run B"]
    together({"A": own, "B": spec("bar")})
    assert json.dumps(own) == before
    import plotly.graph_objects as go

    for kinds in (("bar", "bar"), ("heatmap", "heatmap"), ("scatter", "bar"), ("box", "box")):
        for one in together({letter: spec(kind) for letter, kind in zip("AB", kinds, strict=True)}):
            go.Figure(one)  # refuses what Plotly does not know


def test_the_pictures_go_by_address_with_their_sizes(lab, me):
    runs = [shaded(lab, me, amount=amount) for amount in (10, 20)]
    found = compare(lab, [run.id for run in runs], me)
    data = pictures_data(next(item for item in found.outputs if item.name == "darker"), found.runs)
    assert [(one["letter"], one["width"], one["height"]) for one in data["runs"]] == [("A", 48, 48), ("B", 48, 48)]
    assert data["runs"][1]["url"] == f"/api/runs/{runs[1].id}/outputs/darker"


def test_the_page_lists_only_the_setting_that_differs_and_every_kind_of_result(shell, lab, me):
    runs = [shaded(lab, me, amount=amount) for amount in (30, 60)]
    text = words(go(shell, "compare", runs=",".join(run.id for run in runs)))
    head = text[text.index("Settings that differ") :]
    assert head.index("30 %") < head.index("60 %")
    assert "Amount" in head
    table = head[: head.index("</table>")]
    assert not [name for name in ("Curve", "Dimmer", "Seed", "Photo") if name in table]
    assert "All other settings are equal" in head
    assert f'/shades?run={runs[0].id}"' in head
    means = [lab.store.runs.outputs(run.id, me)["mean"].value for run in runs]
    assert change_words(Change(means[1] - means[0], (means[1] - means[0]) / means[0])) in text
    assert "Libraries, device and machine were the same" in text
    assert len(shell.get("plotly_chart")) == 1
    assert [one.label for one in shell.expander if one.label.startswith("Identical in all runs")] == [
        "Identical in all runs: In words, Tokens, Silence, Raw values"
    ]


def test_different_models_and_inputs_are_told_by_title_and_digest(shell, lab, me):
    first = shaded(lab, me, amount=20)
    changed = replace(first.experiment, models={"model": ("shades/dimmer", "f" * 64)})
    row = lab.store.runs.create(changed, me)
    lab.store.runs.start(row.id)
    lab.store.runs.finish(row.id, lab.store.runs.outputs(first.id, me), {**first.provenance, "device": "cuda:0"})
    text = words(go(shell, "compare", runs=f"{first.id},{row.id}"))
    assert "weights ffffffffffff" in text
    assert "Device" in text
    assert "cuda:0" in text


def test_sweeps_show_the_result_that_is_not_the_same(shell, lab, me):
    digest = lab.store.artifacts.put(me, picture(), "application/octet-stream")
    sweep = lab.actions.get("shades/shade/sweep")
    runs = []
    for amount in (20, 40):
        given = {"photo": digest, "amount": amount, "sweep_x": "curve", "sweep_x_values": "line, bend"}
        run = lab.runtime.submit(lab.experiment(sweep.parse(given)), me)
        runs.append(next(event.run for event in lab.runtime.watch(run.id, me) if isinstance(event, Final)))
    text = words(go(shell, "compare", runs=",".join(run.id for run in runs)))
    assert text.count('class="vt-grid-scroll"') == 2
    assert "2 of 2 cells differ" in text
    assert text.count('alt="A darker picture"') >= 4


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ("one", "Two to four runs can be compared."),
        ("a,b,c,d,e", "Two to four runs can be compared."),
        ("a,a", "A run cannot be compared with itself."),
        ("<b>x</b>,y", "Run A is not there."),
    ],
)
def test_wrong_addresses_are_told_in_a_sentence_and_runs_can_be_chosen(shell, lab, me, runs, said):
    shaded(lab, me, amount=30), shaded(lab, me, amount=60)
    text = words(go(shell, "compare", runs=runs))
    assert said in text
    assert "<b>x</b>" not in text
    assert len(shell.checkbox) >= 2


def test_a_closed_link_is_told(shell, lab, me):
    runs = [shaded(lab, "owner", amount=amount) for amount in (30, 60)]
    session = lab.store.sessions.create("owner", "Shared")
    for run in runs:
        session = lab.store.sessions.add_run(session.id, "owner", run.id)
    ids = ",".join(run.id for run in runs)
    assert "Run A is not there" in words(go(shell, "compare", runs=ids))
    shared = go(shell, "compare", runs=ids, session=session.link)
    assert "Compare: Shade" in heading(shared)
    assert f"/shades?session={session.link}&amp;run={runs[0].id}" in words(shared)
    lab.store.sessions.revoke(session.id, "owner", session.links[0].id)
    assert "Compare: Shade" not in heading(go(shell, "compare", runs=ids, session=session.link))


def test_without_runs_ones_own_are_offered_and_chosen(shell, lab, me):
    runs = [shaded(lab, me, amount=amount) for amount in (75, 80)]
    go(shell, "compare")
    labels = {box.key: box.label for box in shell.checkbox}
    assert "Amount 75 %" in labels[f"vt-pick-{runs[0].id}"]
    assert shell.button(key="vt-compare-go").disabled
    for run in runs:
        shell.checkbox(key=f"vt-pick-{run.id}").check()
    shell.run()
    shell.button(key="vt-compare-go").click().run()
    assert set(str(shell.query_params["runs"]).split(",")) == {run.id for run in runs}
    assert "Compare: Shade" in heading(shell)

"""Grids as HTML: every cell in its place, the best one where the numbers say, small pictures made once, all escaped."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image as Pillow

from backends.core.encoding import encode, png
from backends.core.grids import best_place
from backends.core.results import Axis, Encoded, Gallery, Grid, GridCell, Image, Table, Text
from components.figures.colours import viridis
from components.figures.sweep_lines import sweep_lines
from components.grid_html import THUMB, Look, grid_html, lines_html, outputs_of, thumb, usual_look, with_names
from components.results_html import result_html
from components.theme.tokens import VIRIDIS

EVIL = '<script>alert("x")</script>'
X = Axis("centre", "Centre", "HU", (40.0, 80.0), ("40", "80"))
Y = Axis("model", "Model", "", ("a/b", "a/c", "a/d"), ("a/b", "a/c", "a/d"))


def cell(*values: float) -> GridCell:
    results = {
        "answer": Text(f"answer {values[0]:g}"),
        "same": Image(np.zeros((8, 8), np.uint8), "Always the same"),
        "view": Image(np.full((8, 8), int(10 * values[0]), np.uint8), "A picture"),
        "table": Table(("a",), ((1,),)),
    }
    return GridCell({name: encode(result) for name, result in results.items()}, {"n": values, "m": (-values[0],)})


def grid(**changes) -> Grid:
    cells = {
        (0, 0): cell(1),
        (1, 0): cell(3),
        (0, 1): cell(2),
        (1, 1): GridCell({}, {}, "No such class. Choose another."),
    }
    return replace(Grid(X, Y, cells, {"n": "Number (mm)", "m": "Minus"}, 1, "Sweep of it"), **changes)


class Reader(HTMLParser):
    """Rows of (tag, class, text) of a table's cells."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[tuple[str, str, str]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append((tag, dict(attrs).get("class") or dict(attrs).get("scope") or "", ""))

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            tag, kind, text = self.rows[-1][-1]
            self.rows[-1][-1] = (tag, kind, f"{text} {data}".strip())


def test_every_cell_stands_under_its_values():
    rows = Reader(grid_html(grid(), Look("answer", "n"))).rows
    assert rows[0] == [("td", "vt-grid-corner", "Model"), ("th", "colgroup", "Centre (HU)")]
    assert [text for _, _, text in rows[1]] == ["40", "80"]
    assert [text for _, _, text in rows[2]] == ["a/b", "answer 1 1", "answer 3 Best 3"]
    assert rows[3][1][2] == "answer 2 2"
    assert rows[3][2][2] == "No such class. Choose another."
    assert rows[4][0] == ("th", "row", "a/d")
    assert {kind for _, kind, _ in rows[4][1:]} == {"vt-cell vt-cell-waits"}


def test_one_axis_gives_one_row_without_row_heads():
    rows = Reader(grid_html(grid(y=None, cells={(1, 0): cell(3)}), Look("answer"))).rows
    assert [len(row) for row in rows] == [1, 2, 2]


@pytest.mark.parametrize("largest", [True, False])
def test_the_best_cell_is_marked_by_border_and_word_and_told_above(largest):
    shown = grid_html(grid(), Look("view", "n", largest), pressable=True)
    place = best_place(grid(), "n", largest=largest)
    assert place
    marked = re.findall(r'vt-cell-best"><button type="button" data-cell="(\d,\d)"', shown)
    assert marked == [f"{place[0]},{place[1]}"]
    assert shown.count("<em>Best</em>") == 1
    assert "<b>Best so far</b>" in shown
    assert f"has the {'largest' if largest else 'smallest'} Number (mm)" in shown


def test_without_a_number_nothing_is_best():
    shown = grid_html(grid(), Look("view"))
    assert "Best" not in shown
    assert "vt-scale" not in shown


def test_cells_are_named_for_who_cannot_see_them():
    shown = grid_html(grid(), Look("view", "n"), pressable=True)
    assert 'aria-label="Centre 80, Model a/b: Number (mm) 3, best. Show this result."' in shown
    assert 'aria-label="Centre 80, Model a/c: No such class. Choose another."' in shown
    still = grid_html(grid(), Look("view", "n"))
    assert "<button" not in still
    assert 'alt="A picture"' in still


def test_several_seeds_show_their_interval_and_the_scale_goes_from_the_least_to_the_most():
    cells = {(0, 0): cell(1, 2, 3), (1, 0): cell(5, 6, 7)}
    shown = grid_html(grid(cells=cells, seeds=3), Look("view", "n"))
    assert "<small>\u22120.4841 to 4.484</small>" in shown
    assert "<span>2</span>" in shown
    assert "<span>6</span>" in shown
    assert f"--vt-part:1.000;background:{viridis(1)}" in shown


def test_what_comes_from_a_run_is_escaped_and_nothing_is_fetched():
    axis = Axis(EVIL, EVIL, EVIL, (EVIL, "b"), (EVIL, "b"))
    results = {EVIL: encode(Image(np.zeros((4, 4), np.uint8), EVIL)), "t": encode(Text(EVIL))}
    cells = {(0, 0): GridCell(results, {EVIL: (1.0,)}), (1, 0): GridCell({}, {}, EVIL)}
    made = Grid(axis, replace(axis, parameter="y"), cells, {EVIL: EVIL}, 1, EVIL)
    for output in (EVIL, "t"):
        for pressable in (True, False):
            shown = grid_html(made, Look(output, EVIL), pressable=pressable) + lines_html(made, EVIL)
            assert "<script" not in shown
            assert not re.search(r'(src|href)="(?!data:)', shown)
    assert "<script" not in result_html(made)


def test_outputs_are_offered_pictures_first_and_the_usual_one_is_a_picture_that_changes():
    assert outputs_of(grid(), {"view": "What is seen"}) == [
        ("Same", "same"),
        ("What is seen", "view"),
        ("Answer", "answer"),
    ]
    assert usual_look(grid(), Look()) == Look("view", "", True)
    assert usual_look(grid(), Look("answer", "n", False)) == Look("answer", "n", False)
    assert usual_look(grid(), Look("gone", "gone")) == Look("view", "")
    assert usual_look(grid(cells={}), Look()) == Look("", "")


def pixels(address: str) -> np.ndarray:
    return np.asarray(Pillow.open(io.BytesIO(base64.b64decode(address.split(",", 1)[1]))))


def test_small_pictures_are_shown_as_they_are_and_large_ones_shrunk():
    small = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert np.array_equal(pixels(thumb(encode(Image(small, "x")))), small)
    ramp = np.linspace(0, 255, 400 * 800).reshape(400, 800).astype(np.uint8)
    shrunk = pixels(thumb(encode(Image(ramp, "x"))))
    assert shrunk.shape[:2] == (THUMB // 2, THUMB)
    wanted = np.asarray(Pillow.fromarray(ramp).resize((THUMB, THUMB // 2)), np.float64)
    assert np.abs(shrunk[..., 0] - wanted).mean() < 3


def test_a_gallery_shows_its_first_picture_and_a_damaged_picture_shows_none():
    first = Image(np.full((4, 4), 200, np.uint8), "x")
    gallery = thumb(encode(Gallery((first, Image(np.zeros((4, 4), np.uint8), "y")))))
    assert abs(int(pixels(gallery).ravel()[0]) - 200) <= 2
    assert thumb(encode(Gallery(()))) == ""
    assert thumb(Encoded("image", "image/png", png(first.pixels)[:20], {})) == ""


def test_a_picture_is_made_small_once_however_often_the_grid_is_drawn():
    thumbs: dict = {}
    grid_html(grid(cells={(0, 0): cell(1)}), Look("view"), thumbs)
    thumbs[(0, 0), "view"] = "data:image/png;base64,kept"
    again = grid_html(grid(), Look("view"), thumbs)
    assert again.count("base64,kept") == 1
    assert set(thumbs) == {((0, 0), "view"), ((1, 0), "view"), ((0, 1), "view")}


def test_models_get_their_titles():
    named = with_names(grid(), {"a/b": "The first"})
    assert named.y.labels == ("The first", "a/c", "a/d")
    assert named.y.values == Y.values
    assert named.x == X


def test_lines_go_through_the_numbers_with_error_bars_where_there_are_seeds():
    lines = sweep_lines(grid(cells={(0, 0): cell(1, 3), (1, 0): cell(4, 6), (0, 1): cell(2, 2)}, seeds=2), "n")
    assert "Number (mm) against Centre, with 95 % intervals" in lines
    assert "Centre (HU)" in lines
    assert lines.count("<polyline") == 3
    titles = re.findall(r"<title>([^<]*)</title>", lines)
    assert titles == ["Model a/b, 40: 2", "Model a/b, 80: 5", "Model a/c, 40: 2"]
    points = [tuple(map(float, pair.split(","))) for pair in re.findall(r'points="([^"]+)"', lines)[0].split()]
    assert points[0][0] < points[1][0]
    assert points[0][1] > points[1][1], "up is more"


def test_the_numeric_axis_runs_across_wherever_it_is_and_without_one_there_are_no_lines():
    turned = grid(x=Y, y=X, cells={(0, 0): cell(1), (0, 1): cell(3)})
    assert "against Centre" in sweep_lines(turned, "n")
    words = replace(X, values=("a", "b"))
    assert sweep_lines(grid(x=words), "n") == ""
    assert sweep_lines(grid(cells={(0, 0): cell(1)}), "n") == ""
    assert sweep_lines(grid(x=replace(X, values=(True, False))), "n") == ""


@pytest.mark.parametrize("values", [(0.0, 0.0), (1e-15, 2e-15), (-1e12, 1e12), (5.0, 5.0)])
def test_any_numbers_can_be_drawn(values):
    cells = {(column, 0): GridCell({}, {"n": (value,)}) for column, value in enumerate(values)}
    lines = sweep_lines(grid(cells=cells), "n")
    assert "nan" not in lines
    assert lines.count("text-anchor") < 40


def test_as_an_image_the_lines_stand_alone():
    image = sweep_lines(grid(), "n", image=True)
    svg = base64.b64decode(re.search(r'base64,([^"]+)"', image)[1]).decode()
    assert "var(--vt" not in svg
    assert "light-dark(" in svg


def test_the_numbers_stand_behind_the_lines():
    shown = lines_html(grid(), "n")
    assert "<summary>Numbers of all cells</summary>" in shown
    assert "No such class. Choose another." in shown
    assert "<summary>" in lines_html(grid(), "")
    assert lines_html(grid(cells={}, measures={}), "") == ""


def test_viridis_goes_through_its_ten_steps():
    assert [viridis(step / 9) for step in range(10)] == list(VIRIDIS)
    assert viridis(-1) == VIRIDIS[0]
    assert viridis(0.5 / 9) == "#461466"

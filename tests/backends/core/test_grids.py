"""Grids as files and as numbers: they come back equal, damage is told, and statistics are what scipy says."""

import io
import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from backends.core.encoding import decode, encode
from backends.core.errors import ArtifactMissing
from backends.core.grids import (
    best_place,
    best_sentence,
    estimate,
    from_zip,
    grid_table,
    places,
    to_zip,
    values_at,
    words_at,
)
from backends.core.results import Axis, Encoded, Grid, GridCell, Image, Number

X = Axis("centre", "Centre", "HU", (40.0, 80.0), ("40", "80"))
Y = Axis("model", "Model", "", ("a/b", "a/c", "a/d"), ("a/b", "a/c", "a/d"))


def cell(*values: float) -> GridCell:
    pixels = np.full((3, 4), int(values[0]), np.uint8)
    return GridCell({"view": encode(Image(pixels, "A picture")), "n": encode(Number(values[0], "N"))}, {"n": values})


GRID = Grid(
    X,
    Y,
    {(0, 1): cell(3), (1, 0): cell(5), (0, 0): cell(5), (1, 2): GridCell({}, {}, "No such label.")},
    {"n": "N"},
    1,
    "Sweep of it",
)


def test_a_grid_comes_back_equal_and_equal_grids_give_equal_bytes():
    again = decode(encode(GRID))
    assert again == GRID
    shuffled = replace(GRID, cells=dict(reversed(GRID.cells.items())))
    assert encode(shuffled).data == encode(GRID).data == encode(again).data


def test_the_results_of_a_cell_are_kept_byte_for_byte():
    kept = decode(encode(GRID)).cells[0, 1].results
    assert kept["view"].data == encode(Image(np.full((3, 4), 3, np.uint8), "A picture")).data
    assert decode(kept["n"]) == Number(3.0, "N")


def rewritten(change) -> bytes:
    """A grid's file with its index changed."""
    with zipfile.ZipFile(io.BytesIO(to_zip(GRID))) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    index = json.loads(parts["index.json"])
    change(index)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as new:
        for name, data in {**parts, "index.json": json.dumps(index).encode()}.items():
            new.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        to_zip(GRID)[:-30],
        rewritten(lambda index: index.pop("x")),
        rewritten(lambda index: index["cells"][0].update(place=[2, 0])),
        rewritten(lambda index: index["cells"][0].update(place=[-1, 0])),
        rewritten(lambda index: index["x"].update(labels=["one"])),
        rewritten(lambda index: index["cells"][0]["measures"].update(n=["many"])),
        rewritten(lambda index: index["cells"][0]["results"][0].__setitem__(1, "nowhere")),
    ],
)
def test_a_damaged_grid_is_told_in_a_sentence(data):
    with pytest.raises(ArtifactMissing):
        decode(Encoded("grid", "application/zip", data, {"title": "x"}))


def test_a_grid_that_unpacks_to_more_than_its_own_size_is_refused_before_it_is_unpacked():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("index.json", b" " * 50_000_000)
    with pytest.raises(ValueError, match="more than its own size"):
        from_zip(buffer.getvalue(), "")


def test_places_values_and_words_are_in_reading_order():
    assert places(GRID) == [(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]
    assert values_at(GRID, (1, 2)) == {"centre": 80.0, "model": "a/d"}
    assert words_at(GRID, (1, 2)) == "Centre 80, Model a/d"
    assert words_at(replace(GRID, y=None), (1, 0)) == "Centre 80"


def test_among_equals_the_first_in_reading_order_is_best_and_the_others_are_counted():
    assert best_place(GRID, "n", largest=True) == (0, 0)
    assert best_place(GRID, "n", largest=False) == (0, 1)
    assert best_place(GRID, "other", largest=True) is None
    assert best_sentence(GRID, "n", largest=True) == "Centre 40, Model a/b has the largest N: 5. 1 more has the same."
    assert best_sentence(GRID, "n", largest=False) == "Centre 40, Model a/c has the smallest N: 3."
    assert best_sentence(GRID, "other", largest=True) == "No cell has that number."


def test_the_table_has_a_row_a_cell_with_numbers_as_numbers():
    table = grid_table(GRID)
    assert table.columns == ("Centre (HU)", "Model", "N", "Not computed")
    assert table.rows[0] == (40.0, "a/b", 5.0, None)
    assert table.rows[-1] == (80.0, "a/d", None, "No such label.")


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30))
def test_intervals_are_those_of_scipy(sample):
    told = estimate(sample)
    assert told.mean == pytest.approx(np.mean(sample), rel=1e-9, abs=1e-6)
    spread = scipy.stats.sem(sample)
    if spread > 1e-6:
        low, high = scipy.stats.t.interval(0.95, len(sample) - 1, loc=np.mean(sample), scale=spread)
        assert (told.low, told.high) == pytest.approx((low, high), rel=1e-6, abs=1e-6)
    assert told.low <= told.mean <= told.high


def test_one_value_has_no_interval_and_none_is_refused():
    assert (estimate([2.0]).low, estimate([2.0]).high, estimate([2.0]).n) == (None, None, 1)
    with pytest.raises(ValueError, match="no values"):
        estimate([])


@given(st.dictionaries(st.tuples(st.integers(0, 1), st.integers(0, 2)), st.floats(-5, 5), min_size=1), st.booleans())
def test_the_best_place_is_what_looking_at_all_finds(values, largest):
    grid = Grid(X, Y, {place: GridCell({}, {"n": (value,)}) for place, value in values.items()}, {"n": "N"}, 1)
    best = best_place(grid, "n", largest=largest)
    assert values[best] == (max if largest else min)(values.values())

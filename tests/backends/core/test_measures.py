"""The numbers of a run: which results give which, under which key and title."""

import math

import numpy as np

from backends.core.measures import Measure, measures
from backends.core.results import Image, Number, Table, Text


def test_numbers_and_the_rows_of_tables_are_measures():
    results = {
        "peak": Number(0.5, "Peak", "HU"),
        "count": Number(3.0, "Count"),
        "chances": Table(("Class", "Probability"), (("burr_cell", 0.25), ("normal", 1))),
        "words": Text("12"),
        "view": Image(np.zeros((2, 2), np.uint8), "x"),
    }
    assert measures(results) == {
        "peak": Measure("Peak (HU)", 0.5, "HU"),
        "count": Measure("Count", 3.0),
        "chances:burr_cell": Measure("Probability of burr cell", 0.25),
        "chances:normal": Measure("Probability of normal", 1.0),
    }


def test_what_is_no_finite_number_under_a_name_is_left_out():
    results = {
        "lost": Number(math.nan, "Lost"),
        "far": Number(math.inf, "Far"),
        "colours": Table(("Value", "Colour"), ((0.1, "#000000"), (0.2, "#ffffff"))),
        "flags": Table(("Name", "Is"), (("a", True), ("b", None), ("c", "yes"), ("d", math.nan))),
        "wide": Table(("Name", "One", "Two"), (("a", 1.0, 2.0),)),
    }
    assert measures(results) == {}


def test_a_long_table_gives_its_first_fifty_rows():
    rows = tuple((f"row {index}", float(index)) for index in range(80))
    assert len(measures({"t": Table(("Name", "Value"), rows)})) == 50

"""Small parts of the shell: words, tables, the HTTP example."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from backends.core.experiment import Experiment
from backends.core.playground import Actions
from backends.core.results import Table
from components.curl import curl_example
from components.reference_tables import outputs_table, parameters_table
from components.results_html import scale_html
from components.settings_shown import settings_shown
from components.words import byte_size, count, percent, seconds, short, time_ago
from tests.components.shell_lab import SHADES, Shade

# Stands in for curl: answers the first call with a digest, and tells the body of the second on stderr.
_CURL = """curl() {
  for arg in "$@"; do last="$arg"; done
  case "$*" in
    *api/inputs*) echo '{"digest": "DIGEST"}' ;;
    *wait=60*) printf "%s" "$last" >&2 ;;
  esac
}
"""
NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "said"),
    [
        (timedelta(seconds=-3), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(hours=25), "yesterday"),
        (timedelta(days=4), "4 days ago"),
        (timedelta(days=40), "10 April 2026"),
    ],
)
def test_times_are_told_as_people_tell_them(ago, said):
    assert time_ago(NOW - ago, NOW) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1 KB"),
        (44_710_152, "42.6 MB"),
        (8 * 2**30, "8 GB"),
        (1023.9 * 2**20, "1 GB"),
    ],
)
def test_sizes_have_three_figures(size, said):
    assert byte_size(size) == said


@pytest.mark.parametrize(
    ("fraction", "said"),
    [(0, "0 %"), (0.0001, "< 0.1 %"), (0.975, "97.5 %"), (0.9999, "> 99.9 %"), (1, "100 %"), (0.5, "50 %")],
)
def test_what_is_not_certain_is_never_said_to_be(fraction, said):
    assert percent(fraction) == said


def test_counts_durations_and_large_numbers():
    assert (count(1, "run"), count(1200, "run")) == ("1 run", "1,200 runs")
    assert (seconds(0.0852), seconds(3.21), seconds(125)) == ("85 ms", "3.2 s", "2 min 5 s")
    assert (short(11_177_538), short(950)) == ("11.2 million", "950")


def test_every_parameter_of_an_action_is_in_its_table():
    rows = {row[1]: row for row in parameters_table(Shade).rows}
    assert list(rows) == ["photo", "model", "amount", "curve", "smooth", "seed"]
    assert rows["amount"] == ("Amount", "amount", "0 to 90 %, in steps of 5", "30 %", "How much darker.")
    assert rows["photo"][3] == "required"
    assert [row[1] for row in outputs_table(Shade).rows] == ["darker", "mean", "raw"]


def test_a_table_of_values_and_colours_is_shown_as_a_colour_bar():
    ramp = Table(("Evidence", "Colour"), ((0.0, "#440154"), (0.25, "#fde725")))
    assert "linear-gradient(to right, #440154, #fde725)" in scale_html(ramp)
    assert "<span>0.25</span>" in scale_html(ramp)
    assert scale_html(Table(("Class", "Probability"), (("a", 0.5), ("b", 0.5)))) == ""
    assert scale_html(Table(("Evidence", "Colour"), ((0.0, "red"), (1.0, "url(x)")))) == ""


def test_settings_of_an_action_that_is_gone_are_still_shown():
    experiment = Experiment("gone/action", {"gain": 2}, {}, {})
    assert settings_shown(Actions([SHADES]), experiment) == {"gain": "2"}


def test_the_http_example_is_a_script_that_sends_valid_json():
    script = curl_example(Shade, "http://lab.test")
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    said = _CURL.replace("DIGEST", "a" * 64)
    done = subprocess.run(["bash"], input=said + script, text=True, capture_output=True, check=True)
    body = json.loads(done.stderr)
    assert body["parameters"]["photo"] == "a" * 64
    assert Shade.parse(body["parameters"]).amount == 30
    assert body["seed"] == 0

"""Results as HTML: everything from a run is escaped, nothing is fetched, and what is shown is what was found."""

import base64
import re

import numpy as np
import pytest

from backends.core.encoding import from_png
from backends.core.results import Audio, Figure, File, Gallery, Image, Number, Table, Text, Tokens
from components.results_html import number_text, result_html

EVIL = '<script>alert("x")</script>'
PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)
TABLE = Table((EVIL,), ((EVIL, 0.123456), (None, True)), EVIL)
RESULTS = [
    Image(PIXELS, EVIL, EVIL),
    Gallery((Image(PIXELS, EVIL, EVIL),), EVIL),
    Text(EVIL, title=EVIL),
    Text(EVIL, markdown=True),
    Tokens((EVIL,), (1.0,), EVIL),
    Figure({"data": []}, TABLE),
    TABLE,
    Audio(np.zeros(4, np.int16), 8000, EVIL),
    File(EVIL, "text/plain", b"abc", EVIL),
    Number(1.5, EVIL, EVIL, 1.0, 2.0, EVIL, 9),
]


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_what_comes_from_a_run_is_escaped_and_nothing_is_fetched(result):
    shown = result_html(result)
    assert "<script" not in shown
    assert not re.search(r'(src|href)="(?!data:)', shown)


def test_the_picture_shown_is_the_picture_found():
    data = re.search(r'src="data:image/png;base64,([^"]+)"', result_html(Image(PIXELS, "x")))
    assert data
    assert np.array_equal(from_png(base64.b64decode(data[1])), PIXELS)


def test_a_number_shows_its_interval_and_its_sample():
    shown = result_html(Number(0.9753, "AUC", "", 0.9601, 0.9899, "95 % bootstrap", 621))
    assert "0.9753" in shown
    assert "0.9601 to 0.9899 (95 % bootstrap)" in shown
    assert "n = 621" in shown


@pytest.mark.parametrize(("value", "text"), [(0.5, "0.5"), (-1.25, "\u22121.25"), (1234.5678, "1235"), (0, "0")])
def test_numbers_are_written_as_people_write_them(value, text):
    assert number_text(value) == text


def test_token_weights_are_relative_to_the_strongest():
    shown = result_html(Tokens(("a", "b"), (2.0, -1.0), "attribution"))
    assert "--vt-weight:1.000" in shown
    assert 'class="vt-negative" style="--vt-weight:0.500"' in shown

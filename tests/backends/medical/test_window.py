import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.core.errors import BadParameter
from backends.medical.window import PICTURE, Window, apply_window, spread_window, to_grey


def by_the_letter(x: float, c: float, w: float) -> float:
    """DICOM PS3.3 C.11.2.1.2.1, pseudo-code as printed, output from 0 to 1."""
    if x <= c - 0.5 - (w - 1) / 2:
        return 0.0
    if x > c - 0.5 + (w - 1) / 2:
        return 1.0
    return (x - (c - 0.5)) / (w - 1) + 0.5


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-32768, 65535), min_size=1, max_size=20),
    st.floats(-32768, 65535, width=32),
    st.floats(1, 98304, width=32),
)
def test_the_map_is_the_standards_to_the_letter(values, centre, width):
    mapped = apply_window(np.array(values), centre, width)
    wanted = [by_the_letter(x, centre, width) for x in values]
    # Near width 1 the slope is a cliff: there the comparison is of where it stands, in units of the value.
    slack = 1e-6 + 0.01 / max(width - 1, 1e-9)
    assert mapped.dtype == np.float32
    assert np.abs(mapped - wanted).max() <= min(slack, 1.0)


def test_wide_windows_agree_to_a_millionth():
    values = np.arange(-1024, 3072)
    wanted = [by_the_letter(x, 40, 400) for x in values]
    assert np.abs(apply_window(values, 40, 400) - wanted).max() <= 1e-6


def test_the_pictures_window_leaves_a_picture_as_it_is():
    levels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(to_grey(levels, PICTURE), levels)
    assert np.allclose(apply_window(levels, PICTURE.centre, PICTURE.width), levels / 255.0, atol=1e-7)


def test_a_window_of_one_is_a_step():
    assert apply_window(np.array([9.0, 9.5, 10.0]), 10, 1).tolist() == [0, 0, 1]


@pytest.mark.parametrize("width", [0.5, 0, -3, float("nan")])
def test_a_window_narrower_than_one_is_refused_beside_its_control(width):
    with pytest.raises(BadParameter) as caught:
        apply_window(np.zeros(3), 0, width)
    assert caught.value.field == "width"


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2"])
@pytest.mark.parametrize("window", [Window(40, 400), Window(-600.5, 1500.25), Window(3, 1)])
def test_the_table_for_whole_numbers_equals_the_formula(dtype, window):
    info = np.iinfo(dtype)
    every = np.arange(info.min, info.max + 1, dtype=np.int64).astype(dtype)
    wanted = np.floor(apply_window(every.astype(np.float32), window.centre, window.width) * 255 + 0.5)
    assert np.array_equal(to_grey(every, window), wanted)


def test_colour_goes_through_the_same_map_in_each_channel():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    together = to_grey(pixels, Window(100, 80))
    assert all(np.array_equal(together[..., c], to_grey(pixels[..., c].copy(), Window(100, 80))) for c in range(3))


def test_a_constant_picture_still_has_a_window():
    window = spread_window(np.full((5, 5), 7, np.int16))
    assert window.width >= 1
    assert 0 <= apply_window(np.array([7]), window.centre, window.width)[0] <= 1

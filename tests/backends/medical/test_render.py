import numpy as np
import pytest

from backends.medical.inputs import Recent, central_square, model_input
from backends.medical.render import colour_table, overlay, scale_rows, upsample, view
from backends.medical.window import PICTURE


def frame(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (rows, columns)).astype(np.uint8)


@pytest.mark.parametrize(
    ("rows", "columns", "shown"),
    [
        (28, 28, (504, 504)),
        (64, 64, (512, 512)),
        (300, 484, (300, 484)),
        (512, 512, (512, 512)),
        (3000, 2000, (1000, 667)),
    ],
)
def test_a_frame_is_shown_at_a_whole_factor_near_a_good_size(rows, columns, shown):
    made = view(frame(rows, columns), PICTURE)
    assert made.pixels.shape == shown
    assert made.zoom >= 1 or round(1 / made.zoom) == pytest.approx(1 / made.zoom)


def test_a_frame_of_good_size_is_shown_pixel_for_pixel():
    pixels = frame(400, 500)
    assert np.array_equal(view(pixels, PICTURE).pixels, pixels)


@pytest.mark.parametrize(("rows", "columns"), [(300, 484), (484, 300), (40, 60), (2000, 3001)])
def test_evidence_lands_on_the_pixels_that_the_model_saw(rows, columns):
    """One hot cell in a corner of the map colours that corner of the central square, and nothing outside it."""
    pixels = np.full((rows, columns), 90, np.uint8)
    shown = view(pixels, PICTURE)
    evidence = np.zeros((4, 4), np.float32)
    evidence[0, 3] = 2.0
    out = overlay(shown, evidence, opacity=1.0, threshold=0.5).astype(int)
    changed = np.abs(out - 90).max(2) > 0
    square = central_square(rows, columns)
    ys, xs = np.nonzero(changed)
    at = (ys.mean() / shown.zoom, xs.mean() / shown.zoom)
    # The hot cell's middle, with the slack of bilinear edges that are cut off at the border.
    assert abs(at[0] - (square.top + square.side / 8)) <= square.side * 0.03 + 2
    assert abs(at[1] - (square.left + square.side * 7 / 8)) <= square.side * 0.03 + 2
    assert xs.min() / shown.zoom >= square.left + square.side / 2
    assert ys.max() / shown.zoom <= square.top + square.side / 2


def test_the_model_sees_the_central_square():
    pixels = np.zeros((10, 20), np.uint8)
    pixels[:, 5:15] = 255
    assert (model_input(pixels, PICTURE, 10, 1) == 1).all()
    assert central_square(10, 21).left == 5


def test_grey_and_colour_are_turned_into_what_a_model_knows():
    grey, colour = frame(12, 12), np.random.default_rng(1).integers(0, 256, (12, 12, 3)).astype(np.uint8)
    repeated = model_input(grey, PICTURE, 12, 3)
    assert repeated.shape == (1, 3, 12, 12)
    assert (repeated[0, 0] == repeated[0, 2]).all()
    brightness = model_input(colour, PICTURE, 12, 1)
    assert np.allclose(brightness[0, 0], colour @ np.array([0.299, 0.587, 0.114]) / 255, atol=1e-6)


@pytest.mark.parametrize("side", [28, 48, 97])
def test_shrinking_is_antialiased_and_stays_in_range(side):
    fine = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)  # a checkerboard of single pixels
    seen = model_input(fine, PICTURE, side, 1)
    assert seen.min() >= 0
    assert seen.max() <= 1
    assert np.abs(seen[0, 0, 2:-2, 2:-2] - 0.5).max() < 0.02


def test_below_the_threshold_the_picture_is_untouched():
    shown = view(frame(512, 512), PICTURE)
    evidence = np.array([[1.0, 0.2], [0.0, 0.0]], np.float32)
    out = overlay(shown, evidence, opacity=0.7, threshold=0.5)
    share = upsample(evidence, (512, 512))
    plain = np.repeat(shown.pixels[..., None], 3, 2)
    assert (out[share < 0.49] == plain[share < 0.49]).all()
    assert (out[share > 0.51] != plain[share > 0.51]).any(-1).mean() > 0.99


def test_opacity_mixes_linearly():
    shown = view(frame(512, 512), PICTURE)
    evidence = np.ones((3, 3), np.float32)
    plain = np.repeat(shown.pixels[..., None], 3, 2).astype(float)
    top = colour_table()[255].astype(float)
    for opacity in (0.0, 0.25, 0.5, 1.0):
        out = overlay(shown, evidence, opacity=opacity, threshold=0.0)
        assert np.abs(out - (plain * (1 - opacity) + top * opacity)).max() <= 1.0


def test_enlarging_a_map_invents_no_peak():
    evidence = np.random.default_rng(0).random((6, 6)).astype(np.float32)
    large = upsample(evidence, (480, 480))
    assert large.max() <= evidence.max()
    assert large.min() >= evidence.min()
    assert large[40, 40] == pytest.approx(evidence[0, 0], abs=0.02)


def test_the_colours_are_viridis():
    matplotlib = pytest.importorskip("matplotlib")
    wanted = np.array(matplotlib.colormaps["viridis"].colors) * 255
    assert np.abs(colour_table() - wanted).max() <= 2.0


def test_the_colour_bar_runs_from_nothing_to_the_peak():
    rows = scale_rows(4.0)
    assert (rows[0][0], rows[-1][0]) == (0.0, 4.0)
    assert (rows[0][1], rows[-1][1]) == ("#440154", "#fde725")


def test_the_cache_keeps_its_bound_and_forgets_the_oldest():
    made: list[str] = []

    def make(name: str):
        return lambda: made.append(name) or name * 4

    recent: Recent[str] = Recent(12)
    for name in "abca":
        recent.get(name, make(name), len)
    assert made == ["a", "b", "c"]
    recent.get("d", make("d"), len)  # b is now the least recently used
    recent.get("a", make("a"), len)
    recent.get("b", make("b"), len)
    assert made == ["a", "b", "c", "d", "b"]
    recent.get("large", lambda: "x" * 100, len)
    assert recent._bytes <= 12
    recent.clear()
    assert recent._bytes == 0

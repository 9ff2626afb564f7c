"""Window and level: the linear map from values to grey that radiology uses.

DICOM PS3.3 C.11.2.1.2.1 (VOI LUT function LINEAR). Knows arrays only, no files and no models.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.core.errors import BadParameter
from backends.core.results import Pixels

CENTRE_MIN, CENTRE_MAX = -32768.0, 65535.0  # the lowest signed and the highest unsigned 16-bit value
WIDTH_MIN, WIDTH_MAX = 1.0, 98304.0  # LINEAR is defined from 1; the whole range above is 98304 values wide


@dataclass(frozen=True)
class Window:
    """Centre and width, in the unit of the values."""

    centre: float
    width: float

    def clamped(self) -> Window:
        """The nearest window that the controls can show."""
        return Window(min(max(self.centre, CENTRE_MIN), CENTRE_MAX), min(max(self.width, WIDTH_MIN), WIDTH_MAX))


# The LINEAR window that maps 0..255 to 0..1 exactly: the standard's formula has its half-unit offsets.
PICTURE = Window(128.0, 256.0)


def apply_window(values: npt.NDArray[Any], centre: float, width: float) -> npt.NDArray[np.float32]:
    """Values to [0, 1], same shape: ((x - (c - 0.5)) / (w - 1) + 0.5), clipped; a step at c - 0.5 when w is 1.

    values: any real array; centre, width: in its unit. Raises BadParameter when width < 1.
    """
    if not width >= WIDTH_MIN:
        raise BadParameter("Window width must be at least 1.", hint="Make it wider.", field="width")
    middle = centre - 0.5
    if width == WIDTH_MIN:
        return (values > middle).astype(np.float32)
    out = values.astype(np.float32)
    out -= np.float32(middle)
    out /= np.float32(width - 1.0)
    out += np.float32(0.5)
    return np.clip(out, 0.0, 1.0, out=out)


def to_grey(values: npt.NDArray[Any], window: Window) -> Pixels:
    """What a screen shows, same shape: apply_window times 255, rounded. Whole numbers go through a table (exact)."""
    if values.dtype.itemsize > 2 or values.dtype.kind not in "iu":
        return _levels(apply_window(values, window.centre, window.width))
    unsigned = np.dtype(f"u{values.dtype.itemsize}")
    codes = np.arange(2 ** (8 * values.dtype.itemsize), dtype=np.int64).astype(unsigned).view(values.dtype)
    table = _levels(apply_window(codes, window.centre, window.width))
    grey: Pixels = table[values.view(unsigned)]  # one look-up a pixel instead of the arithmetic
    return grey


def spread_window(values: npt.NDArray[Any]) -> Window:
    """A window over the values themselves, from their 0.5th to 99.5th percentile; for files that bring none."""
    sample = values.reshape(-1)
    sample = sample[:: max(1, sample.size // 1_000_000)]  # a million values are enough for a percentile
    low, high = (float(value) for value in np.percentile(sample, (0.5, 99.5)))
    # LINEAR maps low to 0 and high to 1 with exactly this centre and width.
    return Window((low + high + 1.0) / 2.0, high - low + 1.0).clamped()


def _levels(unit: npt.NDArray[np.float32]) -> Pixels:
    unit *= np.float32(255.0)
    unit += np.float32(0.5)
    return unit.astype(np.uint8)

"""Pictures from numbers: the windowed frame, and the evidence laid over it. Pure functions of arrays.

Colours are viridis (van der Walt and Smith, 2015): perceptually uniform and readable by colour-blind people. Its
yellow end stands out on grey X-rays and on pink stains alike, where magma's would not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from backends.core.results import Pixels
from backends.medical.inputs import Square, central_square
from backends.medical.study import Values
from backends.medical.window import Window, to_grey

GOOD_SIDE = 512  # pixels: smaller frames are enlarged towards this by a whole factor
MOST_SIDE = 1024  # and larger ones reduced below this: a live picture must be encoded well within 100 ms

# Every fifth colour of the map; what lies between is linear to within one level of 255.
_STOPS = """
440154 46085c 471063 481769 481d6f 482475 472a7a 46307e 453781 433d84 414287 3f4889 3d4e8a 3a538b 38598c 355e8d 33638d
31688e 2e6d8e 2c718e 2a768e 297b8e 27808e 25848e 23898e 218e8d 20928c 1f978b 1e9c89 1fa188 21a585 24aa83 28ae80 2eb37c
35b779 3dbc74 46c06f 50c46a 5ac864 65cb5e 70cf57 7cd250 89d548 95d840 a2da37 b0dd2f bddf26 cae11f d8e219 e5e419 f1e51d
fde725
"""


@dataclass(frozen=True, eq=False)
class View:
    """A frame as it is shown. pixels: uint8 (H, W) or (H, W, 3). zoom: shown pixels for one of the frame's."""

    pixels: Pixels
    zoom: float
    square: Square

    @property
    def shown_square(self) -> Square:
        """The part that the model sees, in shown pixels."""
        return Square(*(round(side * self.zoom) for side in (self.square.top, self.square.left, self.square.side)))


def view(frame: Values, window: Window) -> View:
    """The windowed frame, enlarged or reduced by a whole factor to lie near GOOD_SIDE and below MOST_SIDE.

    frame: (H, W) or (H, W, 3) in the window's unit.
    """
    rows, columns = frame.shape[:2]
    grey = to_grey(frame, window)
    square = central_square(rows, columns)
    larger = max(1, GOOD_SIDE // max(rows, columns))
    smaller = -(-max(rows, columns) // MOST_SIDE)
    if larger > 1:
        picture = Pillow.fromarray(grey).resize((columns * larger, rows * larger), Pillow.Resampling.BICUBIC)
        return View(np.asarray(picture), float(larger), square)
    if smaller > 1:
        return View(np.asarray(Pillow.fromarray(grey).reduce(smaller)), 1.0 / smaller, square)
    return View(grey, 1.0, square)


def overlay(shown: View, evidence: npt.NDArray[np.float32], *, opacity: float, threshold: float) -> Pixels:
    """The view with the evidence in colour: uint8 (H, W, 3).

    evidence: (h, w) raw, over the square that the model saw; its peak, which must be > 0, is the top of the colours.
    opacity: in [0, 1]. threshold: in [0, 1] of the peak; what lies below it stays grey.
    """
    pixels = shown.pixels if shown.pixels.ndim == 3 else np.repeat(shown.pixels[..., None], 3, axis=2)
    out = pixels.copy()
    at = shown.shown_square
    under = out[at.top : at.top + at.side, at.left : at.left + at.side]
    share = upsample(evidence / evidence.max(), under.shape[:2])
    colours = colour_table()[(share * 255.0 + 0.5).astype(np.uint8)]
    chosen = (share >= threshold) & (share > 0.0)
    # Integers with 8 bits of fraction: cheaper than floats, and exact to a level.
    part = np.where(chosen, round(opacity * 256), 0).astype(np.uint16)[..., None]
    under[...] = ((under * (256 - part) + colours * part + 128) >> 8).astype(np.uint8)
    return out


def upsample(evidence: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
    """A map (h, w) at (H, W), bilinear between the centres of its cells; nothing exceeds the peak."""
    picture = Pillow.fromarray(np.ascontiguousarray(evidence, np.float32))
    out = np.asarray(picture.resize((shape[1], shape[0]), Pillow.Resampling.BILINEAR))
    clipped: npt.NDArray[np.float32] = np.clip(out, evidence.min(), evidence.max())
    return clipped


def scale_rows(peak: float, steps: int = 9) -> tuple[tuple[float, str], ...]:
    """The colour bar as data: evidence from 0 to the peak, each with its colour as '#rrggbb'."""
    table = colour_table()
    shares = np.linspace(0.0, 1.0, steps)
    return tuple((float(share * peak), "#" + bytes(table[round(float(share) * 255)]).hex()) for share in shares)


@cache
def colour_table() -> Pixels:
    """viridis: (256, 3) uint8."""
    stops = np.frombuffer(bytes.fromhex("".join(_STOPS.split())), np.uint8).reshape(-1, 3)
    at = np.linspace(0, 255, len(stops))
    table = np.stack([np.interp(np.arange(256), at, stops[:, channel]) for channel in range(3)], axis=1)
    return (table + 0.5).astype(np.uint8)

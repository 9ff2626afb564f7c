"""From a frame to what a model sees: window, square crop, antialiased resize, grey or RGB.

The bundled sets were made so: the square in the middle, scaled to the model's side, in [0, 1] after windowing.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from backends.medical.study import Values
from backends.medical.window import Window, apply_window

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in the recipes
Map = npt.NDArray[np.float32]
T = TypeVar("T")


@dataclass(frozen=True)
class Square:
    """The part of a frame that the model sees: the square in the middle. In pixels of the frame."""

    top: int
    left: int
    side: int


def central_square(rows: int, columns: int) -> Square:
    """The largest square in the middle of a frame; the odd pixel goes to the bottom or right."""
    side = min(rows, columns)
    return Square((rows - side) // 2, (columns - side) // 2, side)


def model_input(frame: Values, window: Window, side: int, channels: int) -> Map:
    """What the model sees of a frame: (1, C, side, side) float32 in [0, 1].

    frame: (H, W) or (H, W, 3). channels: 1 makes colour grey by luminance, 3 repeats grey.
    """
    square = central_square(*frame.shape[:2])
    cut = frame[square.top : square.top + square.side, square.left : square.left + square.side]
    unit = apply_window(cut, window.centre, window.width)
    planes = unit[None] if unit.ndim == 2 else unit.transpose(2, 0, 1)
    if len(planes) == 3 and channels == 1:
        planes = np.tensordot(np.asarray(LUMINANCE, np.float32), planes, 1)[None]
    resized = _resize(np.ascontiguousarray(planes), side)
    return np.ascontiguousarray(np.repeat(resized, 3, axis=0) if len(planes) == 1 and channels == 3 else resized)[None]


def _resize(planes: npt.NDArray[np.float32], side: int) -> Map:
    """(C, S, S) to (C, side, side), bicubic with antialiasing; untouched where the size is right already."""
    if planes.shape[-1] == side:
        return planes
    import torch
    import torch.nn.functional as F  # noqa: N812 - the name everyone reads

    source = torch.from_numpy(planes)[None]
    resized = F.interpolate(source, (side, side), mode="bicubic", antialias=True, align_corners=False)
    out: npt.NDArray[np.float32] = resized[0].clamp(0.0, 1.0).numpy()
    return out


class Recent(Generic[T]):
    """The values last asked for, bounded in bytes; the least recently used goes first. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """The value under `key`, made now if it is not here. What is larger than everything together is not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
        value = make()  # outside the lock: two may make the same value at once, which costs time and nothing else
        weight = size(value)
        with self._lock:
            if key not in self._kept and weight <= self._max_bytes:
                self._kept[key] = (value, weight)
                self._bytes += weight
            while self._bytes > self._max_bytes:
                self._bytes -= self._kept.popitem(last=False)[1][1]
        return value

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

"""How far apart two pictures or two arrays are, and the words in which distances are told.

Differences are second minus first; relative ones are parts of the first.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.core.results import File, Pixels

Array = npt.NDArray[Any]
ARRAY = "application/x-npy"


@dataclass(frozen=True)
class Distance:
    """equal: whether the values are. sentence: how far apart they are, in words. figures: the same as numbers."""

    equal: bool
    sentence: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


EQUAL = Distance(True)


def picture_distance(first: Pixels, second: Pixels) -> Distance:
    """How far apart two pictures are: max_abs and mean_abs of `grey_levels`, share of the pixels that differ."""
    if first.shape[:2] != second.shape[:2]:
        return Distance(False, f"the size is {size_of(second)} instead of {size_of(first)} pixels")
    gaps = grey_levels(first, second)
    share = float((gaps > 0).mean())
    if not share:
        return EQUAL
    most, mean = int(gaps.max()), float(gaps.mean())
    levels = "1 grey level" if most == 1 else f"{most} grey levels"
    sentence = f"by at most {levels}, {told(mean)} on average; {percent(share)} of the pixels differ"
    return Distance(False, sentence, {"max_abs": most, "mean_abs": mean, "share": share})


def same_frame(first: Pixels, second: Pixels) -> tuple[Pixels, Pixels] | None:
    """Both pictures with the same channels, (H, W, C); None where their sizes differ, so that no pixel has a partner.

    Grey becomes three equal channels beside colour; a picture without transparency is opaque beside one with it.
    """
    if first.shape[:2] != second.shape[:2]:
        return None
    channels = max(1 if item.ndim == 2 else item.shape[2] for item in (first, second))
    return _with_channels(first, channels), _with_channels(second, channels)


def grey_levels(first: Pixels, second: Pixels) -> npt.NDArray[np.uint8]:
    """Absolute difference in grey levels, (H, W): the largest of the channels. Raises ValueError when sizes differ."""
    pair = same_frame(first, second)
    if pair is None:
        raise ValueError("pictures of different sizes")
    levels: npt.NDArray[np.uint8] = (
        np.abs(pair[0].astype(np.int16) - pair[1].astype(np.int16)).max(axis=2).astype(np.uint8)
    )
    return levels


def array_distance(first: Array, second: Array) -> Distance:
    """How far apart two arrays are: figures max_abs, share of the values that differ, max_rel of the largest value."""
    if first.shape != second.shape:
        return Distance(False, f"the shape is {_shape(second)} instead of {_shape(first)}")
    kind = "" if first.dtype == second.dtype else f"{second.dtype} instead of {first.dtype}"
    if first.dtype.kind not in "biufc" or second.dtype.kind not in "biufc":
        same = not kind and bool((first == second).all())
        return EQUAL if same else Distance(False, kind or "its values differ")
    unequal = _unequal(first, second)
    if not unequal.any():
        return Distance(False, f"the values are equal as {kind}") if kind else EQUAL
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.abs(_wide(second)[unequal] - _wide(first)[unequal])
    finite, sizes = gaps[np.isfinite(gaps)], np.abs(_wide(first))
    most = float(finite.max(initial=0.0))
    part = relative(most, float(sizes[np.isfinite(sizes)].max(initial=0.0)))
    share = float(unequal.mean())
    words = [f"by at most {told(most)}" + ("" if part is None else f" ({percent(part)} of the largest value)")]
    words += [f"{count(gaps.size - finite.size, 'value')} without a finite difference"] * (finite.size < gaps.size)
    words += [f"{percent(share)} of the values differ"] + ([kind] if kind else [])
    figures = {"max_abs": most, "share": share} | ({} if part is None else {"max_rel": part})
    return Distance(False, "; ".join(words), figures)


def array_of(file: File) -> Array | None:
    """The array in a .npy file; None where it is none, or claims to hold more than it does."""
    if file.media_type != ARRAY:
        return None
    stream = io.BytesIO(file.data)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
        if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(file.data) - stream.tell():
            return None
        array: Array = np.load(io.BytesIO(file.data), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    return array


def told(value: float) -> str:
    """A number in a sentence: four significant digits, or all of them before the point."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def relative(gap: float, base: float) -> float | None:
    """A difference as a part of the value it is from; None for a part of nothing."""
    return gap / abs(base) if base else None


def percent(part: float) -> str:
    """A part of one as per cent."""
    return f"{100 * part:,.0f} %" if 1e3 <= 100 * part < 1e15 else f"{100 * part:.3g} %"


def count(number: int, noun: str) -> str:
    """A number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def size_of(pixels: Pixels) -> str:
    """Width and height of a picture."""
    return f"{pixels.shape[1]} x {pixels.shape[0]}"


def _shape(array: Array) -> str:
    return " x ".join(map(str, array.shape)) or "a single value"


def _with_channels(pixels: Pixels, channels: int) -> Pixels:
    deep = pixels[:, :, None] if pixels.ndim == 2 else pixels
    if deep.shape[2] == 1 and channels >= 3:
        deep = np.repeat(deep, 3, axis=2)
    if deep.shape[2] == 3 and channels == 4:
        deep = np.concatenate([deep, np.full((*deep.shape[:2], 1), 255, np.uint8)], axis=2)
    return deep


def _unequal(first: Array, second: Array) -> npt.NDArray[np.bool_]:
    """Where the values differ, exactly; what is not a number equals what is not a number."""
    both_nan = (first != first) & (second != second)
    unequal: npt.NDArray[np.bool_] = np.asarray((first != second) & ~both_nan)
    return unequal


def _wide(array: Array) -> Array:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)

"""What an action can show: a closed set of kinds.

Each kind has a renderer for the playground, one for the shell, and an export; core.encoding turns each into bytes
and back. Results are values: arrays in them are never written to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Kind = Literal["image", "gallery", "text", "tokens", "figure", "table", "audio", "file", "number", "grid"]
Cell = str | int | float | bool | None


@dataclass(frozen=True, eq=False)
class Image:
    """pixels: uint8 (H, W), (H, W, 3) or (H, W, 4); sRGB. alt: what is seen, for who cannot see it."""

    kind: ClassVar[Kind] = "image"
    pixels: Pixels
    alt: str
    title: str = ""


@dataclass(frozen=True, eq=False)
class Gallery:
    """Images in order, each with its title."""

    kind: ClassVar[Kind] = "gallery"
    images: tuple[Image, ...]
    title: str = ""


@dataclass(frozen=True)
class Text:
    """text: Markdown when `markdown`, else shown as it is."""

    kind: ClassVar[Kind] = "text"
    text: str
    markdown: bool = False
    title: str = ""


@dataclass(frozen=True)
class Tokens:
    """Pieces of text, each with a weight; `scale` says what a weight is (a probability, an attribution)."""

    kind: ClassVar[Kind] = "tokens"
    pieces: tuple[str, ...]
    weights: tuple[float, ...]
    scale: str
    title: str = ""


@dataclass(frozen=True)
class Figure:
    """spec: a Plotly figure as plain data. table: the numbers behind it."""

    kind: ClassVar[Kind] = "figure"
    spec: Mapping[str, Any]
    table: Table
    title: str = ""


@dataclass(frozen=True)
class Table:
    """columns: names, with units. rows: one tuple a row."""

    kind: ClassVar[Kind] = "table"
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""


@dataclass(frozen=True, eq=False)
class Audio:
    """samples: int16 (T,) or (T, C). rate: in hertz."""

    kind: ClassVar[Kind] = "audio"
    samples: npt.NDArray[np.int16]
    rate: int
    title: str = ""


@dataclass(frozen=True)
class File:
    """Anything to be taken away. name: with its ending, no folders."""

    kind: ClassVar[Kind] = "file"
    name: str
    media_type: str
    data: bytes = field(repr=False)
    title: str = ""


@dataclass(frozen=True)
class Number:
    """A value with its unit. low, high: bounds of the interval named `interval` (95 % bootstrap, say). n: sample."""

    kind: ClassVar[Kind] = "number"
    value: float
    title: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    interval: str = ""
    n: int | None = None


@dataclass(frozen=True)
class Encoded:
    """A result as it is stored. meta: small plain data that goes into the row, not into the bytes."""

    kind: Kind
    media_type: str
    data: bytes = field(repr=False)
    meta: Mapping[str, Any]


@dataclass(frozen=True)
class Axis:
    """One parameter of a sweep. parameter: its name in code. values: what it was set to; labels: the same in words."""

    parameter: str
    title: str
    unit: str
    values: tuple[Cell, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class GridCell:
    """One cell of a sweep. results: of the first seed, encoded. measures: by key, one value a seed.

    problem: why it could not be computed, in a sentence; then there is nothing else in it.
    """

    results: Mapping[str, Encoded]
    measures: Mapping[str, tuple[float, ...]]
    problem: str = ""


@dataclass(frozen=True)
class Grid:
    """What a sweep has found so far. cells: by (column, row) from 0; those not computed yet are absent.

    measures: key -> title with its unit. seeds: how many each cell was, or is to be, computed with.
    """

    kind: ClassVar[Kind] = "grid"
    x: Axis
    y: Axis | None
    cells: Mapping[tuple[int, int], GridCell]
    measures: Mapping[str, str]
    seeds: int
    title: str = ""


Result = Image | Gallery | Text | Tokens | Figure | Table | Audio | File | Number | Grid

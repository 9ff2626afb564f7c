"""A study as it is kept: values, and the few facts that a viewer needs. Nothing of a file's header besides.

A DICOM becomes a safetensors container of one array and one line of JSON; a PNG or JPEG stays a PNG of its pixels.
Both are deterministic: equal pixels give equal bytes.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.core.digest import canonical_json
from backends.core.encoding import png
from backends.core.errors import ArtifactMissing, BadImage
from backends.core.pictures import read_picture
from backends.core.results import Pixels
from backends.medical.dicom_pixels import MAX_FRAMES, MAX_VALUES, MODALITIES
from backends.medical.window import CENTRE_MAX, CENTRE_MIN, PICTURE, WIDTH_MAX, WIDTH_MIN, Window

Values = npt.NDArray[Any]

DTYPES = {"uint8": "U8", "uint16": "U16", "int16": "I16", "float32": "F32"}  # NumPy's name -> safetensors' name
_KEY = "vitrine.study"
_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER_MAX = 4096
_START = f'{{"__metadata__":{{"{_KEY}":'.encode()  # of the container's header, which follows eight bytes of length
_FACTS = {"modality", "unit", "centre", "width"}
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, struct.error)


@dataclass(frozen=True, eq=False)
class Study:
    """values: (F, H, W), or (F, H, W, 3) uint8 for colour; in `unit` ('HU', or '' for none); brighter is more.

    modality: DICOM's two letters ('CT'), or '' for a picture. window: what it is first shown with.
    """

    values: Values
    modality: str
    unit: str
    window: Window

    @property
    def count(self) -> int:
        """Number of frames."""
        return int(self.values.shape[0])

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns."""
        return int(self.values.shape[1]), int(self.values.shape[2])

    @property
    def colour(self) -> bool:
        """Whether a pixel has three channels."""
        return self.values.ndim == 4


def picture_bytes(pixels: Pixels) -> bytes:
    """A picture as it is kept: a PNG; grey when the three channels are equal, as in most X-rays saved as JPEG."""
    if pixels.ndim == 3 and bool((pixels[..., :1] == pixels).all()):
        pixels = pixels[..., 0]
    return png(pixels)


def pack(study: Study) -> bytes:
    """A DICOM study as it is kept."""
    from safetensors.numpy import save

    facts = {
        "modality": study.modality,
        "unit": study.unit,
        "centre": study.window.centre,
        "width": study.window.width,
    }
    # One key only: safetensors writes its metadata in no particular order.
    container: bytes = save({"values": np.ascontiguousarray(study.values)}, {_KEY: canonical_json(facts).decode()})
    return container


def is_packed(data: bytes) -> bool:
    """Whether this says of itself that `pack` wrote it."""
    return data[8 : 8 + len(_START)] == _START


def repack(data: bytes) -> bytes:
    """A study that was packed before, packed anew: equal content gives equal bytes. Raises BadImage on other bytes."""
    try:
        return pack(_unpack(data))
    except _UNREADABLE as err:
        raise BadImage("This stored picture is damaged or was changed.", hint="Choose the original file.") from err


def read_study(data: bytes) -> Study:
    """What `pack` or `picture_bytes` wrote; the values share the memory of `data`. Raises ArtifactMissing."""
    if data.startswith(_PNG):
        return Study(read_picture(data)[None], "", "", PICTURE)
    try:
        return _unpack(data)
    except _UNREADABLE as err:
        raise ArtifactMissing("This stored picture is damaged.", hint="Upload it again.") from err


def _unpack(data: bytes) -> Study:
    """Nothing in it is believed: it may have come back from elsewhere, in an archive say. Raises of _UNREADABLE."""
    (length,) = struct.unpack_from("<Q", data)
    if length > _HEADER_MAX:
        raise ValueError("not a study")
    header = json.loads(data[8 : 8 + length])
    facts, entry = json.loads(header["__metadata__"][_KEY]), header["values"]
    if set(header) != {"__metadata__", "values"} or set(header["__metadata__"]) != {_KEY} or set(facts) != _FACTS:
        raise ValueError("something that does not belong there")
    dtype = np.dtype({short: name for name, short in DTYPES.items()}[entry["dtype"]])
    shape = _shape(entry["shape"], dtype)
    size = math.prod(shape) * dtype.itemsize
    if set(entry) != {"dtype", "shape", "data_offsets"} or entry["data_offsets"] != [0, size]:
        raise ValueError("values that are not where they belong")
    if len(data) != 8 + length + size:
        raise ValueError("too few or too many bytes")
    values = np.frombuffer(data, dtype, offset=8 + length).reshape(shape)
    study = Study(values, facts["modality"], facts["unit"], _window(facts["centre"], facts["width"]))
    _check_facts(study)
    return study


def _shape(told: Any, dtype: np.dtype[Any]) -> tuple[int, ...]:
    """The shape, if a DICOM file could have given it: (F, H, W), or (F, H, W, 3) for colour."""
    if not isinstance(told, list) or any(type(side) is not int or side < 1 for side in told):
        raise ValueError("impossible shape")
    colour = len(told) == 4 and told[3] == 3 and dtype == np.uint8
    if not (colour or len(told) == 3) or told[0] > MAX_FRAMES or math.prod(told) > MAX_VALUES:
        raise ValueError("impossible shape")
    return tuple(told)


def _window(centre: Any, width: Any) -> Window:
    """The window, if the controls can show it."""
    if any(type(value) not in (int, float) for value in (centre, width)):
        raise ValueError("impossible window")
    if not (CENTRE_MIN <= centre <= CENTRE_MAX and WIDTH_MIN <= width <= WIDTH_MAX):  # false where one is no number
        raise ValueError("impossible window")
    return Window(float(centre), float(width))


def _check_facts(study: Study) -> None:
    """What dicom_pixels promises of the values and of what they are."""
    if study.modality not in MODALITIES or study.unit not in ("", "HU") or (study.unit and study.modality != "CT"):
        raise ValueError("impossible facts")
    if study.colour and study.window != PICTURE:
        raise ValueError("impossible window")
    if study.values.dtype.kind == "f":
        low, high = float(study.values.min()), float(study.values.max())
        if not (low >= CENTRE_MIN and high <= CENTRE_MAX):  # false as well where one is not a number
            raise ValueError("impossible values")

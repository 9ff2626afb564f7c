"""A study as it is kept: values, and the few facts that a viewer needs. Nothing of a file's header besides.

A DICOM becomes a safetensors container of one array and one line of JSON; a PNG or JPEG stays a PNG of its pixels.
Both are deterministic: equal pixels give equal bytes.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from backends.core.digest import canonical_json
from backends.core.encoding import png
from backends.core.errors import ArtifactMissing
from backends.core.pictures import read_picture
from backends.core.results import Pixels
from backends.medical.window import PICTURE, Window

Values = npt.NDArray[Any]

DTYPES = {"uint8": "U8", "uint16": "U16", "int16": "I16", "float32": "F32"}  # NumPy's name -> safetensors' name
_KEY = "vitrine.study"
_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER_MAX = 4096


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


def read_study(data: bytes) -> Study:
    """What `pack` or `picture_bytes` wrote; the values share the memory of `data`. Raises ArtifactMissing."""
    if data.startswith(_PNG):
        return Study(read_picture(data)[None], "", "", PICTURE)
    try:
        return _unpack(data)
    except (ValueError, KeyError, TypeError, struct.error) as err:
        raise ArtifactMissing("This stored picture is damaged.", hint="Upload it again.") from err


def _unpack(data: bytes) -> Study:
    (length,) = struct.unpack_from("<Q", data)
    if length > _HEADER_MAX:
        raise ValueError("not a study")
    header = json.loads(data[8 : 8 + length])
    facts = json.loads(header["__metadata__"][_KEY])
    entry = header["values"]
    dtype = next(np.dtype(name) for name, short in DTYPES.items() if short == entry["dtype"])
    values = np.frombuffer(data, dtype, offset=8 + length).reshape(entry["shape"])
    return Study(values, facts["modality"], facts["unit"], Window(float(facts["centre"]), float(facts["width"])))

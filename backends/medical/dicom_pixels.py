"""One DICOM file's bytes to plain numbers: what is judged, and how values become grey levels.

Runs in the limited child (dicom_child.py) and is the only place that touches pydicom. What it says of a file is a code
of REASONS and the name of an attribute, never a value that stood in it.
DICOM PS3.3 C.7.6.3 (image pixel), C.11.1 (modality LUT), C.11.2 (window), C.7.6.16 (functional groups).
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from typing import Any

MAX_BYTES = 64 * 2**20
MAX_VALUES = 40_000_000  # rows x columns x samples x frames; as many as a picture may have pixels
MAX_FRAMES = 4096

REASONS = (
    "not_dicom", "deflated", "compressed", "no_picture", "lacks", "odd", "too_large", "damaged", "nested", "memory",
)  # fmt: skip
ATTRIBUTES = (
    "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated", "BitsStored",
    "PixelRepresentation", "HighBit", "NumberOfFrames", "RescaleSlope", "TransferSyntaxUID",
)  # fmt: skip
# PS3.3 C.7.3.1.1.1. Anything else is told as OT, so that free text in this attribute goes no further.
MODALITIES = (
    "CT", "MR", "CR", "DX", "MG", "US", "NM", "PT", "XA", "RF", "IO", "PX", "ES", "XC", "GM", "SM", "OP", "OPT",
    "OCT", "IVUS", "IVOCT", "BI", "BMD", "RTIMAGE", "RTDOSE", "TG", "DG", "OT",
)  # fmt: skip

_RAW = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_PACKED = (  # RLE, JPEG baseline, JPEG 2000 lossless and lossy: what pydicom, NumPy and Pillow decode
    "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
)  # fmt: skip
_DEFLATED = "1.2.840.10008.1.2.1.99"
_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_TAGS = [
    *ATTRIBUTES, "Modality", "PlanarConfiguration", "RescaleIntercept", "RescaleType", "ModalityLUTSequence",
    "WindowCenter", "WindowWidth", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "PixelData", "FloatPixelData", "DoubleFloatPixelData",
    *(f"{colour}PaletteColorLookupTableDescriptor" for colour in ("Red", "Green", "Blue")),
    *(f"{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")),
    *(f"Segmented{colour}PaletteColorLookupTableData" for colour in ("Red", "Green", "Blue")),
]  # fmt: skip


class Refused(Exception):
    """The file cannot be shown. reason: of REASONS. attribute: of ATTRIBUTES, or empty."""

    def __init__(self, reason: str, attribute: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.attribute = attribute


def answer(data: bytes) -> tuple[dict[str, Any], Any]:
    """The header to send (a refusal, or dtype, shape, modality, unit and window), and the pixels as a memoryview."""
    try:
        return _read(data)
    except Refused as err:
        return {"reason": err.reason, "attribute": err.attribute}, None
    except RecursionError:
        return {"reason": "nested", "attribute": ""}, None
    except MemoryError:
        return {"reason": "memory", "attribute": ""}, None
    except Exception:  # noqa: BLE001 - the boundary: pydicom raises nearly anything; the text may quote the file
        return {"reason": "damaged", "attribute": ""}, None


def _read(data: bytes) -> tuple[dict[str, Any], Any]:
    import numpy as np
    import pydicom

    if len(data) > MAX_BYTES:
        raise Refused("too_large")
    syntax = _transfer_syntax(data)
    source = pydicom.dcmread(io.BytesIO(data), force=False, specific_tags=_TAGS)
    _judge(source)
    if syntax not in _RAW + _PACKED:
        raise Refused("compressed")
    stored = pydicom.pixels.pixel_array(source)
    colour = source.PhotometricInterpretation not in _GREY
    frames = stored.reshape(_frames(source), source.Rows, source.Columns, *([3] if source.SamplesPerPixel == 3 else []))
    values, unit, window = _colour(source, frames) if colour else _grey(source, frames)
    modality = str(source.get("Modality", ""))
    header = {
        "reason": "",
        "dtype": str(values.dtype),
        "shape": list(values.shape),
        "modality": modality if modality in MODALITIES else "OT",
        "unit": unit,
        "window": window,
    }
    return header, np.ascontiguousarray(values).data.cast("B")


def _transfer_syntax(data: bytes) -> str:
    """Read from the file meta alone: pydicom inflates a deflated file (x 2000) before anyone can ask."""
    from pydicom.errors import InvalidDicomError
    from pydicom.filereader import _read_file_meta_info, read_preamble

    file = io.BytesIO(data)
    try:
        read_preamble(file, force=False)
    except InvalidDicomError as err:
        raise Refused("not_dicom") from err
    syntax = str(_read_file_meta_info(file).get("TransferSyntaxUID", ""))
    if not syntax:
        raise Refused("lacks", "TransferSyntaxUID")
    if syntax == _DEFLATED:
        raise Refused("deflated")
    return syntax


def _judge(source: Any) -> None:
    """Refuse what lacks a picture, contradicts itself or is too large, before a pixel is touched."""
    if "PixelData" not in source:
        raise Refused("no_picture")
    for name in ATTRIBUTES[:7]:
        if source.get(name) in (None, ""):
            raise Refused("lacks", name)
    photometric, samples = source.PhotometricInterpretation, source.SamplesPerPixel
    if photometric not in (*_GREY, *_COLOUR, "PALETTE COLOR"):
        raise Refused("odd", "PhotometricInterpretation")
    if samples != (3 if photometric in _COLOUR else 1):
        raise Refused("odd", "SamplesPerPixel")
    if source.BitsAllocated not in (8, 16, 32):
        raise Refused("odd", "BitsAllocated")
    if not 1 <= source.BitsStored <= source.BitsAllocated:
        raise Refused("odd", "BitsStored")
    if source.get("HighBit", source.BitsStored - 1) != source.BitsStored - 1:
        raise Refused("odd", "HighBit")
    if source.get("PixelRepresentation", 0) not in (0, 1):
        raise Refused("odd", "PixelRepresentation")
    rows, columns = int(source.Rows), int(source.Columns)
    if min(rows, columns) < 1:
        raise Refused("odd", "Rows" if rows < 1 else "Columns")
    frames = _frames(source)
    if frames > MAX_FRAMES or rows * columns * int(samples) * frames > MAX_VALUES:
        raise Refused("too_large")


def _frames(source: Any) -> int:
    try:
        frames = int(source.get("NumberOfFrames") or 1)
    except (ValueError, TypeError) as err:
        raise Refused("odd", "NumberOfFrames") from err
    if frames < 1:
        raise Refused("odd", "NumberOfFrames")
    return frames


def _colour(source: Any, frames: Any) -> tuple[Any, str, list[float] | None]:
    """(F, H, W, 3) uint8. pydicom has already turned YBR into RGB."""
    import numpy as np
    import pydicom

    if source.PhotometricInterpretation == "PALETTE COLOR":
        frames = np.stack([pydicom.pixels.apply_color_lut(frame, source)[..., :3] for frame in frames])
        surplus = 8 * frames.dtype.itemsize - 8
    else:
        surplus = max(0, source.BitsStored - 8)
    frames = (frames >> surplus).astype(np.uint8)
    if bool((frames[..., :1] == frames).all()):  # grey in colour's clothes
        return np.ascontiguousarray(frames[..., 0]), "", [128.0, 256.0]
    return frames, "", None


def _grey(source: Any, frames: Any) -> tuple[Any, str, list[float] | None]:
    """(F, H, W) after the modality LUT; brighter is more, so MONOCHROME1 is turned over."""
    import numpy as np

    # Bits above BitsStored may hold overlays (text, even); a shift to and fro drops them and extends the sign.
    spare = 8 * frames.dtype.itemsize - int(source.BitsStored)
    frames = np.right_shift(np.left_shift(frames, spare), spare)
    parts, ends = zip(*_rescaled(source, frames), strict=True)
    del frames
    window = _window(source)
    turned = source.PhotometricInterpretation == "MONOCHROME1"
    if turned:
        parts = tuple(_turned(part, low + high) for part, (low, high) in zip(parts, ends, strict=True))
        window = window and [ends[0][0] + ends[0][1] + 1.0 - window[0], window[1]]
    values, scale = _compact(parts)
    window = window and [window[0] / scale, max(1.0, window[1] / scale)]
    if window is None and scale == 1 and source.BitsStored == 8 and values.dtype == np.uint8:
        window = [128.0, 256.0]  # 0..255 as it is
    hounsfield = source.get("Modality") == "CT" and not turned and scale == 1 and _is_rescaled(source)
    if window is None and hounsfield:
        window = [40.0, 400.0]  # soft tissue: what a CT without a window is first looked at with
    return values, "HU" if hounsfield else "", window


def _turned(values: Any, total: float) -> Any:
    """Dark for bright: each value's mirror image between the ends that add up to `total`. Whole numbers stay whole."""
    return int(total) - values if values.dtype.kind == "i" else values.dtype.type(total) - values


def _rescaled(source: Any, frames: Any) -> Iterator[tuple[Any, tuple[float, float]]]:
    """Each frame's values and the lowest and highest that its stored bits could give."""
    import numpy as np
    from pydicom.pixels import apply_modality_lut

    bits, signed = int(source.BitsStored), bool(source.get("PixelRepresentation", 0))
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    for index, frame in enumerate(frames):
        if source.get("ModalityLUTSequence"):
            values = apply_modality_lut(frame, source).astype(np.float32)
            table = source.ModalityLUTSequence[0]
            top = 2.0 ** int(table.LUTDescriptor[2]) - 1.0
            yield values, (0.0, top)
            continue
        slope, intercept = _rescale(source, index)
        if slope.is_integer() and intercept.is_integer() and bits <= 16 and abs(slope) + abs(intercept) < 2**14:
            values = frame.astype(np.int32)
            values *= int(slope)
            values += int(intercept)
        else:
            values = (frame * slope + intercept).astype(np.float32)
        yield values, tuple(sorted((low * slope + intercept, high * slope + intercept)))


def _compact(parts: Any) -> tuple[Any, int]:
    """(F, H, W) in the smallest type that holds every value, and the power of two it was divided by to fit a slider."""
    import numpy as np

    low, high = min(float(part.min()) for part in parts), max(float(part.max()) for part in parts)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise Refused("odd", "RescaleSlope")
    scale = 1
    while low / scale < -32768 or high / scale > 65535:
        scale *= 2
    whole = scale == 1 and all(part.dtype.kind == "i" for part in parts)
    kind: Any = np.float32
    if whole:
        kind = np.uint8 if low >= 0 and high <= 255 else np.uint16 if low >= 0 else np.int16
        kind = np.float32 if kind is np.int16 and high > 32767 else kind
    out = np.empty((len(parts), *parts[0].shape), kind)
    for index, part in enumerate(parts):
        out[index] = part if scale == 1 else part / np.float32(scale)
    return out, scale


def _group(source: Any, index: int, name: str) -> Any:
    """An enhanced image's functional group for a frame (its own, else the shared one), or the plain header."""
    for outer, at in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        groups = source.get(outer)
        if groups and at < len(groups) and groups[at].get(name):
            return groups[at].get(name)[0]
    return source


def _rescale(source: Any, index: int) -> tuple[float, float]:
    where = _group(source, index, "PixelValueTransformationSequence")
    try:
        slope, intercept = float(where.get("RescaleSlope") or 1.0), float(where.get("RescaleIntercept") or 0.0)
    except (ValueError, TypeError) as err:
        raise Refused("odd", "RescaleSlope") from err
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise Refused("odd", "RescaleSlope")
    return slope, intercept


def _is_rescaled(source: Any) -> bool:
    where = _group(source, 0, "PixelValueTransformationSequence")
    return where.get("RescaleSlope") is not None and str(where.get("RescaleType") or "HU") == "HU"


def _window(source: Any) -> list[float] | None:
    """The first window the file brings, or None; one the standard does not allow counts as none."""
    where = _group(source, 0, "FrameVOILUTSequence")
    try:
        pair = [float(_first(where.get(name))) for name in ("WindowCenter", "WindowWidth")]
    except (ValueError, TypeError):
        return None
    return pair if all(map(math.isfinite, pair)) and pair[1] >= 1.0 else None


def _first(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float) else value[0]

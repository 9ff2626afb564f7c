"""PNG and JPEG at the door: the header is read and judged before a single pixel is decoded.

Pillow decodes a 169 KiB PNG into 1.9 GB if asked to; we ask only after the header says that it fits.
"""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from backends.core.encoding import png
from backends.core.errors import BadImage, TooLarge
from backends.core.limits import Limits
from backends.core.results import Pixels

_FORMATS = ("PNG", "JPEG")


def read_picture(data: bytes, max_pixels: int = Limits.picture_pixels) -> Pixels:
    """The pixels of a PNG or JPEG, upright: uint8 (H, W) for grey, (H, W, 3) for colour.

    16-bit grey is scaled to 8; transparency is laid on white. Raises BadImage or TooLarge.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)  # ours is the check below
            with Pillow.open(io.BytesIO(data), formats=_FORMATS) as image:
                _check_size(image.size, max_pixels)
                return _upright(image)
    except (UnidentifiedImageError, Pillow.DecompressionBombError) as err:
        raise BadImage("This file is not a PNG or JPEG picture.", hint="Choose another file.") from err
    except (OSError, ValueError, SyntaxError, EOFError) as err:
        raise BadImage("This picture is damaged and cannot be read.", hint="Save it again, or choose another.") from err


def strip_picture(data: bytes) -> bytes:
    """The picture as a PNG of its pixels alone: no EXIF, comments or profiles. Raises BadImage or TooLarge."""
    return png(read_picture(data))


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise TooLarge(
            f"This picture has {width} x {height} pixels; the most that can be opened is {max_pixels / 1e6:g} million.",
            hint="Make it smaller first.",
        )
    if min(width, height) < 1:
        raise BadImage("This picture is empty.", hint="Choose another file.")


def _upright(image: Pillow.Image) -> Pixels:
    if image.mode.startswith("I") or image.mode == "F":
        wide = np.asarray(image).astype(np.float64)
        return np.clip(wide / 257.0 + 0.5, 0, 255).astype(np.uint8)
    turned = ImageOps.exif_transpose(image)
    if turned.mode in ("L", "1"):
        return np.asarray(turned.convert("L"))
    if turned.mode == "LA" or turned.mode == "PA" or "transparency" in turned.info or turned.mode == "RGBA":
        over = turned.convert("RGBA")
        turned = Pillow.alpha_composite(Pillow.new("RGBA", over.size, "white"), over)
    return np.asarray(turned.convert("RGB"))

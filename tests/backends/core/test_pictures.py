"""The header of a picture is judged before its pixels are decoded; what is kept is pixels alone."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from backends.core.encoding import from_png
from backends.core.errors import BadImage, TooLarge
from backends.core.pictures import read_picture, strip_picture


def saved(image, form="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def bomb(width, height):
    """A PNG of black pixels, a few hundred KiB on disk."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer = zlib.compressobj(9)
    row = b"\x00" + bytes(width * 3)
    rows = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_a_bomb_is_refused_from_its_header():
    data = bomb(13_300, 13_400)
    assert len(data) < 700_000
    tracemalloc.start()
    with pytest.raises(TooLarge, match="13300 x 13400"):
        read_picture(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n", b"GIF89a" + bytes(50), bytes(1000)])
def test_what_is_not_a_picture_is_told_so(data):
    with pytest.raises(BadImage):
        read_picture(data)


def test_a_cut_off_picture_is_told_so():
    data = saved(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)))
    with pytest.raises(BadImage):
        read_picture(data[: len(data) // 2])


def test_nothing_but_pixels_is_kept():
    image = Image.new("RGB", (8, 8), "red")
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", "SENTINEL-NAME")
    exif = Image.Exif()
    exif[0x010E] = "SENTINEL-EXIF"
    png, jpeg = saved(image, pnginfo=info, exif=exif), saved(image, "JPEG", exif=exif, comment=b"SENTINEL-COMMENT")
    for data in (png, jpeg):
        assert b"SENTINEL" in data
        assert b"SENTINEL" not in strip_picture(data)
    assert strip_picture(png) == strip_picture(saved(image))


def test_a_sideways_photo_is_turned_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate 90 degrees clockwise to show
    pixels = read_picture(saved(Image.new("RGB", (30, 20)), "JPEG", exif=exif))
    assert pixels.shape == (30, 20, 3)


@pytest.mark.parametrize(
    ("image", "shape", "first"),
    [
        (Image.fromarray(np.full((4, 6), 200, np.uint8)), (4, 6), 200),
        (Image.fromarray(np.full((4, 6), 65535, np.uint16)), (4, 6), 255),
        (Image.fromarray(np.full((4, 6), 32896, np.uint16)), (4, 6), 128),
        (Image.new("1", (6, 4), 1), (4, 6), 255),
        (Image.new("P", (6, 4)), (4, 6, 3), 0),
        (Image.new("RGBA", (6, 4), (0, 0, 0, 0)), (4, 6, 3), 255),
        (Image.new("LA", (6, 4), (10, 255)), (4, 6, 3), 10),
    ],
)
def test_every_mode_becomes_grey_or_colour(image, shape, first):
    pixels = read_picture(saved(image))
    assert pixels.dtype == np.uint8
    assert pixels.shape == shape
    assert np.all(pixels.reshape(-1)[0] == first)


def test_stripping_twice_changes_nothing():
    once = strip_picture(saved(Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))))
    assert strip_picture(once) == once
    assert from_png(once)[1, 0] == 8


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_what_was_kept_comes_back_unchanged_when_it_is_given_again(mode):
    wide = np.random.default_rng(0).integers(0, 65536, (6, 8)).astype(np.uint16)
    image = Image.fromarray(wide) if mode == "I;16" else Image.fromarray((wide >> 8).astype(np.uint8)).convert(mode)
    kept = strip_picture(saved(image))
    assert strip_picture(kept) == kept

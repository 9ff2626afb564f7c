"""Every kind of result survives being stored, and equal results give equal bytes."""

import dataclasses

import numpy as np
import pytest

from backends.core.encoding import array_file, decode, encode, from_png, png, read_array
from backends.core.errors import ArtifactMissing
from backends.core.results import Audio, Figure, File, Gallery, Image, Number, Table, Text, Tokens

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)
TABLE = Table(("class", "probability"), (("a", 0.25), ("b", 0.75), ("c", None)), "Probabilities")
RESULTS = [
    Image(GREY, "noise", "Noise"),
    Image(RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8), "colour"),
    Image(RNG.integers(0, 256, (5, 7, 4), dtype=np.uint8), "see-through"),
    Gallery((Image(GREY, "one", "1"), Image(GREY.T.copy(), "two", "2")), "Both"),
    Text("plain <b>"),
    Text("**bold**", markdown=True, title="T"),
    Tokens(("a", "b"), (0.5, -1.25), "attribution"),
    Figure({"data": [{"y": [1, 2]}], "layout": {}}, TABLE, "F"),
    TABLE,
    Audio(RNG.integers(-99, 99, 40).astype(np.int16), 8000, "mono"),
    Audio(RNG.integers(-99, 99, (40, 2)).astype(np.int16), 44100, "stereo"),
    File("a.txt", "text/plain", b"abc"),
    Number(0.975, "AUC", "", 0.96, 0.99, "95 % bootstrap", 621),
]


@pytest.mark.parametrize("result", RESULTS, ids=lambda r: r.kind)
def test_a_result_comes_back_as_it_was(result):
    back = decode(encode(result))
    assert type(back) is type(result)
    assert encode(back) == encode(result)
    for field in dataclasses.fields(result):
        one, two = getattr(result, field.name), getattr(back, field.name)
        if isinstance(one, np.ndarray):
            assert np.array_equal(one, two)
        elif field.name != "images":
            assert one == two


@pytest.mark.parametrize("result", RESULTS, ids=lambda r: r.kind)
def test_damaged_bytes_are_told_as_such(result):
    encoded = encode(result)
    if result.kind in ("text", "file"):
        return  # any bytes are a valid text or file; the store's hash check guards those
    with pytest.raises(ArtifactMissing):
        decode(dataclasses.replace(encoded, data=b"\x00broken"))


def test_an_array_travels_without_pickle():
    array = RNG.normal(size=(3, 4)).astype(np.float32)
    assert np.array_equal(read_array(array_file("a.npy", array)), array)
    with pytest.raises(ValueError, match="Object arrays"):
        array_file("b.npy", np.array([object()]))


def test_png_is_lossless():
    assert np.array_equal(from_png(png(GREY)), GREY)

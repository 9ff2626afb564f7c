"""What is kept holds no word of what came with the pixels."""

import io
import json
import struct
import zlib

import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin
from pydicom.data import get_testdata_file

from backends.core.errors import ArtifactMissing, BadImage
from backends.medical.ingest import ingest
from backends.medical.study import Study, pack, read_study
from backends.medical.window import PICTURE, Window
from tests.backends.medical.dicom_files import dataset, file, ramp, written

SECRETS = [f"Zaphod{n:02d}Beeblebrox" for n in range(16)]


def patient_file() -> bytes:
    """A file with a secret in every place that de-identifiers are known to miss."""
    ds = dataset(ramp("u2", 0, 4095), BitsStored=12, WindowCenter=2000, WindowWidth=3000)
    ds.PatientName, ds.PatientID, ds.ImageComments = SECRETS[0], SECRETS[1], SECRETS[2]
    ds.InstitutionName, ds.StudyDescription = SECRETS[3], SECRETS[4]
    inner = pydicom.Dataset()
    inner.PatientID, inner.CodeMeaning = SECRETS[5], SECRETS[6]
    item = pydicom.Dataset()
    item.ReferencedStudySequence, item.PurposeOfReferenceCodeSequence = [inner], [inner]
    ds.ReferencedImageSequence, ds.RequestAttributesSequence = [item], [item]
    ds.add(pydicom.DataElement(0x00091010, "LO", SECRETS[7]))
    ds.private_block(0x0011, SECRETS[8], create=True).add_new(0x01, "LO", SECRETS[9])
    ds.add(pydicom.DataElement(0x60000010, "US", 4))
    ds.add(pydicom.DataElement(0x60000022, "LO", SECRETS[10]))
    ds.add(pydicom.DataElement(0x60003000, "OW", SECRETS[11].encode()))
    ds.WindowCenterWidthExplanation = SECRETS[12]
    ds.Modality = SECRETS[13][:16].upper()
    ds.DeviceSerialNumber = SECRETS[14]
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.ImplementationVersionName = SECRETS[15][:16]
    data = written(ds)
    return SECRETS[0].encode().ljust(128, b"\0") + data[128:]  # and in the preamble


def test_nothing_of_a_dicom_header_is_kept():
    data, kept = patient_file(), ingest(patient_file())
    for secret in SECRETS:
        for word in (secret, secret[:16], secret.upper()[:16]):
            assert word.encode() not in kept
    assert all(secret[:12].encode() in data or secret[:12].upper().encode() in data for secret in SECRETS)
    uids = [b"1.2.840", b"1.2.826", b"1.3.6"]
    assert not any(uid in kept for uid in uids)


def test_a_study_keeps_these_facts_and_no_others():
    kept = ingest(patient_file())
    (length,) = struct.unpack_from("<Q", kept)
    header = json.loads(kept[8 : 8 + length])
    assert set(header) == {"__metadata__", "values"}
    facts = json.loads(header["__metadata__"]["vitrine.study"])
    assert facts == {"modality": "OT", "unit": "", "centre": 2000, "width": 3000}
    assert len(kept) == 8 + length + 16 * 24 * 2


def test_the_same_pixels_give_the_same_bytes_whoever_the_patient_is():
    stored = ramp("u2", 0, 4095)
    assert ingest(file(stored, PatientName="A")) == ingest(file(stored, PatientName="B", StudyDate="20200101"))


def test_pixels_cut_out_of_the_padding_do_not_travel():
    """Bytes after the declared pixels (a trailing element) are not kept."""
    ds = dataset(ramp("u1", 0, 255))
    ds.add(pydicom.DataElement(0xFFFCFFFC, "OB", SECRETS[0].encode()))
    assert SECRETS[0].encode() not in ingest(written(ds))


def _jpeg_with_exif(pixels: np.ndarray) -> bytes:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B], exif[0x0112] = SECRETS[0], SECRETS[1], 1
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95, exif=exif, comment=SECRETS[2].encode())
    return out.getvalue()


def _png_with_text(pixels: np.ndarray) -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Patient", SECRETS[3])
    info.add_itxt("Comment", SECRETS[4], zip=False)
    exif = Image.Exif()
    exif[0x010E] = SECRETS[5]
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", pnginfo=info, exif=exif)
    raw = out.getvalue()
    private = b"viTr" + SECRETS[6].encode()
    chunk = struct.pack(">I", len(SECRETS[6])) + private + struct.pack(">I", zlib.crc32(private))
    return raw[:33] + chunk + raw[33:] + SECRETS[7].encode()


@pytest.mark.parametrize("make", [_jpeg_with_exif, _png_with_text])
def test_a_pictures_metadata_is_dropped(make):
    data = make(np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8))
    kept = ingest(data)
    assert sum(secret.encode() in data for secret in SECRETS) >= 3
    assert not any(secret.encode() in kept for secret in SECRETS)
    assert b"EXIF" not in kept.upper().replace(b"IEND", b"")


def test_a_picture_comes_back_as_it_was():
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    study = read_study(ingest(_png_with_text(pixels)))
    assert np.array_equal(study.values[0], pixels)
    assert (study.window, study.unit, study.modality, study.colour) == (PICTURE, "", "", True)


def test_a_grey_picture_saved_in_colour_is_kept_as_grey():
    grey = np.random.default_rng(0).integers(0, 256, (8, 8)).astype(np.uint8)
    assert ingest(_png_with_text(np.repeat(grey[..., None], 3, 2))) == ingest(_png_with_text(grey))
    rgb = read_study(ingest(file(np.repeat(grey[..., None], 3, 2))))
    assert not rgb.colour
    assert np.array_equal(rgb.values[0], grey)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_a_packed_study_comes_back_as_it_was(dtype):
    values = (np.random.default_rng(0).normal(100, 30, (3, 5, 7))).astype(dtype)
    study = Study(values, "CT", "HU", Window(40.5, 400.25))
    assert pack(study) == pack(study)
    back = read_study(pack(study))
    assert np.array_equal(back.values, values)
    assert (back.modality, back.unit, back.window, back.values.dtype) == ("CT", "HU", study.window, values.dtype)


@pytest.mark.parametrize("cut", [4, 9, 60, -1])
def test_a_damaged_study_is_told_so(cut):
    kept = ingest(file(ramp("u2", 0, 4095)))
    with pytest.raises(ArtifactMissing):
        read_study(kept[:cut])


def test_a_film_in_colour_keeps_its_frames():
    data = get_testdata_file("examples_ybr_color.dcm", download=False)
    with open(data, "rb") as source:  # noqa: PTH123 - pydicom gives a str
        study = read_study(ingest(source.read()))
    assert study.values.shape == (30, 240, 320, 3)
    assert study.modality == "US"


COLOUR = np.random.default_rng(1).integers(0, 256, (9, 11, 3)).astype("u1")
GIVEN = {
    "grey DICOM": file(ramp("u2", 0, 4095), BitsStored=12),
    "signed CT": file(ramp("i2", -1000, 3000), Modality="CT", RescaleSlope=1, RescaleIntercept=-24),
    "fractions": file(ramp("u2", 0, 4095), RescaleSlope="0.37", RescaleIntercept="-3.5"),
    "colour DICOM": file(COLOUR),
    "film": file(np.stack([ramp("u1", 0, 255)] * 3), frames=3, NumberOfFrames=3),
    "picture": _png_with_text(COLOUR),
    "grey picture": _png_with_text(COLOUR[..., 0]),
    "photograph": _jpeg_with_exif(COLOUR),
}


@pytest.mark.parametrize("name", GIVEN)
def test_what_was_kept_comes_back_unchanged_when_it_is_given_again(name):
    kept = ingest(GIVEN[name])
    assert ingest(kept) == kept
    assert read_study(kept).values.size


def _container(header, body: bytes = bytes(24)) -> bytes:
    """A container of one's own making. header: JSON text, or what becomes it."""
    text = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    return struct.pack("<Q", len(text.encode())) + text.encode() + body


def _told(entry=(), facts=(), **more):
    """The header of a study of 2 x 3 x 4 bytes, with changes."""
    values = {"dtype": "U8", "shape": [2, 3, 4], "data_offsets": [0, 24], **dict(entry)}
    known = {"modality": "OT", "unit": "", "centre": 128, "width": 256, **dict(facts)}
    return {"__metadata__": {"vitrine.study": json.dumps(known)}, "values": values, **more}


def _floats(value: float) -> bytes:
    entry = {"dtype": "F32", "shape": [1, 2, 3], "data_offsets": [0, 24]}
    return _container(_told(entry), struct.pack("<6f", 0, 1, 2, 3, 4, value))


HOSTILE = {
    "one byte too many": _container(_told(), bytes(25)),
    "one byte too few": _container(_told(), bytes(23)),
    "offsets elsewhere": _container(_told({"data_offsets": [1, 25]})),
    "a type that no DICOM gives": _container(_told({"dtype": "F64", "shape": [1, 1, 3]})),
    "an unknown type": _container(_told({"dtype": ["U8"]})),
    "two dimensions": _container(_told({"shape": [4, 6]})),
    "five dimensions": _container(_told({"shape": [1, 1, 2, 3, 4]})),
    "colour that is none": _container(_told({"shape": [1, 2, 3, 4]})),
    "no rows": _container(_told({"shape": [24, 0, 1], "data_offsets": [0, 0]}), b""),
    "a negative side": _container(_told({"shape": [-2, -3, 4]})),
    "a side that is true": _container(_told({"shape": [True, 6, 4]})),
    "a side that is a fraction": _container(_told({"shape": [2.0, 3, 4]})),
    "too many frames": _container(_told({"shape": [4097, 1, 1], "data_offsets": [0, 4097]}), bytes(4097)),
    "more than memory holds": _container(_told({"shape": [1, 10**9, 10**9], "data_offsets": [0, 10**18]})),
    "another modality": _container(_told(facts={"modality": "Zaphod"})),
    "a modality that is a list": _container(_told(facts={"modality": ["CT"]})),
    "Hounsfield units of no CT": _container(_told(facts={"unit": "HU"})),
    "a unit of one's own": _container(_told(facts={"unit": "<b>"})),
    "one more fact": _container(_told(facts={"patient": "Zaphod"})),
    "a second array": _container(_told(more={"dtype": "U8", "shape": [1], "data_offsets": [0, 1]})),
    "a window without width": _container(_told(facts={"width": 0})),
    "a window that is true": _container(_told(facts={"centre": True})),
    "a window that is no number": _container(_told(facts={"centre": float("nan")})),
    "a window out of reach": _container(_told(facts={"centre": 10**400})),
    "colour with a window": _container(_told({"shape": [2, 2, 2, 3]}, facts={"centre": 40})),
    "a value that is no number": _floats(float("nan")),
    "an infinite value": _floats(float("inf")),
    "a value out of reach": _floats(70_000.0),
    "a header that is cut off": _container('{"__metadata__":{"vitrine.study":'),
    "a header that is nested": _container('{"__metadata__":{"vitrine.study":' + "[" * 4000),
    "a header that is too long": struct.pack("<Q", 2**60) + _container(_told())[8:],
    "facts that are no object": _container({"__metadata__": {"vitrine.study": "[1]"}, "values": {}}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_packed_study_is_judged_like_any_file(name):
    with pytest.raises(BadImage) as caught:
        ingest(HOSTILE[name])
    assert "Zaphod" not in caught.value.sentence + caught.value.hint
    with pytest.raises(ArtifactMissing):
        read_study(HOSTILE[name])


def test_a_study_that_others_packed_is_packed_anew():
    plain = Study(np.arange(24, dtype="u1").reshape(2, 3, 4), "OT", "", PICTURE)
    given = _container(_told(), bytes(range(24)))
    assert given != pack(plain)
    assert ingest(given) == pack(plain)

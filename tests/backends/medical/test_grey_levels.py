"""Grey levels against highdicom, which was written by other people from the same standard."""

import io
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import JPEG2000Lossless, RLELossless

from backends.medical.dicom import trusted_study
from backends.medical.ingest import ingest
from backends.medical.window import Window, apply_window, to_grey
from tests.backends.medical.dicom_files import CT, MULTIFRAME_WORD, dataset, file, ramp, written

LEVEL = 1 / 255 + 1e-6


def reference(data: bytes, frame: int = 1) -> np.ndarray:
    image = highdicom.imread(io.BytesIO(data))
    colour = image.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2")
    if colour:
        return image.get_frame(frame, dtype=np.float64, apply_icc_profile=False) / 255
    return image.get_frame(frame, dtype=np.float64, apply_voi_transform=True, apply_presentation_lut=True)


def ours(data: bytes, frame: int = 1) -> np.ndarray:
    study = trusted_study(data)  # what the child runs, without the child: that is test_hostile's business
    return to_grey(study.values[frame - 1], study.window) / 255


def shipped(name: str) -> bytes:
    return Path(get_testdata_file(name, download=False)).read_bytes()


def window(centre: float, width: float) -> dict:
    return {"WindowCenter": centre, "WindowWidth": width}


HU = {"RescaleSlope": 1, "RescaleIntercept": -1024, "RescaleType": "HU", "Modality": "CT", "sop_class": CT}
CASES = {
    "MONOCHROME2, 8 bit": file(ramp("u1", 0, 255), **window(128, 256)),
    "MONOCHROME2, narrow window": file(ramp("u1", 0, 255), **window(100, 40)),
    "MONOCHROME2, fractional window": file(ramp("u2", 0, 4095), BitsStored=12, **window(1000.5, 333.3)),
    "MONOCHROME1, 8 bit": file(ramp("u1", 0, 255), PhotometricInterpretation="MONOCHROME1", **window(120, 200)),
    "MONOCHROME1, 12 in 16 bit": file(
        ramp("u2", 0, 4095), PhotometricInterpretation="MONOCHROME1", BitsStored=12, **window(1800, 2500)
    ),
    "MONOCHROME1, signed": file(ramp("i2", -2000, 2000), PhotometricInterpretation="MONOCHROME1", **window(-50, 900)),
    "rescale to negative HU": file(ramp("u2", 0, 4095), BitsStored=12, **HU, **window(-600, 1500)),
    "signed, rescale": file(ramp("i2", -2048, 2047), BitsStored=12, **HU, **window(40, 400)),
    "fractional slope": file(
        ramp("u2", 0, 65535), RescaleSlope=0.0371, RescaleIntercept=-12.5, RescaleType="US", **window(900, 700)
    ),
    "12 in 16 bit": file(ramp("u2", 0, 4095), BitsStored=12, **window(2048, 4096)),
    "window of width 2": file(ramp("u1", 0, 255), **window(77, 2)),
    "two windows: the first": file(ramp("u2", 0, 4000), WindowCenter=[1000, 50], WindowWidth=[600, 20]),
    "RGB": file(np.random.default_rng(0).integers(0, 256, (9, 11, 3)).astype("u1")),
}


@pytest.mark.parametrize("name", CASES)
def test_the_display_equals_highdicom_within_one_level(name):
    assert np.abs(ours(CASES[name]) - reference(CASES[name])).max() <= LEVEL


@pytest.mark.parametrize("slope", [-2.0, 3.0, 0.25])
def test_the_window_is_applied_to_rescaled_values(slope):
    """highdicom divides the window by the slope, which moves its half-unit offsets: its values are the reference here,
    and the standard's formula (test_window.py) is the map."""
    data = file(ramp("u1", 0, 255), RescaleSlope=slope, RescaleIntercept=100, RescaleType="US", **window(20, 90))
    image = highdicom.imread(io.BytesIO(data))
    values = image.get_frame(1, dtype=np.float64, apply_voi_transform=False, apply_modality_transform=True)
    assert np.array_equal(trusted_study(data).values[0], values)
    assert np.abs(ours(data) - apply_window(values, 20, 90)).max() <= LEVEL / 2


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_a_compressed_file_shows_what_highdicom_shows(syntax):
    ds = dataset(ramp("u2", 0, 4095), BitsStored=12, **window(1500, 900))
    plain = written(ds)
    if syntax == JPEG2000Lossless:
        plain, packed_bytes = shipped("MR_small.dcm"), shipped("MR_small_jp2klossless.dcm")
    else:
        ds.compress(syntax, generate_instance_uid=False)
        packed_bytes = written(ds)
    assert np.abs(ours(packed_bytes) - reference(plain)).max() <= LEVEL


def test_every_frame_of_a_stack_has_its_own_grey_levels():
    stored = ramp("u2", 0, 3000, (5, 8, 8))
    data = file(stored, frames=5, sop_class=MULTIFRAME_WORD, BitsStored=12, **window(1500, 2000))
    assert all(np.abs(ours(data, i) - reference(data, i)).max() <= LEVEL for i in range(1, 6))


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "examples_overlay.dcm", "MR_small_RLE.dcm"])
def test_real_files_equal_highdicom(name):
    data = shipped(name)
    study = trusted_study(data)
    values = highdicom.imread(io.BytesIO(data)).get_frame(1, dtype=np.float64, apply_voi_transform=False)
    assert np.array_equal(study.values[0], values)


def test_a_palette_image_shows_the_palettes_colours():
    data = shipped("examples_palette.dcm")
    image = highdicom.imread(io.BytesIO(data))
    wanted = image.get_frame(1, apply_palette_color_lut=True, apply_icc_profile=False, dtype=np.float64)
    study = trusted_study(data)
    assert study.colour
    assert np.abs(study.values[0] - wanted / (256.0 if wanted.max() > 255 else 1.0)).max() <= 1.0


def test_enhanced_images_take_rescale_and_window_from_their_functional_groups():
    ds = dataset(ramp("u2", 0, 2000, (2, 6, 6)), frames=2, sop_class=CT, Modality="CT")
    groups = []
    for intercept in (-1000, -500):
        item, rescale, voi = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        rescale.RescaleSlope, rescale.RescaleIntercept, rescale.RescaleType = 1, intercept, "HU"
        voi.WindowCenter, voi.WindowWidth = 50, 350
        item.PixelValueTransformationSequence, item.FrameVOILUTSequence = [rescale], [voi]
        groups.append(item)
    ds.PerFrameFunctionalGroupsSequence = groups
    study = trusted_study(written(ds))
    stored = ramp("u2", 0, 2000, (2, 6, 6)).astype(int)
    assert np.array_equal(study.values, stored + np.array([-1000, -500])[:, None, None])
    assert (study.window, study.unit) == (Window(50, 350), "HU")


def test_a_monochrome1_file_and_its_inverted_twin_are_the_same_study():
    stored = np.random.default_rng(1).integers(0, 4096, (20, 30)).astype("u2")
    shared = {"BitsStored": 12, "Modality": "DX", "WindowWidth": 1777.0}
    negative = ingest(file(stored, PhotometricInterpretation="MONOCHROME1", WindowCenter=900.0, **shared))
    twin = ingest(file((4095 - stored).astype("u2"), WindowCenter=4095 - 900.0 + 1, **shared))
    assert negative == twin


def test_bits_above_those_stored_are_not_part_of_a_value():
    stored = ramp("u2", 0, 4095)
    with_overlay = stored | np.where(np.indices(stored.shape).sum(0) % 2, 0x8000, 0).astype("u2")
    assert ingest(file(with_overlay, BitsStored=12)) == ingest(file(stored, BitsStored=12))
    signed = ramp("i2", -2048, 2047)
    assert np.array_equal(trusted_study(file(signed & 0x0FFF, BitsStored=12)).values[0], signed)


def test_a_file_without_a_usable_window_gets_one_over_its_values():
    values = ramp("u2", 100, 1100, (50, 50))
    for width in ({}, {"WindowCenter": 5, "WindowWidth": 0}):
        study = trusted_study(file(values, **width))
        shown = apply_window(study.values, study.window.centre, study.window.width)
        assert shown.min() == 0
        assert shown.max() == 1
        assert 0.45 < shown.mean() < 0.55


def test_a_ct_without_a_window_opens_on_soft_tissue():
    study = trusted_study(file(ramp("u2", 0, 3000), **HU))
    assert (study.window, study.unit, study.modality) == (Window(40, 400), "HU", "CT")


def test_values_beyond_the_sliders_are_scaled_to_fit():
    study = trusted_study(file(ramp("u4", 0, 2**32 - 1)))
    assert study.values.max() <= 65535
    assert study.unit == ""

"""DICOM files made for tests: whole enough for highdicom, small, and bent on request."""

import io
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

CT = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
MULTIFRAME_WORD = "1.2.840.10008.5.1.4.1.1.7.3"


def dataset(stored: np.ndarray, *, frames: int = 1, sop_class: str = SECONDARY_CAPTURE, **attributes: Any) -> Dataset:
    """stored: (H, W), (F, H, W) or (H, W, 3) in its own dtype. attributes override whatever follows from it."""
    samples = 3 if stored.shape[-1] == 3 and stored.ndim == 3 and frames == 1 else 1
    rows, columns = stored.shape[-3:-1] if samples == 3 else stored.shape[-2:]
    bits = 8 * stored.dtype.itemsize
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid(entropy_srcs=["sop"])
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(entropy_srcs=["s"]), generate_uid(entropy_srcs=["e"])
    ds.PatientID = ds.PatientName = ds.PatientSex = ds.PatientBirthDate = ds.StudyDate = ds.StudyTime = ""
    ds.AccessionNumber = ds.StudyID = ds.ReferringPhysicianName = ds.Manufacturer = ""
    ds.SeriesNumber = ds.InstanceNumber = 1
    ds.Modality = "OT"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = rows, columns, samples
    ds.PhotometricInterpretation = "RGB" if samples == 3 else "MONOCHROME2"
    if samples == 3:
        ds.PlanarConfiguration = 0
    if frames > 1:
        ds.NumberOfFrames = frames
    ds.BitsAllocated = ds.BitsStored = bits
    ds.HighBit = bits - 1
    ds.PixelRepresentation = int(stored.dtype.kind == "i")
    for name, value in attributes.items():
        setattr(ds, name, value)
    ds.HighBit = attributes.get("HighBit", ds.BitsStored - 1)
    raw = stored.tobytes()
    ds.PixelData = raw + b"\0" * (len(raw) % 2)
    ds["PixelData"].VR = "OB" if bits == 8 else "OW"
    return ds


def written(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The file's bytes."""
    ds.file_meta = getattr(ds, "file_meta", None) or FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    ds.file_meta.TransferSyntaxUID = getattr(ds.file_meta, "TransferSyntaxUID", None) or syntax
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def file(stored: np.ndarray, **attributes: Any) -> bytes:
    """A file of these stored values."""
    return written(dataset(stored, **attributes))


def ramp(dtype: str, low: int, high: int, shape: tuple[int, ...] = (16, 24)) -> np.ndarray:
    """Values from low to high, whole, over the shape."""
    return np.linspace(low, high, int(np.prod(shape))).round().astype(dtype).reshape(shape)

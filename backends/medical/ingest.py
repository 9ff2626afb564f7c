"""The door: what a user gives becomes what is kept. A picture loses its metadata, a DICOM file its whole header."""

from __future__ import annotations

from backends.core.errors import BadImage
from backends.core.pictures import read_picture
from backends.medical.dicom import READER
from backends.medical.study import is_packed, pack, picture_bytes, repack

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_PREAMBLE = 128  # PS3.10 7.1: 128 bytes of anything, then DICM


def ingest(data: bytes) -> bytes:
    """A PNG, JPEG or DICOM file as it is kept: see study.py. Equal pixels give equal bytes.

    What it returned comes back unchanged when it is given again, judged like any other file.
    Raises BadImage, TooLarge or Busy with a sentence that repeats nothing of the file.
    """
    if data.startswith((_PNG, _JPEG)):
        return picture_bytes(read_picture(data))
    if data[_PREAMBLE : _PREAMBLE + 4] == b"DICM":
        return pack(READER.read(data))
    if is_packed(data):
        return repack(data)
    if not data:
        raise BadImage("This file is empty.", hint="Choose another file.")
    raise BadImage("This file is not a PNG, JPEG or DICOM picture.", hint="Choose another file.")


def warm() -> None:
    """Start the process that will read the first DICOM file, so that it need not wait for it."""
    READER.warm()

"""The process that reads DICOM files: it stays clean, and forks a limited child for each file.

Started once, it imports what is needed and tries it out (0.4 s). For each file it is handed two pipes over a socket and
forks; the child gives up files, sockets, children, and most memory and time, reads the file from one pipe,
answers into the other and ends. One file, one child: nothing that a file does outlives it.
"""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import socket
import struct
import sys
import warnings

from backends.medical.dicom_pixels import MAX_BYTES, answer

ADDRESS_SPACE = 2**30 + 2**29  # libraries map 0.3 GB; the largest file we take needs 0.6 GB
CPU_SECONDS = 10
NESTED_LIMIT = 1000


def main(door_number: int, wall_seconds: float) -> None:
    """Warm up, then fork a child for each pair of pipes that comes through the door; end when it closes."""
    warnings.simplefilter("ignore")
    warm_up()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are not waited for: the pipes say how they ended
    with socket.socket(fileno=door_number) as door:
        while True:
            message, pipes, _, _ = socket.recv_fds(door, 1, 2)
            if not message:
                return
            if os.fork() == 0:
                _serve(pipes[0], pipes[1], wall_seconds)
            for pipe in pipes:
                os.close(pipe)


def _serve(inbox: int, outbox: int, wall_seconds: float) -> None:
    """In the child: close the doors, read one file, answer, end."""
    try:
        os.dup2(inbox, 0)
        os.dup2(outbox, 1)
        os.closerange(3, 1024)
        signal.setitimer(signal.ITIMER_REAL, wall_seconds)  # nobody handles SIGALRM: it ends the process
        close_doors()
        with open(0, "rb", closefd=False) as source:
            data = source.read(MAX_BYTES + 1)
        header, payload = answer(data)
        raw = json.dumps(header, sort_keys=True).encode()
        with open(1, "wb", closefd=False) as target:
            target.write(struct.pack(">I", len(raw)) + raw)
            if payload is not None:
                target.write(payload)
    finally:
        os._exit(0)  # no clean-up of a heap that hostile data has shaped, and no way back into the loop


def warm_up() -> None:
    """Import and run once whatever is needed, since nothing can be opened afterwards."""
    import numpy as np
    import pydicom
    import pydicom.pixels.decoders
    from PIL import Image

    for kind in ("JPEG", "JPEG2000"):
        buffer = io.BytesIO()
        Image.new("L", (8, 8)).save(buffer, kind)
        Image.open(io.BytesIO(buffer.getvalue())).load()
    tiny = pydicom.Dataset()
    tiny.file_meta = pydicom.dataset.FileMetaDataset()
    tiny.update({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "SOPInstanceUID": "1.2", "Modality": "OT"})
    tiny.Rows = tiny.Columns = 2
    tiny.SamplesPerPixel, tiny.PhotometricInterpretation = 1, "MONOCHROME2"
    tiny.BitsAllocated, tiny.BitsStored, tiny.HighBit, tiny.PixelRepresentation = 16, 12, 11, 0
    tiny.PixelData = np.arange(4, dtype="<u2").tobytes()
    for syntax in (pydicom.uid.ExplicitVRLittleEndian, pydicom.uid.RLELossless):
        buffer = io.BytesIO()
        if syntax.is_encapsulated:
            tiny.compress(syntax, generate_instance_uid=False)
        tiny.file_meta.TransferSyntaxUID = syntax
        tiny.save_as(buffer, enforce_file_format=True)
        header, _ = answer(buffer.getvalue())
        if header["reason"]:
            raise RuntimeError(f"the reader cannot read its own file: {header['reason']}")


def close_doors() -> None:
    """From here on: no new file or socket, no child, no core dump, bounded memory and time."""
    for limit, value in (
        (resource.RLIMIT_AS, ADDRESS_SPACE),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),  # stdin, stdout and stderr are 0 to 2: there is no number left for a socket
    ):
        resource.setrlimit(limit, (value, value))
    sys.setrecursionlimit(NESTED_LIMIT)

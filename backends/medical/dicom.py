"""DICOM at the door: each file is read by a limited child process of its own, forked from one that stays clean.

This process never parses a byte of the file. What the child says is checked as if it were hostile too.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import socket
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from backends.core.errors import BadImage, BadInput, Busy, TooLarge
from backends.core.limits import MIB
from backends.medical.dicom_pixels import ATTRIBUTES, MAX_BYTES, MAX_FRAMES, MAX_VALUES, MODALITIES, answer
from backends.medical.study import DTYPES, Study
from backends.medical.window import Window, spread_window

WALL_SECONDS = 15.0
AT_ONCE = 2  # children reading at the same time; each may take 1.5 GB at worst
WAIT_SECONDS = 30.0
START_SECONDS = 15.0  # 0.4 s on a quiet machine
_ROOT = str(Path(__file__).resolve().parents[2])
_START = (
    "import sys; sys.path.append(sys.argv[1]); from backends.medical.dicom_child import main; "
    "main(int(sys.argv[2]), float(sys.argv[3]))"
)
# One thread for the linear algebra nobody uses: each would map 64 MB of the child's address space.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
_UNCOMPRESSED = "Save it uncompressed first, for example with `gdcmconv --raw in.dcm out.dcm`."
_TOO_LARGE = (
    f"This DICOM picture is too large: more than {MAX_VALUES // 10**6} million values, "
    f"{MAX_FRAMES} frames or {MAX_BYTES // MIB} MB."
)

_SENTENCES: dict[str, tuple[type[BadInput], str, str]] = {
    "not_dicom": (BadImage, "This file is not a PNG, JPEG or DICOM picture.", "Choose another file."),
    "deflated": (BadImage, "This DICOM file is deflated as a whole, which is not opened here.", _UNCOMPRESSED),
    "compressed": (BadImage, "This DICOM file is compressed in a way that cannot be read here.", _UNCOMPRESSED),
    "no_picture": (BadImage, "This DICOM file holds no picture, or it is cut off.", "Choose an image, not a report."),
    "lacks": (BadImage, "This DICOM file lacks {attribute}, without which it cannot be shown.", "Export it again."),
    "odd": (BadImage, "This DICOM file gives an impossible {attribute}.", "Export it again."),
    "too_large": (
        TooLarge,
        _TOO_LARGE,
        "Export fewer frames, or a smaller picture.",
    ),
    "damaged": (BadImage, "The pixels of this DICOM file are damaged or cut off.", "Export it again."),
    "nested": (BadImage, "The header of this DICOM file is nested too deeply.", "Export it again."),
    "memory": (TooLarge, "This DICOM file needs too much memory to be opened.", "Export fewer frames."),
    "ended": (BadImage, "This DICOM file could not be read within the limits of time and memory.", "Export it again."),
}


@dataclass(frozen=True)
class _Helper:
    """The process that forks, and our end of the socket that pipes are handed over by."""

    process: subprocess.Popen[bytes]
    door: socket.socket

    def end(self) -> None:
        """Stop forking. A child that is reading has its own clock."""
        self.door.close()
        self.process.kill()
        self.process.wait()


class DicomReader:
    """Reads DICOM files in child processes. Thread-safe; `close` ends the process that forks them.

    wall_seconds: for one file. at_once: children at the same time.
    """

    def __init__(self, *, wall_seconds: float = WALL_SECONDS, at_once: int = AT_ONCE) -> None:
        self._wall_seconds = wall_seconds
        self._places = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._helper: _Helper | None = None

    def warm(self) -> None:
        """Start the process that forks, unless it runs: the first file then need not wait for it."""
        with self._lock:
            self._running()

    def close(self) -> None:
        """End the process that forks; the next file starts another."""
        with self._lock:
            helper, self._helper = self._helper, None
        if helper is not None:
            helper.end()

    def read(self, data: bytes) -> Study:
        """The study in a DICOM file. Raises BadImage, TooLarge or Busy; none repeats anything of the file."""
        if len(data) > MAX_BYTES:
            raise _error("too_large")
        if not self._places.acquire(timeout=WAIT_SECONDS):
            raise Busy("Many files are being read.", retry_after=WAIT_SECONDS, hint="Try again in half a minute.")
        try:
            return self._ask(data)
        finally:
            self._places.release()

    def _ask(self, data: bytes) -> Study:
        inbox, outbox = os.pipe(), os.pipe()  # (reading end, writing end)
        with os.fdopen(inbox[1], "wb") as sending, os.fdopen(outbox[0], "rb") as receiving:
            helper = self._hand_over(inbox[0], outbox[1])
            # The child's own clock ends it in time; this one is for a helper that does not even fork.
            watch = threading.Timer(self._wall_seconds + START_SECONDS, helper.process.kill)
            watch.daemon = True
            watch.start()
            try:
                with contextlib.suppress(BrokenPipeError):  # it ended early: what it said, if anything, is read below
                    sending.write(data)
                    sending.close()
                return _study(receiving)
            except (ValueError, KeyError, TypeError, struct.error) as err:
                if helper.process.poll() is not None:  # ours to mend, not the user's: told as a bug, and logged
                    raise RuntimeError("the process that reads DICOM files does not run") from err
                raise _error("ended") from err
            finally:
                watch.cancel()
                with contextlib.suppress(BrokenPipeError):
                    sending.close()

    def _hand_over(self, inbox: int, outbox: int) -> _Helper:
        """Give the far ends of two pipes to the process that forks, and close them here."""
        try:
            with self._lock:
                helper = self._running()
                socket.send_fds(helper.door, [b"f"], [inbox, outbox])
                return helper
        finally:
            os.close(inbox)
            os.close(outbox)

    def _running(self) -> _Helper:
        if self._helper is not None and self._helper.process.poll() is not None:
            self._helper.end()
            self._helper = None
        if self._helper is None:
            self._helper = _start(self._wall_seconds)
            atexit.register(self.close)
        return self._helper


READER = DicomReader()


def _start(wall_seconds: float) -> _Helper:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, _ROOT, str(theirs.fileno()), str(wall_seconds)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            env=_ENVIRONMENT,
            cwd="/",
        )
    return _Helper(process, ours)


def _study(stream: IO[bytes]) -> Study:
    """What the child says, checked. Raises BadImage or TooLarge for a refusal, ValueError for nonsense."""
    (length,) = struct.unpack(">I", stream.read(4))
    if length > 4096:
        raise ValueError("header too long")
    header: dict[str, Any] = json.loads(stream.read(length))
    if header["reason"]:
        raise _error(header["reason"], header["attribute"])
    shape, dtype = tuple(int(side) for side in header["shape"]), np.dtype(header["dtype"])
    count = math.prod(shape)
    if str(dtype) not in DTYPES or len(shape) not in (3, 4) or min(shape) < 1 or count > MAX_VALUES:
        raise ValueError("impossible pixels")
    if header["modality"] not in MODALITIES or header["unit"] not in ("", "HU"):
        raise ValueError("impossible facts")
    raw = bytearray(count * dtype.itemsize)
    if stream.readinto(raw) != len(raw):  # type: ignore[attr-defined]
        raise ValueError("pixels cut off")
    return _as_study(header, raw)


def trusted_study(data: bytes) -> Study:
    """The study in a DICOM file that came with an installed package, read in this process (which imports pydicom).

    Never for an upload. Raises BadImage or TooLarge.
    """
    header, pixels = answer(data)
    if header["reason"]:
        raise _error(header["reason"], header["attribute"])
    return _as_study(header, bytearray(pixels))


def _as_study(header: dict[str, Any], raw: bytearray) -> Study:
    values = np.frombuffer(raw, header["dtype"]).reshape(header["shape"])
    return Study(values, header["modality"], header["unit"], _window(header["window"], values))


def _window(pair: list[float] | None, values: np.ndarray[Any, Any]) -> Window:
    if pair is not None:
        return Window(float(pair[0]), float(pair[1])).clamped()
    return Window(128.0, 256.0) if values.ndim == 4 else spread_window(values)


def _error(reason: str, attribute: str = "") -> BadInput:
    kind, sentence, hint = _SENTENCES[reason]
    return kind(sentence.format(attribute=attribute if attribute in ATTRIBUTES else "an attribute"), hint=hint)

"""Bytes on disk by content hash: folder/ab/cd/<sha256>. Knows nothing of visitors, runs or the database.

A file appears under its name only when it is whole: written beside, fsynced, then renamed. The folder is not fsynced:
a journalling file system writes a rename before what is synced after it, and the row that tells of the file comes
later; where a power cut still loses the name, reading says ArtifactMissing.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from backends.core.digest import is_sha256, sha256
from backends.core.errors import ArtifactMissing, StoreError
from backends.core.identity import new_id

_INCOMING = ".incoming"  # same file system, so that the rename is atomic
_CHUNK = 2**20
_ABANDONED_SECONDS = 600.0  # a temporary file this old belongs to a process that died


class Files:
    """The artifact folder. Thread-safe, and safe with other processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for needed in (folder, folder / _INCOMING):
            _make(needed)

    def path(self, digest: str) -> Path:
        """Where the bytes of `digest` belong, there or not. Raises ArtifactMissing on what is no digest."""
        if not is_sha256(digest):
            raise ArtifactMissing("There is no artifact of that name.")
        return self.folder / digest[:2] / digest[2:4] / digest

    def write(self, digest: str, data: bytes, now: datetime) -> None:
        """Keep `data`; a damaged file of that digest is repaired. Raises StoreError when the disk refuses.

        now: becomes the file's time, from which `older_than` counts.
        """
        if not self._keeps(digest, len(data), now):
            self._place(digest, (data,), now)

    def bring(self, digest: str, size: int, pieces: Callable[[], Iterable[bytes]], now: datetime) -> None:
        """`write` for what is too large for memory or not ours: the bytes are held against the digest on their way.

        Raises ArtifactMissing where they are not those of the digest, and then keeps nothing; StoreError as `write`.
        """
        if not self._keeps(digest, size, now):
            self._place(digest, _checked(pieces(), digest), now)

    def _keeps(self, digest: str, size: int, now: datetime) -> bool:
        """Whether the bytes are there and sound; if so, they count as written now."""
        path = self.path(digest)
        sound = self.whole(digest, size) and _digest_of(path) == digest
        if sound:
            _set_time(path, now)
        return sound

    def _place(self, digest: str, pieces: Iterable[bytes], now: datetime) -> None:
        path = self.path(digest)
        temporary = self.folder / _INCOMING / new_id()
        try:
            _write_through(temporary, pieces)
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(path)
            _set_time(path, now)
        except OSError as err:
            raise StoreError("The result could not be written to disk.", hint="The disk may be full.") from err
        finally:
            temporary.unlink(missing_ok=True)

    def whole(self, digest: str, size: int) -> bool:
        """Whether a file of `size` bytes stands under `digest`; its bytes are not looked at."""
        try:
            return self.path(digest).stat().st_size == size
        except OSError:
            return False

    def read(self, digest: str) -> bytes:
        """The bytes. Raises ArtifactMissing when they are gone or do not match the digest."""
        try:
            data = self.path(digest).read_bytes()
        except OSError as err:
            raise _gone() from err
        if sha256(data) != digest:
            raise _gone()
        return data

    def verify(self, digest: str) -> Path:
        """The path of bytes that match the digest, read in pieces. Raises ArtifactMissing."""
        path = self.path(digest)
        try:
            if _digest_of(path) != digest:
                raise _gone()
        except OSError as err:
            raise _gone() from err
        return path

    def remove(self, digest: str) -> int:
        """Delete the bytes; returns how many were freed (0 when there were none)."""
        path = self.path(digest)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        except OSError as err:
            raise StoreError("A stored file cannot be removed.", hint="Check the folder's permissions.") from err
        return size

    def older_than(self, moment: datetime) -> Iterator[str]:
        """The digests of files last written before `moment`."""
        limit = moment.timestamp()
        for path in self.folder.glob("??/??/*"):
            with suppress(FileNotFoundError):
                if is_sha256(path.name) and path.stat().st_mtime < limit:
                    yield path.name

    def sweep_incoming(self) -> None:
        """Remove temporary files of processes that died. Counts in machine time, whatever the store's clock says."""
        limit = time.time() - _ABANDONED_SECONDS
        for path in (self.folder / _INCOMING).iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < limit:
                    path.unlink()

    def probe(self) -> None:
        """Write and remove a few bytes. Raises StoreError when the disk refuses."""
        path = self.folder / _INCOMING / new_id()
        try:
            _write_through(path, (b"probe",))
            path.unlink()
        except OSError as err:
            raise StoreError("The artifact folder cannot be written.", hint="The disk may be full.") from err


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as err:
        raise StoreError("The folder for saved work cannot be made.", hint="Check its permissions.") from err


def _write_through(path: Path, pieces: Iterable[bytes]) -> None:
    with path.open("xb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())


def _checked(pieces: Iterable[bytes], digest: str) -> Iterator[bytes]:
    running = hashlib.sha256()
    for piece in pieces:
        running.update(piece)
        yield piece
    if running.hexdigest() != digest:
        raise ArtifactMissing("A file changed while it was read.", hint="Try again.")


def _set_time(path: Path, now: datetime) -> None:
    with suppress(FileNotFoundError):  # collected this moment; whoever refers to it writes it again
        os.utime(path, (now.timestamp(), now.timestamp()))


def _digest_of(path: Path) -> str:
    running = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                running.update(piece)
    except FileNotFoundError:
        return ""
    return running.hexdigest()


def _gone() -> ArtifactMissing:
    return ArtifactMissing("This stored file is gone or damaged.", hint="Run it again, or upload it again.")

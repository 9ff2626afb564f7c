"""Weight folders and their manifest: what is in `manifest.json`, and whether the files are what it says.

`{"files": {name: {"sha256", "bytes"}}, "digest": d}`, where d is the sha256 of the canonical JSON of {name: sha256}.
Cheap checks come first (names, sizes, the safetensors header, capped before it is parsed), hashing last. Nothing here
builds tensors. Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Self

from backends.core.digest import canonical_json, is_sha256, sha256
from backends.core.errors import WeightsCorrupt, WeightsMissing

MANIFEST = "manifest.json"
SAFE_SUFFIXES = frozenset({".safetensors", ".json", ".txt"})
PICKLED = frozenset({".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt", ".joblib"})
HEADER_BYTES = 2**20  # a 7B model's header is 30 KiB; the format allows 100 MB, which costs minutes to parse
HEADER_TENSORS = 10_000  # the largest published checkpoints have under 2,000 tensors a file
MANIFEST_BYTES = 2**20
CHUNK = 2**20  # hashing and reporting step: about 1 ms a chunk

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._ +-]*(/[A-Za-z0-9_][A-Za-z0-9._ +-]*)*")

Report = Callable[[int], None]  # bytes done since the last call; may raise Cancelled


def _ignore(_: int) -> None:
    return None


@dataclass(frozen=True)
class FileEntry:
    """sha256: 64 hex digits. bytes: the file's size."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """What a weight folder holds. files: name (with '/' for folders) -> entry."""

    files: Mapping[str, FileEntry]

    @property
    def digest(self) -> str:
        """The weight digest: one hash for all files and their names."""
        return sha256(canonical_json({name: entry.sha256 for name, entry in self.files.items()}))

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(entry.bytes for entry in self.files.values())

    def write(self, folder: Path, **more: Any) -> None:
        """Write `manifest.json` into `folder`, atomically. more: further keys, which readers ignore."""
        files = {name: {"sha256": entry.sha256, "bytes": entry.bytes} for name, entry in sorted(self.files.items())}
        part = folder / f".{MANIFEST}.part"
        part.write_text(json.dumps({"files": files, "digest": self.digest, **more}, indent=2) + "\n", encoding="utf-8")
        part.replace(folder / MANIFEST)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The manifest of `folder`. Raises WeightsMissing or WeightsCorrupt."""
        path = folder / MANIFEST
        if not path.is_file():
            raise WeightsMissing(f"{folder.name} has no {MANIFEST}.", hint="Fetch or train the model again.")
        if path.stat().st_size > MANIFEST_BYTES:
            raise _damaged(folder)
        try:
            raw = json.loads(path.read_bytes())
            found = cls({name: FileEntry(entry["sha256"], entry["bytes"]) for name, entry in raw["files"].items()})
            digest = raw["digest"]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
            raise _damaged(folder) from err
        if not found.files or not all(_sound(name, entry) for name, entry in found.files.items()):
            raise _damaged(folder)
        if digest != found.digest:
            raise _damaged(folder)
        return found

    @classmethod
    def of(cls, folder: Path, digest: Callable[[Path], str] | None = None) -> Self:
        """The manifest of what lies in `folder`: every safetensors, JSON and text file. Raises WeightsMissing."""
        names = [name for name in _listing(folder) if PurePosixPath(name).suffix in SAFE_SUFFIXES and safe_name(name)]
        if not any(name.endswith(".safetensors") for name in names):
            raise WeightsMissing(f"{folder.name} holds no safetensors file.", hint="Put the model's files there.")
        paths = {name: folder / name for name in names}
        return cls({name: FileEntry((digest or hash_file)(path), path.stat().st_size) for name, path in paths.items()})


class Verifier:
    """Checks folders against manifests; hashes a file once per (path, mtime, size). Thread-safe.

    Lock: `_lock` guards the memory of what was hashed and is never held while hashing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, int, int], str] = {}

    def check(self, folder: Path, manifest: Manifest, report: Report = _ignore, *, again: bool = False) -> None:
        """Raise WeightsMissing or WeightsCorrupt unless `folder` is what `manifest` says. again: hash even what was."""
        check_names(folder, manifest)
        for name, entry in manifest.files.items():
            path = folder / name
            if not path.is_file():
                raise WeightsMissing(f"{folder.name} has no {name}.", hint="Fetch or train the model again.")
            if path.stat().st_size != entry.bytes:
                raise _differs(folder, name)
            if name.endswith(".safetensors"):
                check_header(path)
        for name, entry in manifest.files.items():
            if self.digest(folder / name, report, again=again) != entry.sha256:
                raise _differs(folder, name)

    def digest(self, path: Path, report: Report = _ignore, *, again: bool = False) -> str:
        """The sha256 of a file, remembered until its mtime or size changes."""
        stat = path.stat()
        key = (str(path), stat.st_mtime_ns, stat.st_size)
        with self._lock:
            known = self._seen.get(key)
        if known is None or again:
            known = hash_file(path, report)
            with self._lock:
                self._seen[key] = known
        return known


def check_names(folder: Path, manifest: Manifest) -> None:
    """Refuse pickled files, listed or not, and weights that the manifest does not list. Raises WeightsCorrupt."""
    present = _listing(folder) if folder.is_dir() else []
    for name in [*manifest.files, *present]:
        if PurePosixPath(name).suffix.lower() in PICKLED:
            raise WeightsCorrupt(
                f"{folder.name} holds {name}, a format that can run code.", hint="Only safetensors files are opened."
            )
    for name in present:
        if name.endswith(".safetensors") and name not in manifest.files:
            raise WeightsCorrupt(f"{folder.name} holds {name}, which its manifest does not list.", hint="Remove it.")


def check_header(path: Path) -> int:
    """The number of tensors a safetensors file says it holds. Raises WeightsCorrupt on a header that is not sound.

    The header's length is judged before a byte of it is read: see HEADER_BYTES and HEADER_TENSORS.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(HEADER_BYTES, size - 8):
            raise _not_safetensors(path)
        raw = file.read(length)
    try:
        header = json.loads(raw)
        tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
        ends = [int(entry["data_offsets"][1]) for entry in tensors.values()]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as err:
        raise _not_safetensors(path) from err
    if len(tensors) > HEADER_TENSORS or max(ends, default=0) != size - 8 - length:
        raise _not_safetensors(path)
    return len(tensors)


def hash_file(path: Path, report: Report = _ignore) -> str:
    """The sha256 of a file, read in chunks; `report` gets the size of each."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            report(len(chunk))
    return digest.hexdigest()


def safe_name(name: str) -> bool:
    """Whether `name` stays inside its folder: plain segments, no '..', nothing hidden, no drive, no backslash."""
    return _NAME.fullmatch(name) is not None and ".." not in name.split("/")


def _sound(name: object, entry: FileEntry) -> bool:
    return (
        isinstance(name, str)
        and safe_name(name)
        and isinstance(entry.sha256, str)
        and is_sha256(entry.sha256)
        and isinstance(entry.bytes, int)
        and entry.bytes >= 0
    )


def _listing(folder: Path) -> list[str]:
    """Names of the files below `folder`, sorted; the manifest itself and what is hidden are not content."""
    if not folder.is_dir():
        raise WeightsMissing(f"There is no folder {folder.name}.", hint="Fetch or train the model again.")
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in names if name != MANIFEST and not name.startswith(".") and "/." not in name)


def _damaged(folder: Path) -> WeightsCorrupt:
    return WeightsCorrupt(f"The manifest of {folder.name} is damaged.", hint="Fetch or train the model again.")


def _differs(folder: Path, name: str) -> WeightsCorrupt:
    return WeightsCorrupt(f"{name} of {folder.name} does not match its digest.", hint="Fetch the model again.")


def _not_safetensors(path: Path) -> WeightsCorrupt:
    return WeightsCorrupt(f"{path.name} is not a sound safetensors file.", hint="Fetch the model again.")

"""Artifacts: bytes that a visitor brought or a run made, read only by who may."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from backends.core.digest import sha256
from backends.core.errors import TooLarge
from backends.core.limits import MIB
from backends.store.access import (
    Parts,
    check_room,
    checked_digest,
    checked_visitor,
    chunks,
    ensure_visitor,
    readable_artifact,
    used_bytes,
)
from backends.store.files import Files
from backends.store.tables import ArtifactRow, UploadRow

_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,40}/[a-z0-9][a-z0-9.+-]{0,50}", re.IGNORECASE)


class Artifacts:
    """The uploads of visitors, and reading of whatever they may read. Thread-safe."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def put(self, visitor: str, data: bytes, media_type: str, *, keep_hours: float | None = None) -> str:
        """Keep bytes for a visitor; returns their sha256. Giving the same bytes again renews their expiry.

        keep_hours: shorter than the usual time for what is private, medical images say; runs made from it follow.
        Raises TooLarge, QuotaExceeded, or StoreError when the disk refuses.
        """
        checked_visitor(visitor)
        limits = self._parts.limits
        if len(data) > limits.upload_bytes:
            raise TooLarge(
                f"This file has {len(data) / MIB:.1f} MiB; at most {limits.upload_bytes / MIB:.1f} MiB can be taken.",
                hint="Choose a smaller file.",
            )
        keep = limits.keep_hours if keep_hours is None else min(keep_hours, limits.keep_hours)
        digest, now = sha256(data), self._parts.clock()
        with self._parts.database.read() as session:  # before the disk is touched
            check_room(session, visitor, {digest: len(data)}, limits)
        self._parts.files.write(digest, data, now)
        with self._parts.database.write() as session:
            ensure_visitor(session, visitor, now)
            check_room(session, visitor, {digest: len(data)}, limits)
            record(session, self._parts.files, [Piece(digest, data, media_type)], now)
            renew_upload(session, visitor, digest, now, keep)
        return digest

    def read(self, digest: str, visitor: str) -> bytes:
        """The bytes, checked against their hash. Raises NotFound unless the visitor may read them; ArtifactMissing."""
        self.media_type(digest, visitor)
        return self._parts.files.read(digest)

    def open_path(self, digest: str, visitor: str) -> Path:
        """Where the bytes lie, checked against their hash; open it soon, for what expires is removed.

        Raises NotFound unless the visitor may read them; ArtifactMissing.
        """
        self.media_type(digest, visitor)
        return self._parts.files.verify(digest)

    def media_type(self, digest: str, visitor: str) -> str:
        """The media type under which the bytes first came. Raises NotFound unless the visitor may read them."""
        with self._parts.database.read() as session:
            now = self._parts.clock()
            return readable_artifact(session, checked_digest(digest), checked_visitor(visitor), now).media_type

    def usage(self, visitor: str) -> int:
        """How many bytes the visitor keeps; what they keep twice counts once."""
        with self._parts.database.read() as session:
            return used_bytes(session, checked_visitor(visitor))


def safe_media_type(text: str) -> str:
    """`text` if it is a media type, else the one that means 'bytes'; it will stand in a header one day."""
    return text.lower() if _MEDIA_TYPE.fullmatch(text) else "application/octet-stream"


class Brought(Protocol):
    """Bytes on their way to a row. digest: their sha256. size: how many."""

    @property
    def digest(self) -> str: ...  # noqa: D102

    @property
    def size(self) -> int: ...  # noqa: D102

    @property
    def media_type(self) -> str: ...  # noqa: D102

    def write(self, files: Files, now: datetime) -> None:
        """Put them where they belong. Raises StoreError when the disk refuses."""


@dataclass(frozen=True)
class Piece:
    """Bytes in memory, with their hash and media type."""

    digest: str
    data: bytes
    media_type: str

    @property
    def size(self) -> int:
        """How many."""
        return len(self.data)

    def write(self, files: Files, now: datetime) -> None:
        """Put them where they belong. Raises StoreError when the disk refuses."""
        files.write(self.digest, self.data, now)


def record(session: Session, files: Files, pieces: Iterable[Brought], now: datetime) -> None:
    """Make sure, inside a writing transaction, that artifacts have their row and their file.

    The files were written before. A collector may have removed one since, but only inside a transaction of its own,
    so what is there now stays there until this transaction ends and the new reference is seen.
    """
    wanted = {piece.digest: piece for piece in pieces}
    known = set[str]()
    for part in chunks(wanted):
        known.update(session.scalars(select(ArtifactRow.sha256).where(ArtifactRow.sha256.in_(part))))
    for digest, piece in wanted.items():
        if not files.whole(digest, piece.size):
            piece.write(files, now)
        if digest not in known:
            media_type = safe_media_type(piece.media_type)
            session.add(ArtifactRow(sha256=digest, bytes=piece.size, media_type=media_type, created=now))
    session.flush()  # before the rows that refer to them


def renew_upload(session: Session, visitor: str, digest: str, now: datetime, keep_hours: float) -> None:
    """The visitor brought these bytes now, and they are kept for so long."""
    row = session.get(UploadRow, (visitor, digest))
    if row is None:
        row = UploadRow(visitor=visitor, sha256=digest, created=now, expires=now, keep_hours=keep_hours)
        session.add(row)
    row.keep_hours = keep_hours
    row.expires = now + timedelta(hours=keep_hours)

"""Limits at the door, in one place: the settings fill them in, everyone else reads them."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """What one visitor may bring and keep.

    upload_bytes: one uploaded file. picture_pixels: width x height of a PNG or JPEG, read from its header before
    anything is decoded. visitor_bytes: all that a visitor keeps. visitor_waiting: their queued runs.
    keep_hours: how long what was not saved is kept.
    """

    upload_bytes: int = 64 * MIB
    picture_pixels: int = 40_000_000  # 40 Mpx: the largest common camera; decodes to 120 MB RGB
    visitor_bytes: int = 512 * MIB
    visitor_waiting: int = 16
    keep_hours: float = 24.0

    @property
    def archive_bytes(self) -> int:
        """The largest archive of a session that is taken: all that a visitor may keep, and what is told of it."""
        return self.visitor_bytes + 16 * MIB

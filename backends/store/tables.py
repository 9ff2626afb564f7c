"""The tables. Rows are small; bytes lie on disk by sha256. What refers to an artifact is found by query, not counted.

Nothing here is particular to SQLite; every change needs a migration (tests compare the two).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, Index, MetaData, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

_NAMES = {  # named alike on every database, so that a migration can drop them
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcTime(TypeDecorator[datetime]):
    """A time in UTC that comes back aware, also from SQLite, which forgets time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Into the database, as UTC. Raises ValueError on a time without a zone."""
        del dialect
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Out of the database."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all rows."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcTime(),
        dict[str, Any]: JSON(none_as_null=True),
        dict[str, str]: JSON(none_as_null=True),
        list[str]: JSON(none_as_null=True),
    }


_Id = String(22)
_Visitor = String(128)
_Digest = String(64)


def _visitor_key() -> ForeignKey:
    return ForeignKey("visitors.id", ondelete="CASCADE")


class VisitorRow(Base):
    """Someone who came. accepted: sha256 of a notice -> when it was accepted (ISO 8601)."""

    __tablename__ = "visitors"

    id: Mapped[str] = mapped_column(_Visitor, primary_key=True)
    created: Mapped[datetime]
    seen: Mapped[datetime] = mapped_column(index=True)
    accepted: Mapped[dict[str, str]]


class ArtifactRow(Base):
    """Bytes on disk. media_type: as first given; an output's own is in its row."""

    __tablename__ = "artifacts"

    sha256: Mapped[str] = mapped_column(_Digest, primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))
    created: Mapped[datetime]


class UploadRow(Base):
    """A visitor brought these bytes. keep_hours: how long they are kept, and what is computed from them."""

    __tablename__ = "uploads"

    visitor: Mapped[str] = mapped_column(_Visitor, _visitor_key(), primary_key=True)
    sha256: Mapped[str] = mapped_column(_Digest, ForeignKey("artifacts.sha256"), primary_key=True, index=True)
    created: Mapped[datetime]
    expires: Mapped[datetime] = mapped_column(index=True)
    keep_hours: Mapped[float]


class RunRow(Base):
    """A run. expires: null until it has ended; a run in a session does not expire whatever stands here.

    version: provenance["version"], for the cache's index.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index(None, "experiment_digest", "version"),
        Index(None, "visitor", "created"),
        Index(None, "state", "created"),
    )

    id: Mapped[str] = mapped_column(_Id, primary_key=True)
    visitor: Mapped[str] = mapped_column(_Visitor, _visitor_key())
    experiment: Mapped[str] = mapped_column(Text)
    experiment_digest: Mapped[str] = mapped_column(_Digest)
    version: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[str] = mapped_column(String(12))
    fraction: Mapped[float] = mapped_column(default=0.0)
    sentence: Mapped[str] = mapped_column(String(500), default="")
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]
    expires: Mapped[datetime | None] = mapped_column(index=True)
    keep_hours: Mapped[float]
    error: Mapped[dict[str, str] | None]
    reference: Mapped[str] = mapped_column(String(64), default="")
    provenance: Mapped[dict[str, Any]]
    outputs: Mapped[list[RunOutputRow]] = relationship(
        order_by="RunOutputRow.position", lazy="raise", passive_deletes=True
    )
    memberships: Mapped[list[SessionRunRow]] = relationship(lazy="raise", viewonly=True)


class RunInputRow(Base):
    """A run reads these bytes: keeps them alive and lets the run's owner read them."""

    __tablename__ = "run_inputs"

    run_id: Mapped[str] = mapped_column(_Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    sha256: Mapped[str] = mapped_column(_Digest, ForeignKey("artifacts.sha256"), index=True)


class RunOutputRow(Base):
    """A result of a run. media_type stands here too: one text may be plain in one run and Markdown in another."""

    __tablename__ = "run_outputs"

    run_id: Mapped[str] = mapped_column(_Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(String(10))
    sha256: Mapped[str] = mapped_column(_Digest, ForeignKey("artifacts.sha256"), index=True)
    media_type: Mapped[str] = mapped_column(String(100))
    meta: Mapped[dict[str, Any]]
    artifact: Mapped[ArtifactRow] = relationship(lazy="raise", viewonly=True)


class SessionRow(Base):
    """A titled, ordered set of runs. deleted: when its owner deleted it; it is erased some minutes later."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "visitor", "updated"),)

    id: Mapped[str] = mapped_column(_Id, primary_key=True)
    visitor: Mapped[str] = mapped_column(_Visitor, _visitor_key())
    title: Mapped[str] = mapped_column(String(200))
    notes: Mapped[str] = mapped_column(Text, default="")
    tags: Mapped[list[str]]
    created: Mapped[datetime]
    updated: Mapped[datetime]
    deleted: Mapped[datetime | None] = mapped_column(index=True)
    members: Mapped[list[SessionRunRow]] = relationship(order_by="SessionRunRow.position", lazy="raise", viewonly=True)
    links: Mapped[list[LinkRow]] = relationship(
        order_by="(LinkRow.created.desc(), LinkRow.id)", lazy="raise", viewonly=True
    )


class SessionRunRow(Base):
    """A run's place in a session, and what its slide says. speaker: for the owner only."""

    __tablename__ = "session_runs"

    session_id: Mapped[str] = mapped_column(_Id, ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True)
    run_id: Mapped[str] = mapped_column(_Id, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True, index=True)
    position: Mapped[int]
    title: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    speaker: Mapped[str] = mapped_column(Text, default="")
    live: Mapped[bool] = mapped_column(default=False)
    run: Mapped[RunRow] = relationship(lazy="raise", viewonly=True)
    session: Mapped[SessionRow] = relationship(lazy="raise", viewonly=True)


class LinkRow(Base):
    """A session's share link: a second unguessable id. It stays after it closed, so that this can be told."""

    __tablename__ = "links"

    id: Mapped[str] = mapped_column(_Id, primary_key=True)
    session_id: Mapped[str] = mapped_column(_Id, ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime]
    expires: Mapped[datetime | None]
    revoked: Mapped[datetime | None]


class GrantRow(Base):
    """A visitor opened a link and may read its session's runs and their artifacts while the link is open."""

    __tablename__ = "grants"

    visitor: Mapped[str] = mapped_column(_Visitor, _visitor_key(), primary_key=True)
    link_id: Mapped[str] = mapped_column(_Id, ForeignKey("links.id", ondelete="CASCADE"), primary_key=True, index=True)
    created: Mapped[datetime]


class HeartbeatRow(Base):
    """One row that the health check writes and reads back."""

    __tablename__ = "heartbeat"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    beat: Mapped[datetime]

"""The first tables: visitors, artifacts, uploads, runs, sessions, grants.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID, _VISITOR, _DIGEST = sa.String(22), sa.String(128), sa.String(64)
_TIME = sa.DateTime(timezone=True)
_INDEXES = (
    ("visitors", ["seen"]),
    ("uploads", ["sha256"]),
    ("uploads", ["expires"]),
    ("runs", ["experiment_digest", "version"]),
    ("runs", ["visitor", "created"]),
    ("runs", ["state", "created"]),
    ("runs", ["expires"]),
    ("run_inputs", ["sha256"]),
    ("run_outputs", ["sha256"]),
    ("sessions", ["visitor", "updated"]),
    ("session_runs", ["run_id"]),
    ("grants", ["session_id"]),
)


def upgrade() -> None:
    _visitors_and_artifacts()
    _runs()
    _sessions()
    for table, columns in _INDEXES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)


def downgrade() -> None:
    for table in ("grants", "session_runs", "sessions", "run_outputs", "run_inputs", "runs", "uploads"):
        op.drop_table(table)
    for table in ("artifacts", "visitors", "heartbeat"):
        op.drop_table(table)


def _visitors_and_artifacts() -> None:
    op.create_table(
        "visitors",
        _column("id", _VISITOR),
        _column("created", _TIME),
        _column("seen", _TIME),
        _column("accepted", sa.JSON()),
        _primary("visitors", "id"),
    )
    op.create_table(
        "artifacts",
        _column("sha256", _DIGEST),
        _column("bytes", sa.BigInteger()),
        _column("media_type", sa.String(100)),
        _column("created", _TIME),
        _primary("artifacts", "sha256"),
    )
    op.create_table(
        "uploads",
        _column("visitor", _VISITOR),
        _column("sha256", _DIGEST),
        _column("created", _TIME),
        _column("expires", _TIME),
        _column("keep_hours", sa.Double()),
        _primary("uploads", "visitor", "sha256"),
        _cascading("uploads", "visitor", "visitors.id"),
        _artifact("uploads"),
    )
    op.create_table(
        "heartbeat",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        _column("beat", _TIME),
        _primary("heartbeat", "id"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        _column("id", _ID),
        _column("visitor", _VISITOR),
        _column("experiment", sa.Text()),
        _column("experiment_digest", _DIGEST),
        _column("version", sa.String(100)),
        _column("state", sa.String(12)),
        _column("fraction", sa.Double()),
        _column("sentence", sa.String(500)),
        _column("created", _TIME),
        sa.Column("started", _TIME),
        sa.Column("finished", _TIME),
        sa.Column("expires", _TIME),
        _column("keep_hours", sa.Double()),
        sa.Column("error", sa.JSON()),
        _column("reference", sa.String(64)),
        _column("provenance", sa.JSON()),
        _primary("runs", "id"),
        _cascading("runs", "visitor", "visitors.id"),
    )
    op.create_table(
        "run_inputs",
        _column("run_id", _ID),
        _column("name", sa.String(100)),
        _column("sha256", _DIGEST),
        _primary("run_inputs", "run_id", "name"),
        _cascading("run_inputs", "run_id", "runs.id"),
        _artifact("run_inputs"),
    )
    op.create_table(
        "run_outputs",
        _column("run_id", _ID),
        _column("name", sa.String(100)),
        _column("position", sa.Integer()),
        _column("kind", sa.String(10)),
        _column("sha256", _DIGEST),
        _column("media_type", sa.String(100)),
        _column("meta", sa.JSON()),
        _primary("run_outputs", "run_id", "name"),
        _cascading("run_outputs", "run_id", "runs.id"),
        _artifact("run_outputs"),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        _column("id", _ID),
        _column("link", _ID),
        _column("visitor", _VISITOR),
        _column("title", sa.String(200)),
        _column("notes", sa.Text()),
        _column("created", _TIME),
        _column("updated", _TIME),
        _primary("sessions", "id"),
        sa.UniqueConstraint("link", name="uq_sessions_link"),
        _cascading("sessions", "visitor", "visitors.id"),
    )
    op.create_table(
        "session_runs",
        _column("session_id", _ID),
        _column("run_id", _ID),
        _column("position", sa.Integer()),
        _primary("session_runs", "session_id", "run_id"),
        _cascading("session_runs", "session_id", "sessions.id"),
        _cascading("session_runs", "run_id", "runs.id"),
    )
    op.create_table(
        "grants",
        _column("visitor", _VISITOR),
        _column("session_id", _ID),
        _column("created", _TIME),
        _primary("grants", "visitor", "session_id"),
        _cascading("grants", "visitor", "visitors.id"),
        _cascading("grants", "session_id", "sessions.id"),
    )


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _cascading(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}", ondelete="CASCADE")


def _artifact(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["sha256"], ["artifacts.sha256"], name=f"fk_{table}_sha256")

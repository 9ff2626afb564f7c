"""Several links a session, each with its end; tags; undo for deleting; what each result's slide says.

Revision ID: 0002
Revises: 0001

Three tables are made anew, their rows kept aside meanwhile. SQLite cannot drop a column that is unique without copying
its table, and dropping the old table would empty those that refer to it (ON DELETE CASCADE), which cannot be
switched off inside a transaction.
"""

from __future__ import annotations

import secrets
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ID, _VISITOR = sa.String(22), sa.String(128)
_TIME = sa.DateTime(timezone=True)
_REMADE = ("grants", "session_runs", "sessions")


def upgrade() -> None:
    _put_aside(*_REMADE)
    _sessions()
    _links()
    _session_runs()
    _grants()
    op.execute(
        "INSERT INTO sessions (id, visitor, title, notes, tags, created, updated) "
        "SELECT id, visitor, title, notes, '[]', created, updated FROM old_sessions"
    )
    op.execute("INSERT INTO links (id, session_id, created) SELECT link, id, created FROM old_sessions")
    op.execute(
        "INSERT INTO session_runs (session_id, run_id, position, title, note, speaker, live) "
        "SELECT session_id, run_id, position, '', '', '', false FROM old_session_runs"
    )
    op.execute(
        "INSERT INTO grants (visitor, link_id, created) "
        "SELECT g.visitor, s.link, g.created FROM old_grants g JOIN old_sessions s ON s.id = g.session_id"
    )
    _forget_aside(*_REMADE)


def downgrade() -> None:
    """Back to one link a session. Deleted sessions do not come back, nor what an older Vitrine has no place for."""
    _put_aside("grants", "links", "session_runs", "sessions")
    _first_sessions()
    connection = op.get_bind()
    for row in connection.execute(sa.text("SELECT * FROM old_sessions WHERE deleted IS NULL")).mappings().all():
        # Its newest open link; without one, an address that nobody was told.
        link = connection.scalar(
            sa.text(
                "SELECT id FROM old_links WHERE session_id = :id AND revoked IS NULL "
                "AND (expires IS NULL OR expires > CURRENT_TIMESTAMP) ORDER BY created DESC, id LIMIT 1"
            ),
            {"id": row["id"]},
        )
        told = {name: row[name] for name in ("id", "visitor", "title", "notes", "created", "updated")}
        names = ", ".join(told)
        values = ", ".join(f":{name}" for name in told)
        insert = f"INSERT INTO sessions (link, {names}) VALUES (:link, {values})"
        connection.execute(sa.text(insert), {**told, "link": link or secrets.token_urlsafe(16)})
    op.execute(
        "INSERT INTO session_runs (session_id, run_id, position) "
        "SELECT m.session_id, m.run_id, m.position FROM old_session_runs m JOIN sessions s ON s.id = m.session_id"
    )
    op.execute(
        "INSERT INTO grants (visitor, session_id, created) "
        "SELECT g.visitor, s.id, g.created FROM old_grants g JOIN sessions s ON s.link = g.link_id"
    )
    _forget_aside("grants", "links", "session_runs", "sessions")


def _put_aside(*tables: str) -> None:
    """Copy the tables and drop them, those first that refer to others."""
    for table in tables:
        op.execute(f"CREATE TEMPORARY TABLE old_{table} AS SELECT * FROM {table}")
    for table in tables:
        op.drop_table(table)


def _forget_aside(*tables: str) -> None:
    for table in tables:
        op.execute(f"DROP TABLE old_{table}")


def _sessions() -> None:
    op.create_table(
        "sessions",
        _column("id", _ID),
        _column("visitor", _VISITOR),
        _column("title", sa.String(200)),
        _column("notes", sa.Text()),
        _column("tags", sa.JSON()),
        _column("created", _TIME),
        _column("updated", _TIME),
        sa.Column("deleted", _TIME),
        _primary("sessions", "id"),
        _cascading("sessions", "visitor", "visitors.id"),
    )
    _index("sessions", "visitor", "updated")
    _index("sessions", "deleted")


def _links() -> None:
    op.create_table(
        "links",
        _column("id", _ID),
        _column("session_id", _ID),
        _column("created", _TIME),
        sa.Column("expires", _TIME),
        sa.Column("revoked", _TIME),
        _primary("links", "id"),
        _cascading("links", "session_id", "sessions.id"),
    )
    _index("links", "session_id")


def _session_runs() -> None:
    op.create_table(
        "session_runs",
        _column("session_id", _ID),
        _column("run_id", _ID),
        _column("position", sa.Integer()),
        _column("title", sa.String(200)),
        _column("note", sa.Text()),
        _column("speaker", sa.Text()),
        _column("live", sa.Boolean()),
        _primary("session_runs", "session_id", "run_id"),
        _cascading("session_runs", "session_id", "sessions.id"),
        _cascading("session_runs", "run_id", "runs.id"),
    )
    _index("session_runs", "run_id")


def _grants() -> None:
    op.create_table(
        "grants",
        _column("visitor", _VISITOR),
        _column("link_id", _ID),
        _column("created", _TIME),
        _primary("grants", "visitor", "link_id"),
        _cascading("grants", "visitor", "visitors.id"),
        _cascading("grants", "link_id", "links.id"),
    )
    _index("grants", "link_id")


def _first_sessions() -> None:
    """The three tables as 0001 made them."""
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
    _index("sessions", "visitor", "updated")
    op.create_table(
        "session_runs",
        _column("session_id", _ID),
        _column("run_id", _ID),
        _column("position", sa.Integer()),
        _primary("session_runs", "session_id", "run_id"),
        _cascading("session_runs", "session_id", "sessions.id"),
        _cascading("session_runs", "run_id", "runs.id"),
    )
    _index("session_runs", "run_id")
    op.create_table(
        "grants",
        _column("visitor", _VISITOR),
        _column("session_id", _ID),
        _column("created", _TIME),
        _primary("grants", "visitor", "session_id"),
        _cascading("grants", "visitor", "visitors.id"),
        _cascading("grants", "session_id", "sessions.id"),
    )
    _index("grants", "session_id")


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _cascading(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=f"fk_{table}_{column}", ondelete="CASCADE")

"""Alembic's entry: migrates over the connection that `backends.store.migrate` holds, inside its transaction.

To write the next revision: `alembic.command.revision(config, autogenerate=True)`; tests fail while one is missing.
"""

from __future__ import annotations

from alembic import context

from backends.store.tables import Base

# render_as_batch: SQLite alters a table by copying it. No transaction of alembic's own: ours covers all revisions.
context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()

"""Brings a database to this version's tables, or refuses one that a newer version wrote. One transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from backends.core.errors import NewerSchema
from backends.store.database import Database


def upgrade(database: Database) -> None:
    """Migrate to the newest revision. Raises NewerSchema, and then nothing was changed."""
    with database.write() as session:
        _upgrade(session.connection())


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))  # '%' is alembic's interpolation
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    known = {revision.revision for revision in script.walk_revisions()}
    current = set(MigrationContext.configure(connection).get_current_heads())
    if not current <= known:
        raise NewerSchema(
            "The saved work was written by a newer Vitrine and cannot be opened by this one.",
            hint="Update Vitrine, or start this one with another database.",
        )
    if current != set(script.get_heads()):
        command.upgrade(config, "head")

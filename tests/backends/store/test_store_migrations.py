import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect

from backends.core.digest import sha256
from backends.core.errors import NewerSchema, StoreError
from backends.core.limits import Limits
from backends.store.store import Store
from backends.store.tables import Base
from tests.backends.store.making import FakeClock, done_run, open_store


def test_migrations_make_exactly_the_tables_that_the_models_declare(store: Store, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'vitrine.db'}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        assert set(inspect(connection).get_table_names()) == {*Base.metadata.tables, "alembic_version"}
    engine.dispose()


def test_migrations_name_every_constraint_as_the_models_do(store: Store, tmp_path: Path) -> None:
    """Autogenerate does not compare these, and a database that names them otherwise cannot drop them later."""
    declared = create_engine(f"sqlite:///{tmp_path / 'declared.db'}")
    Base.metadata.create_all(declared)
    migrated = create_engine(f"sqlite:///{tmp_path / 'vitrine.db'}")
    one, other = inspect(declared), inspect(migrated)
    for table in Base.metadata.tables:
        assert one.get_pk_constraint(table) == other.get_pk_constraint(table)
        assert one.get_unique_constraints(table) == other.get_unique_constraints(table)
        by_name = {key["name"]: key for key in one.get_foreign_keys(table)}
        assert by_name == {key["name"]: key for key in other.get_foreign_keys(table)}
    declared.dispose()
    migrated.dispose()


def test_the_declared_tables_have_no_cycle_and_compile_for_postgresql() -> None:
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    for table in Base.metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_opening_again_keeps_what_was_there(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock)
    run = done_run(store, "alice", {})
    store.close()
    again = open_store(tmp_path, clock)
    assert again.runs.get(run.id, "alice") == run
    again.close()


def test_a_newer_database_is_refused_and_not_touched(tmp_path: Path, clock: FakeClock) -> None:
    store = open_store(tmp_path, clock)
    done_run(store, "alice", {})
    store.close()
    path = tmp_path / "vitrine.db"
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = sha256(path.read_bytes())
    for locks in (True, False):
        with pytest.raises(NewerSchema, match="newer Vitrine"):
            open_store(tmp_path, clock, locks=locks)
        assert sha256(path.read_bytes()) == before


def test_a_migration_that_is_interrupted_leaves_nothing_behind(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "vitrine.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE grants (x INTEGER)")  # in the way of one of the last tables
    connection.close()
    with pytest.raises(StoreError):
        open_store(tmp_path, clock)
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    connection.close()
    assert tables == [("grants",)]


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "vitrine.db").write_bytes(b"not a database, but quite long enough to be looked at" * 100)
    with pytest.raises(StoreError):
        open_store(tmp_path, clock)


@pytest.mark.parametrize("url", ["", "sqlite://", "sqlite:///:memory:", "nonsense", "sqlite:///", "no+such://x/y"])
def test_an_address_that_cannot_be_used_is_a_store_error_that_does_not_repeat_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(StoreError):
        Store.open(url, tmp_path / "artifacts", Limits())


def test_a_folder_whose_name_has_odd_characters_is_fine(tmp_path: Path, clock: FakeClock) -> None:
    folder = tmp_path / "50 % of é #1"
    store = open_store(folder, clock)
    done_run(store, "alice", {})
    store.close()
    assert (folder / "vitrine.db").exists()

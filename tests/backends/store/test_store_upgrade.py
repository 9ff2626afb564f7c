"""From the first tables, with rows in them, to the newest ones and back: nothing that can be kept is lost."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event

from backends.core.errors import LinkClosed, NotFound
from backends.core.results import Text
from backends.store import store as store_module
from backends.store.store import Store
from tests.backends.store.making import FakeClock, done_run, experiment, open_store

MIGRATIONS = Path(store_module.__file__).parent / "migrations"
WHEN = "2026-02-01 10:00:00.000000"
RUNS = ("run-one-aaaaaaaaaaaaaa", "run-two-aaaaaaaaaaaaaa")
SESSION, LINK = "session-aaaaaaaaaaaaaa", "link-aaaaaaaaaaaaaaaaa"
EMPTY, EMPTY_LINK = "empty-aaaaaaaaaaaaaaaa", "link-bbbbbbbbbbbbbbbbb"


def migrate(database: Path, to: str, how: object = command.upgrade) -> None:
    """Over a connection like the store's own: foreign keys on, all in one transaction."""
    engine = create_engine(f"sqlite:///{database}")

    def connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys=ON")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        assert callable(how)
        how(config, to)
    engine.dispose()


def rows_of_the_first_vitrine(database: Path) -> None:
    asked = experiment()
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        for visitor in ("alice", "bob"):
            connection.execute("INSERT INTO visitors VALUES (?, ?, ?, '{}')", (visitor, WHEN, WHEN))
        for run_id in RUNS:
            run = (run_id, "alice", asked.canonical.decode(), asked.digest, "0.1.0", "done", 1.0, "", WHEN, WHEN, WHEN)
            connection.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 24.0, NULL, '', ?)",
                (*run, WHEN, json.dumps({"version": "0.1.0"})),
            )
        sessions = (
            (SESSION, LINK, "Saved", "Notes", "2026-02-02 10:00:00.000000"),
            (EMPTY, EMPTY_LINK, "Empty", "", WHEN),
        )
        for session_id, link, title, notes, updated in sessions:
            row = (session_id, link, "alice", title, notes, WHEN, updated)
            connection.execute("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        for position, run_id in enumerate(reversed(RUNS)):
            connection.execute("INSERT INTO session_runs VALUES (?, ?, ?)", (SESSION, run_id, position))
        connection.execute("INSERT INTO grants VALUES ('bob', ?, ?)", (SESSION, WHEN))
    connection.close()


@pytest.fixture
def upgraded(tmp_path: Path, clock: FakeClock) -> Store:
    migrate(tmp_path / "vitrine.db", "0001")
    rows_of_the_first_vitrine(tmp_path / "vitrine.db")
    return open_store(tmp_path, clock)


def test_upgrading_keeps_sessions_their_order_and_their_addresses(upgraded: Store, tmp_path: Path) -> None:
    session, empty = upgraded.sessions.list("alice")
    assert (session.id, session.title, session.notes, session.tags) == (SESSION, "Saved", "Notes", ())
    assert [run.id for run in session.runs] == list(reversed(RUNS))
    assert [(item.title, item.note, item.speaker, item.live) for item in session.items] == [("", "", "", False)] * 2
    assert [(link.id, link.expires, link.revoked) for link in session.links] == [(LINK, None, None)]
    assert session.link == LINK
    assert f"{session.created:%Y-%m-%d} {session.updated:%Y-%m-%d}" == "2026-02-01 2026-02-02"
    assert (empty.id, empty.link, empty.runs) == (EMPTY, EMPTY_LINK, ())
    assert upgraded.sessions.open(LINK, "carol").title == "Saved"
    assert all(run.saved for run in session.runs)
    upgraded.collect()  # the runs' own time is over, but they are saved
    assert len(upgraded.sessions.get(SESSION, "alice").runs) == 2
    upgraded.close()
    with sqlite3.connect(tmp_path / "vitrine.db") as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_who_had_opened_a_link_reads_on_until_it_is_withdrawn(upgraded: Store) -> None:
    assert upgraded.runs.get(RUNS[0], "bob").visitor == ""
    assert upgraded.sessions.get(SESSION, "bob").link == LINK
    upgraded.sessions.revoke(SESSION, "alice", LINK)
    for refused in (lambda: upgraded.runs.get(RUNS[0], "bob"), lambda: upgraded.sessions.get(SESSION, "bob")):
        with pytest.raises(NotFound):
            refused()
    with pytest.raises(LinkClosed):
        upgraded.sessions.open(LINK, "bob")
    upgraded.close()


def test_downgrading_keeps_what_the_first_tables_have_a_place_for(tmp_path: Path, clock: FakeClock) -> None:
    store, database = open_store(tmp_path, clock), tmp_path / "vitrine.db"
    run = done_run(store, "alice", {"t": Text("result")})
    shared = store.sessions.create("alice", "Shared", "Notes", ["tag"])
    closed = store.sessions.create("alice", "Closed")
    put_away = store.sessions.create("alice", "Put away")
    for session in (shared, closed, put_away):
        store.sessions.add_run(session.id, "alice", run.id)
        store.sessions.open(session.link, "bob")
    clock.forward(seconds=1)
    newest = store.sessions.share(shared.id, "alice")
    store.sessions.open(newest.id, "carol")
    store.sessions.revoke(closed.id, "alice", closed.link)
    store.sessions.delete(put_away.id, "alice")
    store.close()

    migrate(database, "0001", command.downgrade)

    with sqlite3.connect(database) as connection:
        links = dict(connection.execute("SELECT title, link FROM sessions").fetchall())
        assert set(links) == {"Shared", "Closed"}
        assert links["Shared"] == newest.id
        assert links["Closed"] not in ("", closed.link)
        assert connection.execute("SELECT visitor, session_id FROM grants").fetchall() == [("carol", shared.id)]
        members = connection.execute("SELECT session_id FROM session_runs WHERE run_id = ?", (run.id,)).fetchall()
        assert {row[0] for row in members} == {shared.id, closed.id}
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()

    again = open_store(tmp_path, clock)
    assert again.sessions.open(newest.id, "dora").runs[0].outputs == run.outputs
    assert again.runs.outputs(run.id, "carol") == {"t": Text("result")}
    with pytest.raises(NotFound):
        again.sessions.open(closed.link, "bob")
    again.close()


def test_an_upgrade_that_fails_leaves_the_old_tables_with_all_rows(tmp_path: Path, clock: FakeClock) -> None:
    database = tmp_path / "vitrine.db"
    migrate(database, "0001")
    rows_of_the_first_vitrine(database)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE links (x INTEGER)")  # in the way of a new table
    connection.close()
    with pytest.raises(Exception, match="did not answer"):
        open_store(tmp_path, clock)
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE links")
        assert connection.execute("SELECT count(*) FROM session_runs").fetchone() == (2,)
    connection.close()
    store = open_store(tmp_path, clock)
    assert len(store.sessions.get(SESSION, "bob").runs) == 2
    store.close()

"""What is particular to SQLite, all of it: pragmas, transactions, and the test whether file locks work.

WAL needs real locks and shared memory (https://www.sqlite.org/wal.html, "All processes must be on the same host").
Mounted buckets answer 'locked' without locking anything, and a WAL database on one is corrupted sooner or later.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

from backends.core.errors import StoreError
from backends.core.identity import new_id

WRITE = "vitrine_write"  # execution option: this transaction will write
BUSY_MS = 10_000  # how long one process waits for another's write; in one process the write lock comes first
PROBE_SECONDS = 20.0  # a bare Python starts in 20 ms; a file system that hangs longer is not one to trust

NOTICE = (
    "File locks do not work where the database lies, so Vitrine keeps one exclusive connection to it with a plain "
    "journal instead of WAL: start only one server on this folder, expect slower writes, and prefer a local disk."
)

_OTHER_PROCESS = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], uri=True, timeout=0, isolation_level=None)
try:
    other.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as err:
    sys.exit(3 if "locked" in str(err) else 4)
"""


def database_file(url: URL) -> Path:
    """The file of an SQLite address. Raises StoreError for a database in memory, which would not outlive a call."""
    if not url.database or url.database == ":memory:":
        raise StoreError("The database address names no file.", hint="Use sqlite:///folder/vitrine.db.")
    return Path(url.database)


def locks_work(folder: Path, vfs: str = "") -> bool:
    """Whether file locks and WAL work in `folder`, found out by trying; leaves nothing behind.

    The second connection is in another process on purpose: within one process SQLite keeps its own books, so that two
    connections exclude each other even where the file system's locks do nothing.
    vfs: SQLite's file layer; 'unix-none' has no locks, which is how the tests see this function say no.
    """
    path = folder / f".lock-test-{new_id()}.db"
    address = f"{path.absolute().as_uri()}?vfs={vfs}" if vfs else path.absolute().as_uri()
    try:
        first = sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)
        try:
            first.execute("CREATE TABLE probe (x INTEGER)")
            first.execute("BEGIN IMMEDIATE")
            refused = _refused_elsewhere(address)
            first.execute("COMMIT")
            return refused and first.execute("PRAGMA journal_mode=WAL").fetchone()[0] == "wal"
        finally:
            first.close()
    except (sqlite3.Error, OSError, subprocess.TimeoutExpired):
        return False
    finally:
        for leftover in folder.glob(f"{path.name}*"):
            leftover.unlink(missing_ok=True)


def _refused_elsewhere(address: str) -> bool:
    command = [sys.executable, "-I", "-S", "-c", _OTHER_PROCESS, address]
    return subprocess.run(command, check=False, timeout=PROBE_SECONDS).returncode == 3


def open_engine(url: URL, as_json: Callable[[Any], str], *, exclusive: bool) -> Engine:
    """An engine whose connections have our pragmas and whose writing transactions start with BEGIN IMMEDIATE.

    as_json: how JSON columns are written.
    exclusive: one connection that holds the file's lock as long as it lives; calls then wait for one another.
    """
    pool: dict[str, int] = {"pool_size": 1, "max_overflow": 0} if exclusive else {"pool_size": 16, "max_overflow": 48}
    engine = create_engine(url, json_serializer=as_json, pool_timeout=30, **pool)

    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # or the driver begins transactions at moments of its own choosing
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        if exclusive:
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA foreign_keys=ON")
        # NORMAL cannot corrupt a WAL database; a rollback journal needs FULL for the same promise.
        connection.execute(f"PRAGMA synchronous={'FULL' if exclusive else 'NORMAL'}")

    def began(connection: Any) -> None:
        # A transaction that reads first and writes later can be refused at once, whatever the busy timeout.
        writes = connection.get_execution_options().get(WRITE)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", began)
    return engine


def set_journal(engine: Engine, *, exclusive: bool) -> None:
    """Choose the journal; it is written into the file, so only after the schema was found to be ours."""
    wanted = "delete" if exclusive else "wal"
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        found = cursor.execute(f"PRAGMA journal_mode={wanted}").fetchone()[0]
        cursor.close()
    finally:
        connection.close()
    if found != wanted:
        raise StoreError(
            f"The database cannot use its journal (wanted {wanted}, got {found}).",
            hint="Stop other programs that use this database, or move it to a local disk.",
        )

"""The store: one object with a room for visitors, artifacts, runs and sessions, over one database and one folder.

Thread-safe. Every call is one short transaction; nothing is held between calls.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self

from backends.core.errors import StoreError
from backends.core.limits import Limits
from backends.store import sqlite
from backends.store.access import Clock, Parts
from backends.store.adopting import Adopted, adopt
from backends.store.artifacts import Artifacts
from backends.store.collecting import collect
from backends.store.database import Database, open_engine, parse_url
from backends.store.files import Files
from backends.store.migrate import upgrade
from backends.store.runs import Runs
from backends.store.sessions import Sessions
from backends.store.tables import HeartbeatRow
from backends.store.values import Collected, Session, utc_now
from backends.store.visitors import Visitors


class Store:
    """Visitors, artifacts, runs and sessions.

    notice: empty, or a sentence for the operator that says what is done where file locks do not work.
    """

    def __init__(self, parts: Parts, notice: str = "") -> None:
        self._parts = parts
        self.notice = notice
        self.visitors = Visitors(parts)
        self.artifacts = Artifacts(parts)
        self.runs = Runs(parts)
        self.sessions = Sessions(parts)

    @classmethod
    def open(
        cls,
        url: str,
        folder: Path,
        limits: Limits,
        clock: Clock = utc_now,
        locks_work: Callable[[Path], bool] = sqlite.locks_work,
    ) -> Self:
        """Open the database at `url`, migrated to this version, with artifacts in `folder`; both are made if missing.

        Raises NewerSchema when a newer Vitrine wrote it (nothing is changed then), StoreError, Busy when another
        program holds it.
        """
        address = parse_url(url)
        exclusive, on_sqlite = False, address.get_backend_name() == "sqlite"
        if on_sqlite:
            home = sqlite.database_file(address).absolute().parent
            _make(home)
            exclusive = not locks_work(home)
        database = Database(open_engine(address, exclusive=exclusive))
        try:
            upgrade(database)
            if on_sqlite:
                sqlite.set_journal(database.engine, exclusive=exclusive)
            return cls(Parts(database, Files(folder), limits, clock), sqlite.NOTICE if exclusive else "")
        except BaseException:
            database.close()
            raise

    def close(self) -> None:
        """Let the running write end, then close the connections. What is in the store stays."""
        self._parts.database.close()

    def usage(self, visitor: str) -> int:
        """How many bytes the visitor keeps; what they keep twice counts once."""
        return self.artifacts.usage(visitor)

    def adopt(self, visitor: str, brought: Adopted) -> Session:
        """Keep a session from elsewhere as the visitor's own; see adopting.py. Raises QuotaExceeded, StoreError."""
        return adopt(self._parts, visitor, brought)

    def check(self) -> None:
        """Write a row and a file, and read the row back. Raises StoreError or Busy when that does not work."""
        with self._parts.database.write() as session:
            beat = self._parts.clock()  # taken in our turn, so that a check that overtakes us only writes a later one
            session.merge(HeartbeatRow(id=1, beat=beat))
        with self._parts.database.read() as session:
            row = session.get(HeartbeatRow, 1)
        if row is None or row.beat < beat:
            raise StoreError("The database lost what was just written.", hint="Check its disk.")
        self._parts.files.probe()

    def collect(self, now: datetime | None = None) -> Collected:
        """Remove what has expired or was deleted some time ago, visitors who keep nothing, and unreferenced artifacts.

        Safe while others write; artifacts younger than ten minutes are left alone. now: the store's clock if not given.
        """
        return collect(self._parts, now or self._parts.clock())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise StoreError("The folder of the database cannot be made.", hint="Check its permissions.") from err

"""Transactions: short ones, one per call of the store. Readers never wait; writers take turns.

Lock order: the write lock first, then the database. Nothing may read or write inside another's block.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from backends.core.digest import canonical_json
from backends.core.errors import Busy, StoreError
from backends.store import sqlite

TURN_SECONDS = 30.0  # longer than any write of ours takes; who waits longer is told that the store is busy


class Database:
    """The engine and its two kinds of transaction. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._writer = engine.execution_options(**{sqlite.WRITE: True})
        self._turn = threading.Lock()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one moment of the database. Raises Busy or StoreError."""
        with _typed_errors(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits when the block ends and leaves no trace when it raises. Raises Busy or StoreError."""
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise Busy("The store is busy.", retry_after=5.0)
        try:
            with _typed_errors(), Session(self._writer, expire_on_commit=False) as session, session.begin():
                yield session
        finally:
            self._turn.release()

    def close(self) -> None:
        """Let the running write end, then close the connections."""
        with self._turn:
            self.engine.dispose()


def parse_url(url: str) -> URL:
    """The database address. Raises StoreError with a sentence that does not repeat it (it may hold a password)."""
    try:
        return make_url(url)
    except ArgumentError as err:
        raise StoreError("The database address cannot be read.", hint="Use sqlite:///folder/vitrine.db.") from err


def open_engine(url: URL, *, exclusive: bool) -> Engine:
    """The engine for any database. Raises StoreError when its driver is not installed."""
    if url.get_backend_name() == "sqlite":
        return sqlite.open_engine(url, _as_json, exclusive=exclusive)
    try:
        return create_engine(url, json_serializer=_as_json, pool_size=16, max_overflow=48, pool_pre_ping=True)
    except (NoSuchModuleError, ModuleNotFoundError) as err:
        raise StoreError(
            f"The driver for {url.get_backend_name()} is not installed.", hint="Install it, or use SQLite."
        ) from err


def _as_json(value: Any) -> str:
    return canonical_json(value).decode()


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except PoolTimeout as err:
        raise Busy("The store is busy.", retry_after=5.0) from err
    except DBAPIError as err:
        if "locked" in str(err.orig):
            raise Busy("Another program is using the database.", retry_after=5.0) from err
        raise StoreError("The database did not answer as it should.", hint="See the server's log.") from err

"""The one SQLite engine for rows: pragmas, transactions, threads. Knows no table.

Rows are read and written in threads; a cancelled caller never cuts a transaction in half. WAL and FULL make a commit
survive power loss; secure_delete overwrites what is deleted.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from storage.errors import DatabaseFailed

T = TypeVar("T")

BUSY_TIMEOUT_MS = 10_000
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}",
)


class Database:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._engine = create_engine(f"sqlite:///{path}", pool_size=4, max_overflow=8, pool_timeout=30)
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        self._reading: Engine = self._engine.execution_options(onrecord_reading=True)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """One snapshot. Raises DatabaseFailed."""
        return await asyncio.to_thread(self.read_now, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Durable on return, or nothing of it is there. Raises DatabaseFailed."""
        return await asyncio.to_thread(self.write_now, work)

    def read_now(self, work: Callable[[Connection], T]) -> T:
        return _translated(self._reading, work)

    def write_now(self, work: Callable[[Connection], T]) -> T:
        return _translated(self._engine, work)

    def close(self) -> None:
        self._engine.dispose()


def connect_raw(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A bare connection under the same pragmas, in autocommit: the caller begins and commits."""
    if read_only:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    else:
        connection = sqlite3.connect(path, check_same_thread=False)
        for pragma in PRAGMAS:
            connection.execute(pragma)
    connection.isolation_level = None
    return connection


def _translated(engine: Engine, work: Callable[[Connection], T]) -> T:
    try:
        with engine.begin() as connection:
            return work(connection)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.IntegrityError):
            raise
        raise DatabaseFailed(
            f"couldn't use the database ({error.orig}); free disk space, check the disk and try again"
        ) from error


def _prepare(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # SQLAlchemy begins; pysqlite must not
    for pragma in PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    reading = connection.get_execution_options().get("onrecord_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

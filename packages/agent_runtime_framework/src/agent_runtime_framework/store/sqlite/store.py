"""`Store` on SQLite: units run in the writer's thread, or on a connection that reads."""

from __future__ import annotations

import asyncio
import sqlite3
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from agent_runtime_framework.store.sql.store import SQLStore
from agent_runtime_framework.store.sql.unit import Ask, Row, Unit
from agent_runtime_framework.store.sqlite.database import Database

T = TypeVar("T")


class SQLiteStore(SQLStore):
    """Conversations in one SQLite file, which several processes may use at once.

    Args:
        path: The file; it is created at first use, its directory is not. `:memory:` keeps everything in this process.
        busy_timeout: Seconds to wait for another program that holds the file locked.
        clock: Tells the time of turns.
        read_only: Change nothing, not even the tables; what would have to be changed first is refused.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        busy_timeout: float = 5.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        read_only: bool = False,
    ) -> None:
        super().__init__(clock)
        self._database = Database(str(path), busy_timeout, is_read_only=read_only)
        # At the latest when the interpreter ends: what is queued is still committed, and no thread is left hanging.
        self._finalizer = weakref.finalize(self, self._database.close)

    def __repr__(self) -> str:
        return f"SQLiteStore({self._database.path!r})"

    async def _write(self, unit: Callable[[], Unit[T]], *, again: Callable[[], Unit[T]] | None = None) -> T:
        return await self._database.write(lambda connection: _run(connection, unit()))

    async def _read(self, unit: Callable[[], Unit[T]], *, is_large: bool = False, is_snapshot: bool = False) -> T:
        run = _run_on_snapshot if is_snapshot else _run
        return await self._database.read(lambda connection: run(connection, unit()), is_large=is_large)

    async def aclose(self) -> None:
        if self._database.is_open:
            await asyncio.to_thread(self._database.close)


def _run(connection: sqlite3.Connection, unit: Unit[T]) -> T:
    execute, rows = connection.execute, list[Row]()
    try:
        query = next(unit)
        while True:
            if type(query) is Ask:
                rows = execute(query.text, query.values).fetchall()
            else:
                connection.executemany(query.text, query[1])
            query = unit.send(rows)
    except StopIteration as end:
        return end.value


def _run_on_snapshot(connection: sqlite3.Connection, unit: Unit[T]) -> T:
    connection.execute("SAVEPOINT snapshot")
    try:
        return _run(connection, unit)
    finally:
        connection.execute("RELEASE snapshot")

"""What a durable turn writes, written down while it does, and written again by the bare driver."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agent_runtime_framework.store.sql.unit import Ask, Unit
from agent_runtime_framework.store.sqlite import SQLiteStore

WRITES = ("INSERT", "UPDATE", "DELETE")


class Write(NamedTuple):
    """A statement that changes rows, with the values of each time that it is run."""

    text: str
    rows: Sequence[Sequence[Any]]


class Recording(SQLiteStore):
    """Writes down what changes, transaction by transaction.

    Attributes:
        transactions: What each of them changed.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.transactions: list[list[Write]] = []

    async def _write(self, unit: Callable[[], Unit[Any]], *, again: Callable[[], Unit[Any]] | None = None) -> Any:
        writes: list[Write] = []
        result = await super()._write(lambda: _noted(unit(), writes), again=again)
        if writes:
            self.transactions.append(writes)
        return result


def _noted(unit: Unit[Any], writes: list[Write]) -> Generator[Any, Any, Any]:
    try:
        query = next(unit)
        while True:
            if query.text.lstrip().startswith(WRITES):
                writes.append(Write(query.text, [query.values] if isinstance(query, Ask) else query.rows))
            query = unit.send((yield query))
    except StopIteration as end:
        return end.value


def tables(path: Path) -> sqlite3.Connection:
    """A connection to a file with the store's tables and nothing in them, as durable as the store's own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def write_again(connection: sqlite3.Connection, transactions: Sequence[Sequence[Write]]) -> None:
    """Make the same changes in as many transactions."""
    for transaction in transactions:
        connection.execute("BEGIN IMMEDIATE")
        for text, rows in transaction:
            for values in rows:
                connection.execute(text, values).fetchall()
        connection.execute("COMMIT")

"""Brings a database to the tables of this version."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from agent_runtime_framework.errors import StoreTooNew, StoreUnreadable
from agent_runtime_framework.store.sql.unit import too_old

_VERSIONS = (
    "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT"
)


@cache
def migrations() -> tuple[tuple[str, str], ...]:
    """Name and text of every migration, oldest first; the first has number 1."""
    folder = files("agent_runtime_framework.store") / "schema" / "sqlite"
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")), key=lambda each: each.name)
    return tuple((each.name.removesuffix(".sql"), each.read_text(encoding="utf-8")) for each in found)


def is_current(connection: sqlite3.Connection, path: str) -> bool:
    """True if the database has the tables of this version; changes nothing.

    Raises:
        StoreTooNew: A later version of this package wrote the database.
        StoreUnreadable: It holds tables of somebody else under the names that are needed here.
    """
    known = len(migrations())
    return _version(connection, path, known) == known


def require_current(connection: sqlite3.Connection, path: str) -> None:
    """Refuse a database that would have to be changed before it can be read.

    Raises:
        StoreUnreadable: It lacks tables of this version, or holds somebody else's.
        StoreTooNew: A later version of this package wrote it.
    """
    known = len(migrations())
    present = _version(connection, path, known)
    if present != known:
        raise StoreUnreadable(too_old(repr(path), present, known))


def upgrade(connection: sqlite3.Connection, path: str) -> None:
    """Apply the migrations the database does not have yet, all or none.

    Raises:
        StoreTooNew: A later version of this package wrote the database.
        StoreUnreadable: It holds tables of somebody else under the names that are needed here.
    """
    steps = migrations()
    connection.execute("BEGIN IMMEDIATE")
    try:
        # Another process may have been faster; only inside the transaction the number is certain.
        present = _version(connection, path, len(steps))
        if present == 0:
            connection.execute(_VERSIONS)
        for number, (name, text) in enumerate(steps[present:], present + 1):
            for statement in _statements(text):
                connection.execute(statement)
            row = (number, name, datetime.now(UTC).isoformat(timespec="seconds"))
            connection.execute("INSERT INTO schema_version VALUES (?, ?, ?)", row)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _version(connection: sqlite3.Connection, path: str, known: int) -> int:
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('schema_version', 'conversations')"
    present = {name for (name,) in connection.execute(tables)}
    if not present:
        return 0
    if "schema_version" not in present:
        raise StoreUnreadable(
            f"the store {path!r} holds a table 'conversations' that is not ours; give the path of another file"
        )
    version: int = connection.execute("SELECT coalesce(max(version), 0) FROM schema_version").fetchone()[0]
    if version > known:
        raise StoreTooNew(
            f"the store {path!r} has schema version {version}; this version of agent_runtime_framework knows up to "
            f"{known}. Install the version that wrote it, or a later one; nothing was changed"
        )
    return version


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement
            statement = ""

"""Brings a database to the tables of this version."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from importlib.resources import files

from agent_runtime_framework.errors import StoreTooNew, StoreUnreadable
from agent_runtime_framework.store.postgres.driver import Connection, quoted
from agent_runtime_framework.store.sql.unit import too_old

_VERSIONS = """
CREATE TABLE schema_version (version bigint PRIMARY KEY, name text NOT NULL, applied_at text COLLATE "C" NOT NULL);
COMMENT ON TABLE schema_version IS 'One row per migration of these tables that was applied.';
"""

_LOCK = 0x61_67_65_6E_74
"""The number under which everybody waits who wants to change the tables."""


@cache
def migrations() -> tuple[tuple[str, str], ...]:
    """Name and text of every migration, oldest first; the first has number 1."""
    folder = files("agent_runtime_framework.store") / "schema" / "postgres"
    found = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")), key=lambda each: each.name)
    return tuple((each.name.removesuffix(".sql"), each.read_text(encoding="utf-8")) for each in found)


async def bring_up_to_date(
    connection: Connection, shown: str, schema: str | None, *, is_read_only: bool = False
) -> None:
    """Apply the migrations the database does not have yet, all or none.

    Raises:
        StoreTooNew: A later version of this package wrote the database.
        StoreUnreadable: It holds tables of somebody else under the names that are needed here, or is only to be read
            and lacks some.
    """
    steps = migrations()
    async with connection.transaction():
        await _look_into(connection, schema)
        found = await _version(connection, shown, len(steps))
        if found == len(steps):
            return
        if is_read_only:
            raise StoreUnreadable(too_old(shown, found, len(steps)))
        await connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        # Only reading a table makes the session see what others have created since it looked first.
        present = await connection.fetch("SELECT 1 FROM pg_namespace WHERE nspname = $1", schema or "")
        if schema is not None and not present:
            await connection.execute(f"CREATE SCHEMA {quoted(schema)}")
        # Another process may have been faster; only with the lock the number is certain.
        found = await _version(connection, shown, len(steps))
        if found == 0:
            await connection.execute(_VERSIONS)
        for number, (name, text) in enumerate(steps[found:], found + 1):
            await connection.execute(text)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            await connection.execute("INSERT INTO schema_version VALUES ($1, $2, $3)", number, name, now)


async def _look_into(connection: Connection, schema: str | None) -> None:
    if schema is not None:
        await connection.execute(f"SET LOCAL search_path = {quoted(schema)}")


async def _version(connection: Connection, shown: str, known: int) -> int:
    ((is_versioned, is_there),) = await connection.fetch(
        "SELECT to_regclass('schema_version') IS NOT NULL, to_regclass('conversations') IS NOT NULL"
    )
    if not is_versioned and not is_there:
        return 0
    if not is_versioned:
        raise StoreUnreadable(
            f"the store {shown} holds a table 'conversations' that is not ours; name another database, or keep the "
            "tables apart with ?schema=NAME"
        )
    ((version,),) = await connection.fetch("SELECT coalesce(max(version), 0) FROM schema_version")
    if version > known:
        raise StoreTooNew(
            f"the store {shown} has schema version {version}; this version of agent_runtime_framework knows up to "
            f"{known}. Install the version that wrote it, or a later one; nothing was changed"
        )
    return version

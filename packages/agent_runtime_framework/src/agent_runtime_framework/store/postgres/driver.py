"""The one place that imports the driver, and what every connection of ours has in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from agent_runtime_framework.errors import ConfigurationError

try:
    import asyncpg
except ImportError as exc:
    raise ConfigurationError(
        "conversations in PostgreSQL need the driver 'asyncpg', which is not installed; "
        "run: pip install 'agent_runtime_framework[postgres]'"
    ) from exc

_driver: Any = asyncpg  # it has no types

DriverError = asyncpg.PostgresError
"""What the server reports."""

ClientErrors = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What the driver reports by itself; the second after the end of a session while nothing was asked of it."""


class Connection(Protocol):
    """What is used of a connection; the driver has no types of its own."""

    async def execute(self, query: str, *args: object) -> str:
        """Run a statement, or several without arguments; returns what the server says of the last."""
        ...

    async def executemany(self, command: str, args: Sequence[Sequence[object]]) -> None:
        """Run a statement for each of these."""
        ...

    async def fetch(self, query: str, *args: object) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        ...

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """A transaction around a block."""
        ...

    async def add_listener(self, channel: str, callback: Callable[[Any, int, str, str], None]) -> None:
        """Have notifications of a channel."""
        ...

    def add_termination_listener(self, callback: Callable[[Any], None]) -> None:
        """Be told when the connection ends."""
        ...

    def get_server_pid(self) -> int:
        """The number of the session, as it was told when it began."""
        ...

    def is_in_transaction(self) -> bool:
        """True if one was begun and not ended."""
        ...

    def is_closed(self) -> bool:
        """True if it cannot be used any more."""
        ...

    async def close(self, *, timeout: float) -> None:
        """End the session politely."""
        ...

    def terminate(self) -> None:
        """End the session at once."""
        ...


_CONNECT_SECONDS = 10.0

_ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u....|.)", re.DOTALL)
_PAIR = len(r"\ud83d\ude42")


async def connect(dsn: str, *, schema: str | None = None, is_pooled: bool = False) -> Connection:
    """A connection that sends and receives JSON as text.

    Args:
        dsn: Where to, in the driver's form.
        schema: Where the tables are; None for wherever the role looks for them.
        is_pooled: True if a pooler may give each transaction another session, so that nothing of a session is used.
    """
    settings = {"application_name": "agent-runtime"}
    if schema is not None and not is_pooled:
        settings["search_path"] = quoted(schema)
    opened = await _driver.connect(
        dsn,
        timeout=_CONNECT_SECONDS,
        statement_cache_size=0 if is_pooled else 200,
        max_cached_statement_lifetime=0,
        server_settings=settings,
    )
    try:
        # In a transaction, because a pooler might ask two servers otherwise.
        async with opened.transaction():
            await opened.set_type_codec("json", schema="pg_catalog", encoder=_storable, decoder=str)
    except BaseException:
        opened.terminate()
        raise
    return cast("Connection", opened)


async def is_behind_pooler(connection: Connection) -> bool:
    """True if somebody stands between this connection and the server: the session's number is made up then."""
    async with connection.transaction():
        ((backend,),) = await connection.fetch("SELECT pg_backend_pid()")
    return backend != connection.get_server_pid()


async def server_time(connection: Connection) -> datetime:
    """What the server's clock says now."""
    ((now,),) = await connection.fetch("SELECT clock_timestamp()")
    return now.astimezone(UTC)


def quoted(name: str) -> str:
    """A name as SQL."""
    return '"' + name.replace('"', '""') + '"'


def _storable(text: str) -> str:
    r"""JSON without the escapes that PostgreSQL refuses to read later, of NUL and of half a character."""
    return _ESCAPE.sub(_mended, text) if "\\u" in text else text


def _mended(found: re.Match[str]) -> str:
    escape = found[0]
    is_broken = escape[:2] == "\\u" and len(escape) != _PAIR and (escape[2:] == "0000" or escape[2:4] in _HALVES)
    return r"\ufffd" if is_broken else escape


_HALVES = {f"{d}{n}" for d in "dD" for n in "89abcdefABCDEF"}

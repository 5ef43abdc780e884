"""`Store` on PostgreSQL: units run in transactions of a pool's connections."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from agent_runtime_framework.store.postgres.address import Address
from agent_runtime_framework.store.postgres.database import Database
from agent_runtime_framework.store.postgres.signals import PostgresSignals
from agent_runtime_framework.store.sql.store import SQLStore
from agent_runtime_framework.store.sql.unit import Unit

T = TypeVar("T")

MAX_SIZE = 10
"""How many connections a process uses at most, unless it is told."""

PATIENCE = 15.0
"""Seconds for which a server may be away."""


class PostgresStore(SQLStore):
    """Conversations in a PostgreSQL database, which any number of processes may use at once.

    Nothing is opened before the first use. The tables are made, and brought up to date, by whoever comes first.

    Args:
        url: Where it is: `postgresql://user:password@host:5432/database`. `?schema=NAME` keeps the tables in a schema
            of that name, `?pooler=true` says that PgBouncer or the like stands before the server (it is noticed,
            too), `?max_size=20` is as the parameter, and what else there is goes to the driver, such as `sslmode`.
        max_size: How many connections this process may have open.
        patience: Seconds for which a server that restarts, or cannot be reached, is waited for.
        clock: Tells the time of turns and leases; by default the database's, so that all processes agree on it.
        read_only: Change nothing, not even the tables; what would have to be changed first is refused.
    """

    def __init__(
        self,
        url: str,
        *,
        max_size: int | None = None,
        patience: float = PATIENCE,
        clock: Callable[[], datetime] | None = None,
        read_only: bool = False,
    ) -> None:
        address = Address.parse(url)
        self._database = Database(address, max_size or address.max_size or MAX_SIZE, patience, is_read_only=read_only)
        self._is_clock_ours = clock is None
        super().__init__(self._database.clock if clock is None else clock)

    def __repr__(self) -> str:
        return f"PostgresStore({self._database.address.shown!r})"

    async def _write(self, unit: Callable[[], Unit[T]], *, again: Callable[[], Unit[T]] | None = None) -> T:
        return await self._database.write(unit, again)

    async def _read(self, unit: Callable[[], Unit[T]], *, is_large: bool = False, is_snapshot: bool = False) -> T:
        return await self._database.read(unit, is_snapshot=is_snapshot)

    async def _now(self) -> datetime:
        if self._is_clock_ours:
            await self._database.ready()
        return self._clock()

    def signals(self) -> PostgresSignals:
        return PostgresSignals(self._database)

    async def aclose(self) -> None:
        await self._database.aclose()

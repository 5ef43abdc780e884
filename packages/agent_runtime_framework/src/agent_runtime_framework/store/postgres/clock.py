"""The time of a database, so that all its users agree on when a lease runs out."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from agent_runtime_framework.store.postgres.driver import Connection, server_time

_REFRESH_SECONDS = 60.0


class DatabaseClock:
    """Called, tells the database's time: this machine's, and by how much that is wrong."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._measured: float | None = None

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._offset

    @property
    def is_due(self) -> bool:
        """True if it should be measured again."""
        return self._measured is None or time.monotonic() - self._measured > _REFRESH_SECONDS

    async def measure(self, connection: Connection) -> None:
        """Ask the database; what the way takes is divided between there and back."""
        # In a transaction, because a pooler might ask two servers otherwise.
        async with connection.transaction():
            await server_time(connection)
            before = datetime.now(UTC)
            there = await server_time(connection)
            after = datetime.now(UTC)
        self._offset = there - before - (after - before) / 2
        self._measured = time.monotonic()

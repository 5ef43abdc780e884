"""Connections that are kept open between units, for one event loop.

Who asks first is served first; the connection used last is used next, so that those nobody needs become old and are
closed.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from agent_runtime_framework.store.postgres.driver import Connection
from agent_runtime_framework.store.postgres.faults import is_broken, is_failure

IDLE_SECONDS = 300.0
"""After so long without use a connection is closed."""


class Pool:
    """Connections, opened when they are needed.

    Args:
        connect: Opens one.
        max_size: How many may be in use at once.
    """

    def __init__(self, connect: Callable[[], Awaitable[Connection]], max_size: int) -> None:
        self.max_size = max_size
        self._connect = connect
        self._free = asyncio.Semaphore(max_size)
        self._idle: deque[tuple[float, Connection]] = deque()
        self._is_closed = False

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """A connection for one unit; waits while all are in use."""
        async with self._free:
            connection = self._take() or await self._connect()
            try:
                yield connection
            except BaseException as exc:
                # What a cancelled task was doing may still be on its way.
                if isinstance(exc, asyncio.CancelledError) or (is_failure(exc) and is_broken(exc)):
                    connection.terminate()
                raise
            finally:
                self._give_back(connection)

    async def aclose(self) -> None:
        """Close what is idle at once, and the rest when it is given back."""
        self._is_closed = True
        while self._idle:
            await _close(self._idle.pop()[1])

    def terminate(self) -> None:
        """Drop everything, without a word; for a pool whose event loop has ended."""
        self._is_closed = True
        self._idle.clear()

    def _take(self) -> Connection | None:
        while self._idle:
            _, connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _give_back(self, connection: Connection) -> None:
        now = time.monotonic()
        while self._idle and now - self._idle[0][0] > IDLE_SECONDS:
            self._idle.popleft()[1].terminate()
        if connection.is_closed():
            return
        if self._is_closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append((now, connection))


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=2)
    except (OSError, TimeoutError):
        connection.terminate()

"""One PostgreSQL database: units run in transactions, and again when the server was away.

Rules:
    - A connection is taken for one unit and given back after it; none is held while anybody thinks.
    - What passes by itself is waited for, `patience` seconds long: the whole unit is run again.
    - If a commit got no answer, nobody knows whether it was kept. Then the unit is run in the form that recognises its
      own success.
    - A task that is cancelled still waits until its unit is kept or refused.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar, cast
from weakref import WeakKeyDictionary

from agent_runtime_framework.crash_points import reach
from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.store.postgres.address import Address
from agent_runtime_framework.store.postgres.clock import DatabaseClock
from agent_runtime_framework.store.postgres.driver import Connection, connect, is_behind_pooler, quoted
from agent_runtime_framework.store.postgres.faults import explained, is_broken, is_failure, is_passing
from agent_runtime_framework.store.postgres.pool import Pool
from agent_runtime_framework.store.postgres.schema import bring_up_to_date
from agent_runtime_framework.store.postgres.statements import translated
from agent_runtime_framework.store.sql.unit import Ask, Row, Unit

T = TypeVar("T")

logger = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0

_ANSWER_SECONDS = 60.0
"""How long a unit may take; nothing of ours takes as long, so that the connection must be dead."""


@dataclass(slots=True)
class _Link:
    """The way to the database from one event loop."""

    pool: Pool
    is_pooled: bool
    begin: str
    begin_snapshot: str


class _CommitUnanswered(Exception):
    """A commit was sent, and the connection broke before there was an answer."""


class Database:
    """The way to a database: connections are opened when they are needed, and again after `aclose`."""

    def __init__(self, address: Address, max_size: int, patience: float, *, is_read_only: bool = False) -> None:
        self.address = address
        self.clock = DatabaseClock()
        self._max_size = max_size
        self._patience = patience
        self._is_read_only = is_read_only
        self._links: WeakKeyDictionary[asyncio.AbstractEventLoop, _Link] = WeakKeyDictionary()
        self._opening: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    async def write(self, unit: Callable[[], Unit[T]], again: Callable[[], Unit[T]] | None) -> T:
        """Run a unit in a transaction; returns when it is durable.

        Args:
            unit: The unit.
            again: Its form for when it may have been kept already; by default itself.
        """
        if self._is_read_only:
            raise StoreError(f"the store {self.address.shown} was opened to be read only; nothing was changed")
        attempts = _Attempts(self._patience)

        async def run() -> T:
            chosen = again if again is not None and attempts.is_unknown else unit
            link = await self._link()
            async with link.pool.connection() as connection:
                return await self._transact(connection, chosen, link.begin)

        return await _to_its_end(self._patiently(run, attempts), attempts)

    async def read(self, unit: Callable[[], Unit[T]], *, is_snapshot: bool) -> T:
        """Run a unit that only reads."""

        async def run() -> T:
            link = await self._link()
            async with link.pool.connection() as connection:
                if is_snapshot or link.is_pooled:
                    return await self._transact(connection, unit, link.begin_snapshot)
                return await _drive(connection, unit())

        return await self._patiently(run, _Attempts(self._patience))

    async def ready(self) -> None:
        """Be connected, with the database's time known."""
        if asyncio.get_running_loop() not in self._links:
            await self._patiently(self._link, _Attempts(self._patience))

    async def connect(self) -> Connection:
        """A connection of one's own, which the pool knows nothing of."""
        link = await self._link()
        return await connect(self.address.dsn, schema=self.address.schema, is_pooled=link.is_pooled)

    async def aclose(self) -> None:
        """Close the connections of this event loop."""
        link = self._links.pop(asyncio.get_running_loop(), None)
        if link is not None:
            await link.pool.aclose()

    async def _link(self) -> _Link:
        loop = asyncio.get_running_loop()
        link = self._links.get(loop)
        if link is None:
            async with self._opening.setdefault(loop, asyncio.Lock()):
                link = self._links.get(loop)
                if link is None:
                    link = self._links[loop] = await self._open()
        return link

    async def _open(self) -> _Link:
        address = self.address
        first = await connect(address.dsn, is_pooled=True)
        try:
            is_pooled = await is_behind_pooler(first) if address.is_pooled is None else address.is_pooled
            await bring_up_to_date(first, address.shown, address.schema, is_read_only=self._is_read_only)
            await self.clock.measure(first)
        finally:
            with suppress(OSError, TimeoutError):
                await first.close(timeout=2)

        async def another() -> Connection:
            return await connect(address.dsn, schema=address.schema, is_pooled=is_pooled)

        look = ""
        if is_pooled:
            logger.info("%s is behind a pooler: statements are not kept prepared", address.shown)
            look = "" if address.schema is None else f"; SET LOCAL search_path = {quoted(address.schema)}"
        snapshot = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{look}"
        return _Link(Pool(another, self._max_size), is_pooled, f"BEGIN{look}", snapshot)

    async def _transact(self, connection: Connection, unit: Callable[[], Unit[T]], begin: str) -> T:
        if self.clock.is_due:
            await self.clock.measure(connection)
        await connection.execute(begin)
        try:
            result = await _drive(connection, unit())
        except BaseException:
            with suppress(Exception):
                await connection.execute("ROLLBACK")
            raise
        reach("transaction:before")
        try:
            kept = await connection.execute("COMMIT")
        except Exception as exc:
            if is_failure(exc) and is_broken(exc):
                connection.terminate()
                raise _CommitUnanswered from exc
            raise
        if kept != "COMMIT":
            raise StoreError(f"the store {self.address.shown} answered a COMMIT with {kept!r}; nothing was kept")
        reach("transaction:after")
        return result

    async def _patiently(self, attempt: Callable[[], Awaitable[T]], attempts: _Attempts) -> T:
        while True:
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    return await attempt()
            except _CommitUnanswered as exc:
                attempts.is_unknown = True
                failure = cast("Exception", exc.__cause__)
            except Exception as exc:
                if not is_failure(exc):
                    raise
                failure = exc
            if not is_passing(failure) or not await attempts.pause():
                raise explained(failure, self.address.shown, self._patience) from failure


class _Attempts:
    """How long a unit was tried, and what is known of it."""

    def __init__(self, patience: float) -> None:
        self.is_unknown = False
        self.is_abandoned = False
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + patience
        self._pause = _FIRST_PAUSE

    async def pause(self) -> bool:
        """Wait before the next attempt; False if there shall be none."""
        pause = self._pause * random.uniform(0.7, 1.0)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        if self.is_abandoned or self._loop.time() + pause > self._deadline:
            return False
        await asyncio.sleep(pause)
        return True


async def _drive(connection: Connection, unit: Unit[T]) -> T:
    rows: list[Row] = []
    try:
        query = next(unit)
        while True:
            if type(query) is Ask:
                rows = await connection.fetch(translated(query.text), *query.values)
            elif query[1]:
                await connection.executemany(translated(query.text), query[1])
            query = unit.send(rows)
    except StopIteration as end:
        return end.value
    finally:
        unit.close()


async def _to_its_end(work: Coroutine[Any, Any, T], attempts: _Attempts) -> T:
    """Wait for work that a cancelled caller must not leave half done."""
    loop = asyncio.get_running_loop()
    task, ended = loop.create_task(work), loop.create_future()

    def tell(_: object) -> None:
        if not ended.done():
            ended.set_result(None)

    # What is waited for is not the task, which would be cancelled with whoever waits.
    task.add_done_callback(tell)
    try:
        await ended
    except asyncio.CancelledError:
        attempts.is_abandoned = True
        if not task.done():
            await asyncio.wait({task})
        if not task.cancelled():
            # Looked at, or the loop would complain of an exception nobody saw.
            task.exception()
        raise
    return task.result()

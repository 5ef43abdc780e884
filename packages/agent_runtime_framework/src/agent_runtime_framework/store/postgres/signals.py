"""Signals through `LISTEN` and `NOTIFY`, on a connection of their own.

Rules:
    - A payload holds at most 8,000 bytes, so that texts are told together where they fit, and in parts where not.
    - Behind a pooler that gives every transaction another session nothing can be heard. It is tried out, and said.
    - A connection that broke is made again; what was told meanwhile is lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2s
from uuid import uuid4

from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.store.postgres.database import Database
from agent_runtime_framework.store.postgres.driver import Connection
from agent_runtime_framework.store.postgres.faults import is_failure
from agent_runtime_framework.store.signals import Signals

logger = logging.getLogger(__name__)

BATCH_SECONDS = 0.07
"""For how long what can wait is held back."""

MOST_BYTES = 7_800
"""How much a payload holds, beside its head."""

MOST_PARTS = 64
"""What takes more parts is not told."""

_TRY_SECONDS = 2.0
_LONGEST_PAUSE = 5.0
_PING = "ping"


class PostgresSignals(Signals):
    """Signals among the processes whose tables are the same."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._me = uuid4().hex[:12]
        self._channel = ""
        self._connection: Connection | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None
        self._unsaid: list[str] = []
        self._is_urgent = asyncio.Event()
        self._number = 0
        self._parts: dict[tuple[str, int], list[str]] = {}
        self._is_heard = asyncio.Event()
        self._is_warned = False
        self._is_closing = False
        self._heard: Callable[[str], None] = _ignore

    async def start(self, heard: Callable[[str], None], connected: Callable[[], None]) -> None:
        self._heard, self._is_closing = heard, False
        self._keeping = asyncio.ensure_future(self._keep_connected(connected))

    def tell(self, text: str, *, can_wait: bool = False) -> None:
        if self._connection is None:
            return
        self._unsaid.append(text)
        if not can_wait:
            self._is_urgent.set()
        if self._telling is None or self._telling.done():
            self._telling = asyncio.ensure_future(self._tell_all())

    async def aclose(self) -> None:
        self._is_closing = True
        self._is_urgent.set()
        if self._telling is not None:
            with suppress(asyncio.CancelledError):
                await asyncio.wait({self._telling}, timeout=_TRY_SECONDS)
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._disconnect()

    async def _keep_connected(self, connected: Callable[[], None]) -> None:
        pause = 0.1
        while not self._is_closing:
            ended = asyncio.Event()
            try:
                can_hear = await self._connect(ended)
            except Exception as exc:
                if not isinstance(exc, StoreError) and not is_failure(exc):
                    raise
                if self._is_closing:
                    # The driver tells of a connection that was ended where it should tell that the task was.
                    return
                shown, why = self._database.address.shown, f"{type(exc).__name__}: {exc}".rstrip(": ")
                logger.warning("%s cannot be listened to now (%s); it is tried again", shown, why)
                await self._disconnect()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = 0.1
            if can_hear:
                connected()
            elif not self._is_warned:
                self._is_warned = True
                logger.warning(
                    "%s cannot be listened to, because a pooler stands before it; other processes are heard of only "
                    "when it is looked for them. Name the server itself, or a port of the pooler in session mode, to "
                    "hear of them at once",
                    self._database.address.shown,
                )
            await ended.wait()
            await self._disconnect()

    async def _connect(self, ended: asyncio.Event) -> bool:
        connection = await self._database.connect()
        self._is_heard.clear()
        try:
            async with connection.transaction():
                ((schema,),) = await connection.fetch("SELECT current_schema()")
            place = f"{self._database.address.schema or schema}"
            self._channel = f"agent_runtime_{blake2s(place.encode(), digest_size=6).hexdigest()}"
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(self._channel, self._take)
            self._connection = connection
            await self._notify(connection, f"{self._me} {_PING}")
            with suppress(TimeoutError):
                async with asyncio.timeout(_TRY_SECONDS):
                    await self._is_heard.wait()
        except BaseException:
            connection.terminate()
            raise
        return self._is_heard.is_set()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._parts.clear()
        if connection is not None:
            with suppress(OSError, TimeoutError):
                await connection.close(timeout=1)

    async def _tell_all(self) -> None:
        while self._unsaid:
            with suppress(TimeoutError):
                async with asyncio.timeout(BATCH_SECONDS):
                    await self._is_urgent.wait()
            self._is_urgent.clear()
            unsaid, self._unsaid = self._unsaid, []
            connection = self._connection
            if connection is None:
                return
            try:
                for payload in self._payloads(unsaid):
                    await self._notify(connection, payload)
            except Exception as exc:
                if not is_failure(exc):
                    raise
                # It is only sooner or later; the connection is made again by whoever keeps it.
                logger.debug("signals were lost", exc_info=True)
                connection.terminate()

    async def _notify(self, connection: Connection, payload: str) -> None:
        async with connection.transaction():
            await connection.fetch("SELECT pg_notify($1, $2)", self._channel, payload)

    def _payloads(self, texts: list[str]) -> list[str]:
        """The fewest payloads that hold the texts, in order: a head of sender, number, part and parts; then lines."""
        payloads: list[str] = []
        batch: list[str] = []
        for text in [*texts, None]:
            if text is not None and sum(map(len, batch)) + len(batch) + len(text) <= MOST_BYTES:
                batch.append(text)
                continue
            if batch:
                payloads += self._numbered(["\n".join(batch)])
            batch = []
            if text is not None and len(text) > MOST_BYTES:
                parts = [text[at : at + MOST_BYTES] for at in range(0, len(text), MOST_BYTES)]
                payloads += self._numbered(parts) if len(parts) <= MOST_PARTS else []
            elif text is not None:
                batch = [text]
        return payloads

    def _numbered(self, parts: list[str]) -> list[str]:
        self._number += 1
        return [f"{self._me} {self._number} {at} {len(parts)}\n{part}" for at, part in enumerate(parts)]

    def _take(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        head, _, text = payload.partition("\n")
        sender, *numbers = head.split(" ")
        if sender == self._me:
            self._is_heard.set()
            return
        if len(numbers) != 3:
            return
        number, at, count = map(int, numbers)
        if count > 1:
            parts = self._parts.setdefault((sender, number), [])
            parts.append(text)
            if len(parts) <= at or at + 1 < count:
                return
            text = "".join(self._parts.pop((sender, number)))
        for line in text.split("\n"):
            self._heard(line)


def _ignore(_text: str) -> None:
    pass

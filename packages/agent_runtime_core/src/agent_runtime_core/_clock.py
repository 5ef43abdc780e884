"""A clock for tests that stands still until it is told to go."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")

_ROUNDS_TO_SETTLE = 30


class ManualClock:
    """Time that passes at once: hand `monotonic` and `sleep` to what waits, and `run` what uses it.

    It knows nothing of threads and sockets: what waits for these is not waited for.

    Args:
        start: What the clock on the wall shows first.
    """

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._time = 0.0
        self._wall = start
        self._order = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._time

    def now(self) -> datetime:
        """What the clock on the wall shows."""
        return self._wall + timedelta(seconds=self._time)

    def set_forward(self, time: timedelta) -> None:
        """Set the clock on the wall, forwards or, with a negative time, back; nobody who sleeps wakes for that."""
        self._wall += time

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved on so far."""
        sleeper = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._time + seconds, next(self._order), sleeper))
        await sleeper

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`; whenever everybody waits, time jumps to whoever wakes first."""
        task = asyncio.ensure_future(work)
        try:
            await _settle()
            while not task.done() and self._sleepers:
                await self.advance(max(0.0, self._sleepers[0][0] - self._time))
            return await task
        finally:
            task.cancel()

    async def advance(self, seconds: float) -> None:
        """Let so much time pass, waking every sleeper in its turn."""
        end = self._time + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            wakes, _, sleeper = heapq.heappop(self._sleepers)
            if sleeper.done():
                # It was cancelled; nobody waits for that moment any more.
                continue
            self._time = wakes
            sleeper.set_result(None)
            await _settle()
        self._time = max(self._time, end)


async def _settle() -> None:
    for _ in range(_ROUNDS_TO_SETTLE):
        await asyncio.sleep(0)

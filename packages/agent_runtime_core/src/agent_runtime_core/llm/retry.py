"""The one place where a model request is sent again.

Rules of the room:
- The vendors' SDKs retry nothing; what is counted here is what goes over the wire.
- Only errors that say `is_retryable` are tried again, after what the provider asked for (`retry_after`) or a backoff
  with full jitter, whichever is longer.
- No attempt begins that could not begin before the policy's window or the turn's deadline ends: the error is raised at
  once instead of after a wait that cannot help.
- Once a piece of a stream was handed out, the stream is not begun again, unless the caller said that it can take a
  piece back: then a chunk with `reset` goes first.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from agent_runtime_core.config import get_config
from agent_runtime_core.errors import ProviderError, ProviderUnavailable
from agent_runtime_core.interfaces import LLMStreamChunk
from agent_runtime_core.llm.deadline import time_left

logger = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, and for how long, a request is tried.

    Attributes:
        attempts: Requests at most, the first included; 1 turns retries off.
        base: Seconds of the first backoff, at most; it doubles each time.
        cap: Seconds of the longest backoff.
        window: No retry begins later than this many seconds after the first attempt.
    """

    attempts: int = 6
    base: float = 0.5
    cap: float = 8.0
    window: float = 60.0

    @classmethod
    def configured(cls) -> RetryPolicy:
        """The default, with the number of attempts that the configuration sets, where it does."""
        config = get_config()
        return cls(attempts=config.max_retries + 1) if config.is_set("max_retries") else cls()

    def backoff(self, attempt: int, chance: float) -> float:
        """Seconds to wait after the failed `attempt` (from 1), for a `chance` between 0 and 1."""
        return min(self.cap, self.base * 2 ** (attempt - 1)) * chance


NO_RETRY = RetryPolicy(attempts=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """Where time and chance come from; tests bring their own.

    Attributes:
        now: A clock that never goes back, in seconds.
        sleep: Waits that many seconds.
        chance: A number between 0 and 1.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random


class Attempts:
    """Carries out requests by a policy, at most `limit` at a time."""

    def __init__(self, policy: RetryPolicy, pacing: Pacing, limit: int | None) -> None:
        self._policy = policy
        self._pacing = pacing
        self._limit = limit
        self._slots: asyncio.Semaphore | None = None
        self._slots_loop: asyncio.AbstractEventLoop | None = None

    async def call(self, send: Callable[[], Awaitable[T]]) -> T:
        """The result of the first attempt that succeeds."""
        began, attempt = self._pacing.now(), 1
        while True:
            try:
                async with self._slot():
                    return await self._within_deadline(send())
            except ProviderError as error:
                await self._pacing.sleep(self._wait(error, attempt, began))
                attempt += 1

    async def stream(
        self, begin: Callable[[], AsyncGenerator[LLMStreamChunk, None]], *, may_reset: bool
    ) -> AsyncGenerator[LLMStreamChunk, None]:
        """The pieces of the first attempt that comes to its end."""
        began, attempt = self._pacing.now(), 1
        while True:
            shown = False
            try:
                async with self._slot(), aclosing(begin()) as pieces:
                    async for piece in self._in_time(pieces):
                        shown = True
                        yield piece
                return
            except ProviderError as error:
                if shown and not may_reset:
                    raise
                wait = self._wait(error, attempt, began)
            if shown:
                yield LLMStreamChunk(reset=True)
            await self._pacing.sleep(wait)
            attempt += 1

    def _wait(self, error: ProviderError, attempt: int, began: float) -> float:
        """Seconds until the next attempt; raises `error` if there is to be none."""
        now = self._pacing.now()
        wait = max(error.retry_after or 0.0, self._policy.backoff(attempt, self._pacing.chance()))
        left = self._policy.window - (now - began)
        turn = time_left(now)
        if turn is not None:
            left = min(left, turn)
        if not error.is_retryable or attempt >= self._policy.attempts or wait > left:
            if attempt > 1:
                error.add_note(f"attempt {attempt} of {self._policy.attempts}, {now - began:.1f} s after the first")
            raise error
        logger.warning(
            "%s; trying again in %.1f s (attempt %d of %d)", type(error).__name__, wait, attempt + 1,
            self._policy.attempts, extra={"provider": error.provider, "status": error.status},
        )  # fmt: skip
        return wait

    def _in_time(self, pieces: AsyncGenerator[LLMStreamChunk, None]) -> AsyncGenerator[LLMStreamChunk, None]:
        # Every layer costs each piece a little; without a deadline there is none.
        return pieces if time_left(self._pacing.now()) is None else self._until_deadline(pieces)

    async def _until_deadline(
        self, pieces: AsyncGenerator[LLMStreamChunk, None]
    ) -> AsyncGenerator[LLMStreamChunk, None]:
        while (piece := await self._within_deadline(anext(pieces, None))) is not None:
            yield piece

    async def _within_deadline(self, awaitable: Awaitable[T]) -> T:
        left = time_left(self._pacing.now())
        if left is None:
            return await awaitable
        deadline = asyncio.timeout(left)
        try:
            async with deadline:
                return await awaitable
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise _too_late() from error

    @asynccontextmanager
    async def _slot(self) -> AsyncGenerator[None, None]:
        if self._limit is None:
            yield
            return
        slots = self._semaphore(self._limit)
        await self._within_deadline(slots.acquire())
        try:
            yield
        finally:
            slots.release()

    def _semaphore(self, limit: int) -> asyncio.Semaphore:
        # One client may serve several loops in turn (`chat_sync` runs one per call); a semaphore belongs to one.
        loop = asyncio.get_running_loop()
        if self._slots is None or self._slots_loop is not loop:
            self._slots, self._slots_loop = asyncio.Semaphore(limit), loop
        return self._slots


def _too_late() -> ProviderError:
    error = ProviderUnavailable(
        "the turn's deadline passed before the model answered; allow more time or a faster model"
    )
    error.is_retryable = False
    return error

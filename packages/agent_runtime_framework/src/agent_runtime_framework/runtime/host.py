"""Where turns run: a host wakes them up, and the store alone decides what is right."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from agent_runtime_framework.errors import ConfigurationError, StoreError
from agent_runtime_framework.runtime.owner import is_gone
from agent_runtime_framework.runtime.timers import POLL_SECONDS
from agent_runtime_framework.runtime.worker import Worker
from agent_runtime_framework.store.delivery import Claim, DurableStore, Ending

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 5.0
"""How often a host looks for what nobody is at."""


class Host(Protocol):
    """Decides where and when turns run; knows ids only."""

    @property
    def load(self) -> float:
        """How much of what can run here at once does: at 1 nothing new begins; infinite where nothing is run."""
        ...

    async def start(self, worker: Worker, store: DurableStore) -> None:
        """Begin to run turns, first those that were left."""
        ...

    def deliver(self, conversation_id: str, claim: Claim | None = None) -> None:
        """There is something to do in a conversation; `claim` is its turn, if it is claimed already."""
        ...

    def stop(self, conversation_id: str, turn: int, ending: Ending) -> None:
        """End this turn of a conversation as that, if it is running here."""
        ...

    def is_at(self, conversation_id: str) -> bool:
        """True if the conversation's turns are being run here."""
        ...

    def look_around(self) -> None:
        """There may be something to do that was not heard of; look for it soon."""
        ...

    def schedule(self, conversation_id: str, timer_id: str, due_at: str) -> None:
        """Something is due in a conversation at that time, ISO 8601 in UTC; the store has it already."""
        ...

    def unschedule(self, conversation_id: str, timer_id: str) -> None:
        """That is not due any more."""
        ...

    async def aclose(self) -> None:
        """End; what is unfinished is given back."""
        ...


class LocalHost:
    """Runs turns in this process: one task for each conversation that has something to do, none for the others.

    Args:
        concurrency: How many conversations may be run at once; what is more is left to other processes, or waits.
        sweep: Seconds between two looks at what nobody is at.
        poll: Seconds between two looks at what is due.
        grace: Seconds that running turns get to end when the host is closed.
        sleep: Waits; by default as `asyncio.sleep`.
    """

    def __init__(
        self,
        *,
        concurrency: int | None = None,
        sweep: float = SWEEP_SECONDS,
        poll: float = POLL_SECONDS,
        grace: float = 5.0,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        if concurrency is not None and concurrency < 1:
            raise ConfigurationError(f"concurrency={concurrency!r} is not possible; expected 1 or more, or None")
        self._concurrency = concurrency
        self._sweep_seconds = sweep
        self._poll_seconds = poll
        self._grace = grace
        self._sleep = sleep
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._handed: dict[str, Claim] = {}
        self._again: set[str] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._looking: asyncio.Task[None] | None = None
        self._has_left_out = False
        self._is_closing = False

    @property
    def load(self) -> float:
        return len(self._busy) / self._concurrency if self._concurrency else 0.0

    async def start(self, worker: Worker, store: DurableStore) -> None:
        self._worker, self._store = worker, store
        self._is_closing = False
        await self.sweep()
        keepers = (self._sweep_for_ever(), self._renew_for_ever(), self._fire_for_ever())
        self._keepers = [asyncio.ensure_future(each) for each in keepers]

    def deliver(self, conversation_id: str, claim: Claim | None = None) -> None:
        self._deliver(conversation_id, claim)

    def stop(self, conversation_id: str, turn: int, ending: Ending) -> None:
        if conversation_id in self._busy:
            self._worker.stop(conversation_id, turn, ending)

    def schedule(self, conversation_id: str, timer_id: str, due_at: str) -> None:
        """Nothing to be done: what is due is looked for, whoever has set it."""

    def unschedule(self, conversation_id: str, timer_id: str) -> None:
        """Nothing to be done."""

    def is_at(self, conversation_id: str) -> bool:
        return conversation_id in self._busy

    async def aclose(self) -> None:
        self._is_closing = True
        keepers = self._keepers if self._looking is None else [*self._keepers, self._looking]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        busy = set(self._busy.values())
        if busy:
            _, late = await asyncio.wait(busy, timeout=self._grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*busy, return_exceptions=True)

    async def sweep(self) -> None:
        """Take up what nobody is at: messages that wait, and turns whose owner is gone."""
        found = await self._store.stranded()
        if self._concurrency is not None:
            # Others look at the same moment; they shall not all begin with the same.
            random.shuffle(found)
        for conversation_id, owner in found:
            if owner is None or is_gone(owner):
                self._deliver(conversation_id, None, owner)
        await self._worker.tidy()

    def look_around(self) -> None:
        if not self._is_closing and (self._looking is None or self._looking.done()):
            self._looking = asyncio.ensure_future(self._sweep_once())

    async def _sweep_once(self) -> None:
        with suppress(StoreError):
            await self.sweep()

    async def fire(self) -> None:
        """Take up what is due by now; one who has enough to do leaves it to others."""
        while self.load < 1 and (found := await self._store.fire()):
            for conversation_id, _ in found:
                self._deliver(conversation_id, None)

    def _deliver(self, conversation_id: str, claim: Claim | None, gone: str | None = None) -> None:
        if conversation_id not in self._busy:
            if claim is None and (self._is_closing or self.load >= 1):
                self._has_left_out = True
                return
            task = asyncio.ensure_future(self._work(conversation_id, claim, gone))
            self._busy[conversation_id] = task
        elif claim is not None:
            # The task has finished the turn before, and has not noticed yet that there is a new one.
            self._handed[conversation_id] = claim
        elif gone is None:
            # What there is to do may have come up after the task has looked for the last time.
            self._again.add(conversation_id)

    async def _work(self, conversation_id: str, claim: Claim | None, gone: str | None) -> None:
        try:
            if claim is None:
                # While it was looked, a turn may have been handed in that is claimed already.
                claim = await self._worker.claim(conversation_id, gone) or await self._next(conversation_id)
            while claim is not None:
                claim = await self._worker.run(claim) or await self._next(conversation_id)
                if claim is not None and self._is_closing:
                    await self._store.release(claim)
                    return
        except StoreError:
            logger.exception("a conversation cannot be reached; it is tried again with the next sweep")
        finally:
            self._busy.pop(conversation_id, None)
            self._again.discard(conversation_id)
            if self._has_left_out and self.load < 1:
                self._has_left_out = False
                self.look_around()

    async def _next(self, conversation_id: str) -> Claim | None:
        claim = self._handed.pop(conversation_id, None)
        while claim is None and conversation_id in self._again:
            self._again.discard(conversation_id)
            claim = await self._worker.claim(conversation_id) or self._handed.pop(conversation_id, None)
        return claim

    async def _sweep_for_ever(self) -> None:
        while True:
            await self._sleep(self._sweep_seconds)
            await self._sweep_once()

    async def _fire_for_ever(self) -> None:
        while True:
            try:
                await self.fire()
            except StoreError:
                logger.warning("what is due cannot be looked for; it is tried again", exc_info=True)
            await self._sleep(self._poll_seconds)

    async def _renew_for_ever(self) -> None:
        while True:
            await self._sleep(self._worker.ttl.total_seconds() / 3)
            running = list(self._worker.running.values())
            if not running:
                continue
            try:
                found = await self._store.renew([each.claim for each in running], self._worker.ttl)
            except StoreError:
                logger.warning("leases could not be renewed; it is tried again", exc_info=True)
                continue
            for each, verdict in zip(running, found, strict=True):
                if verdict == "lost":
                    each.lose()
                elif verdict is not None:
                    each.stop(verdict)

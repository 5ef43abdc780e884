"""Who waits for a message's outcome, or watches its turn or its conversation, in this process.

What other processes do is found by looking: one question for all conversations that are watched.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.events import Event, Sink
from agent_runtime_framework.runtime.feed import Feed, Feeds
from agent_runtime_framework.store.delivery import Claim, DurableStore, Outcome

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How often it is looked for turns that other processes have ended."""

Address: TypeAlias = tuple[str, str]
"""conversation_id, message_id"""


class Watchers:
    """Hands events and outcomes to whoever asked for them.

    Args:
        store: Asked what other processes have done.
        sleep: Waits between two looks.

    Attributes:
        feeds: What was told of conversations.
        wanted: Called with each conversation of which somebody wants to hear, now and then.
    """

    def __init__(self, store: DurableStore, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self.feeds = Feeds()
        self.wanted: Callable[[str], None] = lambda _conversation_id: None
        self._store = store
        self._sleep = sleep
        self._looking: asyncio.Task[None] | None = None
        self._waiting: dict[Address, list[asyncio.Future[Outcome]]] = {}
        self._reading: dict[Address, list[asyncio.Queue[Event | None]]] = {}

    @contextmanager
    def waiting(self, address: Address) -> Generator[asyncio.Future[Outcome]]:
        """A future for the outcome of a message whose turn ends here."""
        self.wanted(address[0])
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(address, [])
        waiting.append(future)
        try:
            yield future
        finally:
            waiting.remove(future)
            if not waiting:
                self._waiting.pop(address, None)

    @contextmanager
    def reading(self, address: Address) -> Generator[asyncio.Queue[Event | None]]:
        """The events of a message's turn, as far as it runs here; None is the last."""
        self.wanted(address[0])
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        reading = self._reading.setdefault(address, [])
        reading.append(queue)
        try:
            yield queue
        finally:
            reading.remove(queue)
            if not reading:
                self._reading.pop(address, None)

    @contextmanager
    def watching(self, conversation_id: str) -> Generator[tuple[Feed, asyncio.Event]]:
        """A conversation's feed, and what is set when there is more in it."""
        self.wanted(conversation_id)
        with self.feeds.reading(conversation_id) as reading:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.ensure_future(self._look_for_others())
            yield reading

    def sinks_of(self, claim: Claim, heard: Callable[[], list[JSONObject] | None]) -> Sequence[Sink]:
        """Where the events of a turn go; nowhere if nobody watches as it begins.

        Args:
            claim: The turn.
            heard: Gives what the person said, as it may be shown.
        """
        addresses = [(claim.conversation_id, each) for each in claim.message_ids]
        sinks: list[Sink] = []
        if any(each in self._reading for each in addresses):
            sinks.append(_Fan(self._reading, addresses))
        feed = self.feeds.begin(claim, heard)
        return sinks if feed is None else [*sinks, feed]

    def settled(self, claim: Claim, outcome: Outcome | None) -> None:
        """A turn has ended; without an outcome, it is not run here any more."""
        self.feeds.end(claim, outcome)
        if outcome is None:
            return
        for message_id in claim.message_ids:
            address = (claim.conversation_id, message_id)
            for future in self._waiting.get(address, ()):
                if not future.done():
                    future.set_result(outcome)
            for queue in self._reading.get(address, ()):
                queue.put_nowait(None)

    def refused(self, conversation_id: str, error: Exception) -> None:
        """A conversation is not answered by this process; its messages stay accepted."""
        for (each, _), futures in self._waiting.items():
            if each == conversation_id:
                for future in futures:
                    if not future.done():
                        future.set_exception(error)

    async def aclose(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
            self._looking = None

    async def _look_for_others(self) -> None:
        while watched := self.feeds.watched:
            await self._sleep(LOOK_SECONDS)
            for conversation_id in watched:
                self.wanted(conversation_id)
            try:
                ended = await self._store.ended(list(watched))
            except StoreError:
                logger.warning("it cannot be seen what other processes do; it is tried again", exc_info=True)
                continue
            for conversation_id, turn in ended.items():
                watched[conversation_id].note_ended(turn)


class _Fan:
    """A sink that hands each event to all who read at that moment."""

    def __init__(self, reading: dict[Address, list[asyncio.Queue[Event | None]]], addresses: list[Address]) -> None:
        self._reading = reading
        self._addresses = addresses

    def push(self, event: Event) -> None:
        for address in self._addresses:
            for queue in self._reading.get(address, ()):
                queue.put_nowait(event)

"""Who waits for a message's outcome, or watches its turn, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from agent_runtime_framework.events import Event
from agent_runtime_framework.store.delivery import Claim, Outcome

Address: TypeAlias = tuple[str, str]
"""conversation_id, message_id"""


class Watchers:
    """Hands events and outcomes to whoever asked for them."""

    def __init__(self) -> None:
        self._waiting: dict[Address, list[asyncio.Future[Outcome]]] = {}
        self._reading: dict[Address, list[asyncio.Queue[Event | None]]] = {}

    @contextmanager
    def waiting(self, address: Address) -> Generator[asyncio.Future[Outcome]]:
        """A future for the outcome of a message whose turn ends here."""
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
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        reading = self._reading.setdefault(address, [])
        reading.append(queue)
        try:
            yield queue
        finally:
            reading.remove(queue)
            if not reading:
                self._reading.pop(address, None)

    def sinks_of(self, claim: Claim) -> Sequence[_Fan]:
        """Where the events of a turn go; nowhere if nobody watches as it begins."""
        addresses = [(claim.conversation_id, each) for each in claim.message_ids]
        return [_Fan(self._reading, addresses)] if any(each in self._reading for each in addresses) else []

    def settled(self, claim: Claim, outcome: Outcome) -> None:
        """A turn has ended."""
        for message_id in claim.message_ids:
            address = (claim.conversation_id, message_id)
            for future in self._waiting.get(address, ()):
                if not future.done():
                    future.set_result(outcome)
            for queue in self._reading.get(address, ()):
                queue.put_nowait(None)


class _Fan:
    """A sink that hands each event to all who read at that moment."""

    def __init__(self, reading: dict[Address, list[asyncio.Queue[Event | None]]], addresses: list[Address]) -> None:
        self._reading = reading
        self._addresses = addresses

    def push(self, event: Event) -> None:
        for address in self._addresses:
            for queue in self._reading.get(address, ()):
                queue.put_nowait(event)

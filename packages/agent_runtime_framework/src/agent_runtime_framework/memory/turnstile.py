"""Lets one task at a time through, per key, in the order of arrival."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import Any

from agent_runtime_framework.errors import NestedTurn


class _Place:
    """Who is inside, and who waits."""

    __slots__ = ("owner", "waiters")

    def __init__(self, owner: asyncio.Task[Any] | None) -> None:
        self.owner = owner
        self.waiters: deque[tuple[asyncio.Future[None], asyncio.Task[Any] | None]] = deque()


class Turnstile:
    """Works across event loops and threads; a key nobody uses takes no memory."""

    def __init__(self) -> None:
        self._places: dict[str, _Place] = {}
        self._guard = threading.Lock()

    async def enter(self, key: str) -> None:
        """Wait until nobody else is inside, and go in.

        Raises:
            NestedTurn: This very task is inside already; it would wait for itself.
        """
        task = asyncio.current_task()
        with self._guard:
            place = self._places.get(key)
            if place is None:
                self._places[key] = _Place(task)
                return
            if task is not None and place.owner is task:
                raise NestedTurn(key)
            turn = asyncio.get_running_loop().create_future()
            place.waiters.append((turn, task))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                # It was let in at the moment it gave up.
                self.leave(key)
            raise

    def leave(self, key: str) -> None:
        """Go out, and let the next one in."""
        with self._guard:
            place = self._places[key]
            while place.waiters:
                turn, task = place.waiters.popleft()
                if self._admit(key, turn):
                    place.owner = task
                    return
            del self._places[key]

    def _admit(self, key: str, turn: asyncio.Future[None]) -> bool:
        if turn.done():
            return False
        try:
            turn.get_loop().call_soon_threadsafe(self._let_in, key, turn)
        except RuntimeError:
            # Its loop has ended.
            return False
        return True

    def _let_in(self, key: str, turn: asyncio.Future[None]) -> None:
        if turn.done():
            self.leave(key)
        else:
            turn.set_result(None)

"""Conversations that this process leaves to newer code: their state was written by a later version."""

from __future__ import annotations

import time
from collections.abc import Callable

from agent_runtime_framework.errors import StateTooNew

LEFT_ALONE_SECONDS = 30.0
"""For how long such a conversation is not looked at again here."""


class SetAside:
    """Which conversations are left alone for a while, and why.

    Args:
        seconds: For how long.
        clock: Tells the time, in seconds.
    """

    def __init__(self, seconds: float = LEFT_ALONE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: dict[str, tuple[float, StateTooNew]] = {}

    def put(self, conversation_id: str, error: StateTooNew) -> None:
        """Leave a conversation alone from now on."""
        self._until[conversation_id] = (self._clock() + self._seconds, error)

    def why(self, conversation_id: str) -> StateTooNew | None:
        """Why a conversation is left alone; None if it is not."""
        until, error = self._until.get(conversation_id, (0.0, None))
        if error is not None and until <= self._clock():
            del self._until[conversation_id]
            return None
        return error

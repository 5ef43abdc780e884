"""What the processes on one store tell each other at once.

Nothing that is told has to arrive: whoever needs to know looks into the store, sooner or later. Signals only make it
sooner.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable


class Signals(ABC):
    """A way to tell every other process on the same store something, without keeping it."""

    @abstractmethod
    async def start(self, heard: Callable[[str], None], connected: Callable[[], None]) -> None:
        """Begin to hear, and to be heard; returns at once, and goes on trying for as long as it takes.

        Args:
            heard: Given every text that another process tells, in the order in which that one told them.
            connected: Called when it can be heard again; what was told before was missed.
        """

    @abstractmethod
    def tell(self, text: str, *, can_wait: bool = False) -> None:
        """Tell something, and return at once.

        Args:
            text: One line.
            can_wait: It may be held back for a moment, to be told together with what follows.
        """

    @abstractmethod
    async def aclose(self) -> None:
        """Tell what has not been told yet, and end."""

"""A turn as a stream of events. The turn runs on by itself; the reader only watches."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

from agent_runtime_framework.events import Event, Sink

logger = logging.getLogger(__name__)


class _Queue:
    """Holds a turn's events until they are read; never full, because a turn is finite."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event | None] = asyncio.Queue()

    def push(self, event: Event) -> None:
        self.events.put_nowait(event)


async def stream_turn(
    take: Callable[[Sink], Awaitable[object]], running: set[asyncio.Task[object]]
) -> AsyncIterator[Event]:
    """The events of a turn, as they happen; what breaks the turn is raised after the last one.

    A reader that leaves early neither stalls nor cancels the turn.

    Args:
        take: Takes the turn, with this sink among its own.
        running: Owns the turn while it runs.
    """
    queue = _Queue()
    task: asyncio.Task[object] = asyncio.ensure_future(_as_coroutine(take(queue)))
    running.add(task)

    def ended(_: asyncio.Task[object]) -> None:
        running.discard(task)
        queue.events.put_nowait(None)

    task.add_done_callback(ended)
    is_read_to_the_end = False
    try:
        while (event := await queue.events.get()) is not None:
            yield event
        is_read_to_the_end = True
    finally:
        if not is_read_to_the_end:
            task.add_done_callback(_log_failure)
    await task


async def _as_coroutine(awaitable: Awaitable[object]) -> object:
    return await awaitable


def _log_failure(task: asyncio.Task[object]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.warning("a turn failed after its reader had left", exc_info=error)

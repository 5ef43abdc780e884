"""Notices early that the server is told to end.

A server waits for open requests before it lets the application close, and a stream of events never ends by itself. So
the signals that end a server are heard here first, and passed on.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def told_to_end(tell: Callable[[], None]) -> Generator[None]:
    """Calls `tell` in the running loop when the process is told to end, before whoever listened until now."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    before: dict[int, Any] = {}

    def hear(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(tell)
        before[number](number, frame)

    for number in _SIGNALS:
        handler = signal.getsignal(number)
        # Where nobody listens, the process ends at once, as it always did.
        if callable(handler) and handler is not signal.default_int_handler:
            before[number] = handler
            signal.signal(number, hear)
    try:
        yield
    finally:
        for number, handler in before.items():
            if signal.getsignal(number) is hear:
                signal.signal(number, handler)

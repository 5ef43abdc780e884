"""A point in time after which a turn starts no further model request and waits for none.

Whoever runs a turn sets it; every client asks for it. It travels with the task, so nothing has to be passed along.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("turn_deadline", default=None)


@contextmanager
def turn_deadline(seconds: float, *, now: Callable[[], float] = time.monotonic) -> Generator[None, None, None]:
    """Give all model requests in the block `seconds` together; an outer deadline that is nearer stays.

    A request that would pass it fails as `ProviderUnavailable` instead.
    """
    ends = now() + seconds
    outer = _deadline.get()
    token = _deadline.set(ends if outer is None else min(ends, outer))
    try:
        yield
    finally:
        _deadline.reset(token)


def time_left(now: float) -> float | None:
    """Seconds until the deadline, at least 0; None if there is none."""
    ends = _deadline.get()
    return None if ends is None else max(0.0, ends - now)

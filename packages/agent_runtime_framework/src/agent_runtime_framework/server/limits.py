"""How much one principal, and all of them together, may ask for."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from agent_runtime_framework.server.problems import Problem

_MOST_BUCKETS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of an app; None switches one off where that is possible.

    Attributes:
        body: Bytes of a request's body.
        message: Characters of a message's text.
        rate: Requests per second of one principal, over time. Where nobody is asked who they are, of one address.
        burst: How many at once.
        streams: Open streams of one principal.
        all_streams: Open streams of all of them.
        wait: Seconds that a request waits for a reply; afterwards it is told where to ask again.
        receive: Seconds that a request may take to arrive.
        send: Seconds that a reader of a stream may take nothing.
        heartbeat: Seconds of silence in a stream after which a comment is sent.
    """

    body: int = 1_048_576
    message: int = 20_000
    rate: float | None = 10.0
    burst: int = 50
    streams: int | None = 50
    all_streams: int | None = 2_000
    wait: float = 60.0
    receive: float = 30.0
    send: float = 30.0
    heartbeat: float = 15.0


class Buckets:
    """A bucket of tokens for each principal; a request takes one.

    Args:
        rate: Tokens that come back per second; None lets everything pass.
        burst: How many a bucket holds.
        clock: Tells the time, in seconds.
    """

    def __init__(self, rate: float | None, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> None:
        """Take a token.

        Raises:
            Problem: There is none.
        """
        if self._rate is None:
            return
        now = self._clock()
        tokens, since = self._buckets.pop(name, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - since) * self._rate)
        has_one = tokens >= 1
        self._buckets[name] = (tokens - 1 if has_one else tokens, now)
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)
        if not has_one:
            raise Problem(
                429,
                "too-many-requests",
                f"more than {self._rate:g} requests a second; send this one again later",
                retry_after=(1 - tokens) / self._rate,
            )


class Streams:
    """Counts open streams."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: Counter[str] = Counter()

    @contextmanager
    def one(self, name: str) -> Generator[None]:
        """One more stream, as long as this lasts.

        Raises:
            Problem: There are too many.
        """
        limits = self._limits
        if limits.streams is not None and self._open[name] >= limits.streams:
            raise _too_many_streams(f"you have {limits.streams} open streams; close one first")
        if limits.all_streams is not None and self._open.total() >= limits.all_streams:
            raise _too_many_streams("too many streams are open here; come back later")
        self._open[name] += 1
        try:
            yield
        finally:
            self._open[name] -= 1
            if not self._open[name]:
                del self._open[name]

    @property
    def open(self) -> int:
        """How many are open."""
        return self._open.total()


def _too_many_streams(detail: str) -> Problem:
    return Problem(429, "too-many-streams", detail, retry_after=5)


async def read_body(request: Request, limits: Limits) -> bytes:
    """The body of a request.

    Raises:
        Problem: It is too large, or takes too long.
    """
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limits.body:
        raise _too_large(limits)
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.receive):
            async for part in request.stream():
                size += len(part)
                if size > limits.body:
                    raise _too_large(limits)
                parts.append(part)
    except TimeoutError:
        raise Problem(408, "too-slow", f"the request did not arrive within {limits.receive:g} seconds") from None
    except ClientDisconnect:
        raise Problem(400, "cut-off", "the request was cut off") from None
    return b"".join(parts)


def _too_large(limits: Limits) -> Problem:
    return Problem(
        413, "too-large", f"the body is larger than {limits.body} bytes; send less", headers={"Connection": "close"}
    )

"""Where rules are tried: a store to be judged, a clock, and an event loop, for one test each."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ClassVar, TypeAlias, TypeVar

import pytest

from agent_runtime_framework.store.delivery import DurableStore
from agent_runtime_framework.store.protocol import Store

T = TypeVar("T")


class Clock:
    """A time that passes when it is told to; called, it tells it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let so much time pass."""
        self.now += timedelta(seconds=seconds)


OpenStore: TypeAlias = Callable[[Clock], Store | Awaitable[Store]]
"""Opens the data of a test, each time anew."""


class Bench:
    """Opens stores, runs rules on them, closes them."""

    def __init__(self, open_store: OpenStore, clock: Clock) -> None:
        self.clock = clock
        self.runner = asyncio.Runner()
        self._open_store = open_store
        self._opened: list[Store] = []

    async def open(self) -> Store:
        """Another store on the same data."""
        opened = self._open_store(self.clock)
        store = await opened if inspect.isawaitable(opened) else opened
        self._opened.append(store)
        return store

    async def open_durable(self) -> DurableStore:
        """Another store on the same data, or the end of the test if there is no delivery."""
        store = await self.open()
        if not isinstance(store, DurableStore):
            pytest.skip(f"{type(store).__name__} is no DurableStore: it takes no messages in")
        return store

    async def reopen(self) -> None:
        """Close everything, as a process that ends."""
        while self._opened:
            await self._opened.pop().aclose()

    def close(self) -> None:
        """End."""
        with self.runner:
            self.runner.run(self.reopen())


class Rules:
    """What classes of rules have in common.

    Attributes:
        is_shared: False for a store whose data ends with it; what needs a second store on the same data is skipped.
        has_clock: False for a store that uses no clock but its own; what needs time to pass is skipped.
        has_list: False for a store that cannot list its conversations.
    """

    is_shared: ClassVar[bool] = True
    has_clock: ClassVar[bool] = True
    has_list: ClassVar[bool] = True

    @pytest.fixture
    def open_store(self) -> OpenStore:
        """How the store is opened; to be overridden."""
        pytest.fail(
            f"{type(self).__name__} does not say how its store is opened; give it a fixture `open_store(self)` that "
            "returns a function from a clock to a store",
            pytrace=False,
        )

    @pytest.fixture
    def bench(self, open_store: OpenStore) -> Iterator[Bench]:
        """What opens the store."""
        made = Bench(open_store, Clock())
        yield made
        made.close()

    @pytest.fixture
    def clock(self, bench: Bench) -> Clock:
        """The store's clock."""
        if not self.has_clock:
            pytest.skip(f"{type(self).__name__}.has_clock is False: no time can pass")
        return bench.clock

    @pytest.fixture
    def shared(self, bench: Bench) -> Bench:
        """What opens further stores on the same data."""
        if not self.is_shared:
            pytest.skip(f"{type(self).__name__}.is_shared is False: nobody else can open its data")
        return bench


class PlainRules(Rules):
    """Rules of a `Store`."""

    @pytest.fixture
    def store(self, bench: Bench) -> Store:
        """The store to be judged, empty."""
        return bench.runner.run(bench.open())


class DeliveryRules(Rules):
    """Rules of a `DurableStore`."""

    @pytest.fixture
    def durable(self, bench: Bench) -> DurableStore:
        """The store to be judged, empty."""
        return bench.runner.run(bench.open_durable())


def rule(function: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that needs no plugin to be awaited: it runs in the loop that its store was opened in."""

    @wraps(function)
    def test(*arguments: Any, bench: Bench, **fixtures: Any) -> None:
        bench.runner.run(function(*arguments, **fixtures))

    wanted = inspect.signature(function)
    parameters = [*wanted.parameters.values(), inspect.Parameter("bench", inspect.Parameter.KEYWORD_ONLY)]
    test.__dict__["__signature__"] = wanted.replace(parameters=parameters)
    return test

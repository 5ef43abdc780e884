"""A market day: fifty people talk to several workers while everything goes wrong that can.

`AGENT_RUNTIME_SOAK_SECONDS` says for how long (1800 unless told); `AGENT_RUNTIME_SEED` repeats what everybody does and
what goes wrong. The moments are the machine's.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clocks import MovedClock
from footprints import Footprints, growth
from ledger import complaints
from nemesis import LEASE, Nemesis, Workers, lock_file, restart, started
from persons import Market, Person, decide
from stall import Model, Notes
from workers import runtime_of

from agent_runtime_core.fake_provider import FakeProvider
from agent_runtime_framework.store.sql.unit import stamp
from agent_runtime_framework.testing.invariants import select
from agent_runtime_framework.testing.postgres_server import missing_binaries, running_postgres

SEED = os.environ.get("AGENT_RUNTIME_SEED") or f"{random.randrange(10**6)}"
SECONDS = float(os.environ.get("AGENT_RUNTIME_SOAK_SECONDS", "1800"))
STUCK_SECONDS = 60.0
"""How long after the end of all trouble something may still be to be done."""

_UNFINISHED = """
SELECT c.id FROM inbox AS i JOIN conversations AS c ON c.key = i.conversation
WHERE i.status IN ('waiting', 'running', 'paused')
UNION
SELECT c.id FROM timers AS t JOIN conversations AS c ON c.key = t.conversation
UNION
SELECT id FROM conversations WHERE idle_due < '{soon}' AND handoff IS NULL"""


class Day:
    """One campaign.

    Args:
        folder: Where its files are.
        store: The URL of its store.
        lock: Keeps everybody out of the store for so many seconds.
        persons: How many talk.
        workers: How many processes work.
    """

    def __init__(
        self, folder: Path, store: str, lock: Callable[[float], Awaitable[None]], *, persons: int = 50, workers: int = 4
    ) -> None:
        self.folder = folder
        self.store = store
        self.lock = lock
        self.persons = persons
        self.workers = workers

    @property
    def place(self) -> str:
        """The store, as the checks name it."""
        return self.store.removeprefix("sqlite:///")

    async def pass_by(self, seconds: float) -> list[str]:
        """Let so many seconds pass; returns what is wrong then."""
        sys.stdout.write(f"AGENT_RUNTIME_SEED={SEED} AGENT_RUNTIME_SOAK_SECONDS={seconds:g}\n")
        model = Model(SEED)
        clocks = {slot: MovedClock(self.folder, slot) for slot in range(self.workers)}
        with FakeProvider(respond=model) as provider:
            workers = Workers(self.folder, self.store, provider.openai_url, self.workers)
            front = runtime_of(self.folder, self.store, provider.openai_url, LEASE, self.workers, works=False)
            with started(workers):
                async with front:
                    market = Market(front, Notes(self.folder), SEED)
                    nemesis, steady = Nemesis(workers, clocks, self.lock), Footprints(workers.pids[0])
                    await self._live(seconds, market, nemesis, steady, provider)
                    left = await self._settle(market)
                    for slot in range(self.workers):
                        workers.replace_the_dead()
                        await workers.end(slot)
        found = [*market.wrong, *left, *complaints(self.place, Notes(self.folder))]
        _report(market, nemesis, workers, steady, model)
        if seconds >= 300:
            grown = {"memory": growth(steady.memory), "handles": growth(steady.handles)}
            found += [f"the {kind} of a worker grew by {by:.1%}" for kind, by in grown.items() if by >= 0.05]
        return found

    async def _live(
        self, seconds: float, market: Market, nemesis: Nemesis, steady: Footprints, provider: FakeProvider
    ) -> None:
        async def forget_requests() -> None:
            while True:
                provider.requests.clear()
                await asyncio.sleep(1)

        async def close_the_market() -> None:
            await asyncio.sleep(seconds)
            market.is_closing = True

        beside = [nemesis.rage(SEED), steady.follow(), forget_requests(), decide(market, "bo"), decide(market, "cy")]
        going = [asyncio.ensure_future(each) for each in beside]
        persons = [asyncio.ensure_future(Person(market, number).live()) for number in range(self.persons)]
        closing = asyncio.ensure_future(close_the_market())
        try:
            await asyncio.wait([closing, *going], return_when=asyncio.FIRST_COMPLETED)
            # Nobody of these ends by themselves.
            assert closing.done(), [each for each in going if each.done()]
            going[0].cancel()
            _, late = await asyncio.wait(persons, timeout=STUCK_SECONDS)
            for each in late:
                market.wrong.append("a person still waits for a reply")
                each.cancel()
            for each in persons:
                with suppress(asyncio.CancelledError):
                    await each
        finally:
            for each in (closing, *going, *persons):
                each.cancel()
            await asyncio.gather(closing, *going, *persons, return_exceptions=True)

    async def _settle(self, market: Market) -> list[str]:
        """Wait until nothing is left to be done; returns the conversations that are stuck."""
        deciding = asyncio.ensure_future(decide(market, "dora"))
        left: list[str] = []
        try:
            for _ in range(int(STUCK_SECONDS)):
                # A reminder that was set while a clock was ahead is late by as much, and is not waited for.
                soon = stamp(datetime.now(UTC) + timedelta(minutes=5))
                rows = await asyncio.to_thread(select, self.place, _UNFINISHED.format(soon=soon))
                left = [f"conversation {conversation_id!r} is stuck" for (conversation_id,) in rows]
                if not left:
                    break
                await asyncio.sleep(1)
        finally:
            deciding.cancel()
            await asyncio.gather(deciding, return_exceptions=True)
        return left


def _report(market: Market, nemesis: Nemesis, workers: Workers, steady: Footprints, model: Model) -> None:
    megabytes = [f"{each / 1e6:.0f}" for each in steady.memory[:: max(1, len(steady.memory) // 6)]]
    sys.stdout.write(
        f"said and done: {dict(market.happened)}\n"
        f"went wrong: {dict(nemesis.dealt)}, {workers.deaths} workers died\n"
        f"the model was asked {model.requests} times; a worker held {'-'.join(megabytes)} MB, "
        f"{min(steady.handles)}-{max(steady.handles)} open files\n"
    )


@pytest.mark.slow
@pytest.mark.asyncio
async def test_a_few_seconds_of_everything_at_once_break_nothing(tmp_path: Path) -> None:
    store = tmp_path / "chat.db"
    day = Day(tmp_path, f"sqlite:///{store}", lambda seconds: lock_file(store, min(seconds, 2)), persons=10, workers=3)

    assert await day.pass_by(12) == []


@pytest.mark.soak
@pytest.mark.asyncio
async def test_a_long_day_on_sqlite_breaks_nothing(tmp_path: Path) -> None:
    store = tmp_path / "chat.db"
    day = Day(tmp_path, f"sqlite:///{store}", lambda seconds: lock_file(store, seconds))

    assert await day.pass_by(SECONDS) == []


@pytest.mark.soak
@pytest.mark.asyncio
async def test_a_long_day_on_postgres_breaks_nothing(tmp_path: Path) -> None:
    missing = missing_binaries()
    if missing is not None:
        pytest.skip(missing)
    with running_postgres("max_connections=200") as server:
        day = Day(tmp_path, f"{server.url}?schema=soak", lambda seconds: restart(server, seconds))

        assert await day.pass_by(SECONDS) == []

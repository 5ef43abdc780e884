"""A PostgreSQL server that crashes and comes back, and connections that are cut, while conversations are held.

`make soak` does it for two minutes. `AGENT_RUNTIME_SEED` repeats a run.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import asyncpg
import pytest
from corner_shop import Held, Ledger, Shop, first_calls

from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.testing.invariants import broken_invariants
from agent_runtime_framework.testing.postgres_server import PostgresServer, missing_binaries, running_postgres

SEED = os.environ.get("AGENT_RUNTIME_SEED") or f"{random.randrange(10**6)}"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    missing = missing_binaries()
    if missing is not None:
        pytest.skip(missing)
    with running_postgres("max_connections=60") as started:
        yield started


class Load:
    """People who talk, each in a conversation of their own, until they are told to stop."""

    def __init__(self, url: str) -> None:
        self.ledger = Ledger()
        self.store = PostgresStore(url)
        agents = [Shop.agent(Held(first_calls("add", "charge")), provide=[self.ledger])]
        self.chats = Runtime(self.store, agents, host=LocalHost(sweep=0.5), lease=5, max_attempts=100)
        self.acknowledged: list[tuple[str, str]] = []
        self.refused = 0
        self.longest = 0.0
        self.is_over = False

    async def talk(self, name: str) -> None:
        number = 0
        while not self.is_over:
            number += 1
            began = time.perf_counter()
            try:
                await self.chats.accept(name, "hi", message_id=f"m{number}")
            except StoreError:
                self.refused += 1
                continue
            self.longest = max(self.longest, time.perf_counter() - began)
            self.acknowledged.append((name, f"m{number}"))
            await self.chats.reply_to(name, f"m{number}")

    async def check(self, url: str) -> None:
        statuses = Counter([(await self.chats.reply_to(*each)).status for each in self.acknowledged])
        assert statuses == {"answered": len(self.acknowledged)}
        charged = 0
        for name in {name for name, _ in self.acknowledged}:
            told = [each.content for each in await self.chats.history(name) if each.role == "tool"]
            charged += told.count("Charged.")
            added = len([text for text in told if (text or "").isdecimal()])
            # The state is what the recorded calls make of it.
            assert (await self.chats.state(name)).count == added + 10 * told.count("Charged.")
        # A call whose outcome nobody knows was made once, too.
        assert charged <= len(self.ledger.done) <= len(self.acknowledged)
        assert broken_invariants(url) == []


async def crash(server: PostgresServer, rng: random.Random, seconds: float, every: tuple[float, float]) -> list[float]:
    """Let the server crash again and again; returns how long it was away each time."""
    away: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(rng.uniform(*every))
        began = time.monotonic()
        await asyncio.to_thread(server.stop, signal.SIGQUIT)
        await asyncio.to_thread(server.start)
        away.append(time.monotonic() - began)
    return away


async def cut(server: PostgresServer, rng: random.Random, seconds: float) -> int:
    """End sessions on the server, a few at a time; returns how many."""
    ended, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(rng.uniform(0.02, 0.2))
        connection = await asyncpg.connect(server.url)
        ended += await connection.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE pid <> "
            "pg_backend_pid() AND application_name = 'agent-runtime' ORDER BY random() LIMIT 3) AS x"
        )
        await connection.close()
    return ended


async def survives_crashes(server: PostgresServer, seconds: float, every: tuple[float, float]) -> None:
    rng = random.Random(SEED)
    url = f"{server.url}?schema=crash_{rng.randrange(10**9)}"
    load = Load(url)
    async with load.chats, asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(load.talk(f"c{number}"))
        away = await crash(server, rng, seconds, every)
        load.is_over = True
    async with load.chats:
        await load.check(url)
    await load.store.aclose()
    sys.stdout.write(
        f"AGENT_RUNTIME_SEED={SEED}: {len(away)} crashes, away for {max(away):.1f} s at most; "
        f"{len(load.acknowledged)} messages, none lost, {load.refused} refused, the slowest took {load.longest:.1f} s\n"
    )
    assert load.refused == 0
    assert load.longest < max(away) + 2


@pytest.mark.asyncio
async def test_nothing_is_lost_when_the_server_crashes_and_comes_back(server: PostgresServer) -> None:
    await survives_crashes(server, 4, (0.5, 1.5))


@pytest.mark.soak
@pytest.mark.asyncio
async def test_nothing_is_lost_while_the_server_crashes_for_two_minutes(server: PostgresServer) -> None:
    await survives_crashes(server, 120, (2, 10))


@pytest.mark.asyncio
async def test_nothing_is_lost_when_sessions_are_ended_on_the_server(server: PostgresServer) -> None:
    rng = random.Random(SEED)
    url = f"{server.url}?schema=cut_{rng.randrange(10**9)}"
    load = Load(url)
    async with load.chats, asyncio.TaskGroup() as group:
        for number in range(10):
            group.create_task(load.talk(f"c{number}"))
        ended = await cut(server, rng, 3)
        load.is_over = True
    async with load.chats:
        await load.check(url)
    await load.store.aclose()
    sys.stdout.write(f"AGENT_RUNTIME_SEED={SEED}: {ended} sessions ended, {len(load.acknowledged)} messages\n")
    assert load.refused == 0
    assert ended > 10


@pytest.mark.asyncio
async def test_a_session_that_was_ended_while_it_was_idle_is_replaced(server: PostgresServer) -> None:
    store = PostgresStore(f"{server.url}?schema=idle")
    other = await asyncpg.connect(server.url)
    for _ in range(5):
        await store.save_state("ada", "a", "{}")
        ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'agent-runtime'"
        assert await other.fetchval(ended) > 0
        await store.save_state("ada", "a", "{}")

    await other.close()
    await store.aclose()


@pytest.mark.asyncio
async def test_more_conversations_than_connections_wait_for_each_other(server: PostgresServer) -> None:
    url = f"{server.url}?schema=few&max_size=2"
    async with Runtime(url, [Shop.agent(Held(first_calls("add")), provide=[Ledger()])]) as chats:
        replies = await asyncio.gather(*(chats.send(f"c{number}", "hi") for number in range(60)))

    assert {reply.text for reply in replies} == {"1"}


@pytest.mark.asyncio
async def test_a_server_without_room_for_more_connections_is_waited_for(server: PostgresServer) -> None:
    taken: list[asyncpg.Connection] = []
    with suppress(asyncpg.TooManyConnectionsError):
        while True:
            taken.append(await asyncpg.connect(server.url))
    patient = PostgresStore(f"{server.url}?schema=full", patience=10)
    impatient = PostgresStore(f"{server.url}?schema=full", patience=0.2)

    with pytest.raises(StoreError, match=r"takes no more connections .* lower max_size here, or put a pooler between"):
        await impatient.conversations()
    waiting = asyncio.ensure_future(patient.conversations())
    await asyncio.sleep(0.3)
    for connection in taken:
        await connection.close()
    assert await waiting == []
    await patient.aclose()

"""What a durable turn costs on PostgreSQL: `python -m benchmarks.durable_postgres [ROUNDS]`.

The turns are those of `benchmarks.durable`. Every statement of theirs is written down, and run again by nothing but the
driver: the same transactions with the same values, on as many connections. Rounds of both follow each other, so that
whatever disturbs the machine disturbs both. A server is started for it, with fsync, or named by
AGENT_RUNTIME_TEST_POSTGRES.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from itertools import count
from typing import Any

import asyncpg

from agent_runtime_framework import JourneyConfig
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.store.postgres.statements import translated
from agent_runtime_framework.store.sql.unit import Ask, Each, Unit
from agent_runtime_framework.testing.postgres_server import VARIABLE, running_postgres
from benchmarks.durable import Counter, Instant
from benchmarks.measure import note

CONVERSATIONS, TURNS_EACH, CONNECTIONS = 50, 10, 10
NAMES = [f"conversation-{number}" for number in range(CONVERSATIONS)]

Transaction = tuple[bool, list[Ask | Each]]
_number = count()


class Recording(PostgresStore):
    """Writes down what is asked of the server, transaction by transaction, for each conversation."""

    def __init__(self, url: str) -> None:
        super().__init__(url, max_size=CONNECTIONS)
        self.done: dict[str, list[Transaction]] = defaultdict(list)

    async def _write(self, unit: Callable[[], Unit[Any]], *, again: Callable[[], Unit[Any]] | None = None) -> Any:
        asked: list[Ask | Each] = []
        result = await super()._write(lambda: _noted(unit(), asked), again=again)
        self._keep(True, asked)
        return result

    async def _read(self, unit: Callable[[], Unit[Any]], *, is_large: bool = False, is_snapshot: bool = False) -> Any:
        asked: list[Ask | Each] = []
        result = await super()._read(lambda: _noted(unit(), asked), is_large=is_large, is_snapshot=is_snapshot)
        self._keep(is_snapshot, asked)
        return result

    def _keep(self, is_transaction: bool, asked: list[Ask | Each]) -> None:
        name = next((value for value in asked[0][1] if value in NAMES), None) if asked else None
        if name is not None:
            self.done[name].append((is_transaction, asked))


def _noted(unit: Unit[Any], asked: list[Ask | Each]) -> Generator[Ask | Each, Any, Any]:
    try:
        query = next(unit)
        while True:
            asked.append(query)
            query = unit.send((yield query))
    except StopIteration as end:
        return end.value


async def framework(url: str, store: PostgresStore | None = None) -> float:
    """Turns a second."""
    agent = Counter.agent(Instant(), config=JourneyConfig(context=40))
    store = store or PostgresStore(url, max_size=CONNECTIONS)
    async with Runtime(store, [agent]) as chats:
        for name in NAMES:
            await chats.send(name, "hi")
        # Every connection has been opened, and knows every statement.
        await asyncio.gather(*(chats.send(name, "hi") for name in NAMES))

        async def converse(name: str) -> None:
            for _ in range(TURNS_EACH):
                await chats.send(name, "hi")

        began = time.perf_counter()
        await asyncio.gather(*map(converse, NAMES))
        seconds = time.perf_counter() - began
    await store.aclose()
    return CONVERSATIONS * TURNS_EACH / seconds


async def bare(url: str, done: dict[str, list[Transaction]]) -> float:
    """Turns a second of the driver alone, on new tables."""
    store = PostgresStore(url)
    await store.conversations()
    await store.aclose()
    dsn, schema = url.split("?schema=")
    free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncpg.connect(dsn, server_settings={"search_path": schema}, statement_cache_size=200))

    async def run(transactions: list[Transaction]) -> None:
        for transaction in transactions:
            connection = await free.get()
            await _run(connection, transaction)
            free.put_nowait(connection)

    turns = {name: _turns(done[name]) for name in NAMES}
    for name in NAMES:
        await run(turns[name][0])
    await asyncio.gather(*(run(turns[name][1]) for name in NAMES))
    began = time.perf_counter()
    await asyncio.gather(*(run([each for turn in turns[name][2:] for each in turn]) for name in NAMES))
    seconds = time.perf_counter() - began
    while not free.empty():
        await free.get_nowait().close()
    return CONVERSATIONS * TURNS_EACH / seconds


async def _run(connection: Any, transaction: Transaction) -> None:
    is_transaction, asked = transaction
    if is_transaction:
        await connection.execute("BEGIN")
    for query in asked:
        if isinstance(query, Ask):
            await connection.fetch(translated(query.text), *query.values)
        elif query.rows:
            await connection.executemany(translated(query.text), query.rows)
    if is_transaction:
        await connection.execute("COMMIT")


def _turns(transactions: list[Transaction]) -> list[list[Transaction]]:
    """The transactions of each turn: it begins as the first one did."""
    turns: list[list[Transaction]] = []
    for transaction in transactions:
        if transaction[1][0].text == transactions[0][1][0].text:
            turns.append([])
        turns[-1].append(transaction)
    return turns


async def main(url: str, rounds: int = 5) -> None:
    def fresh() -> str:
        return f"{url}?schema=bench_{os.getpid()}_{next(_number)}"

    first = fresh()
    recording = Recording(first)
    await framework(first, recording)
    turns = [turn for name in NAMES for turn in _turns(recording.done[name])[2:]]
    transactions = statistics.mean(sum(is_one for is_one, _ in turn) for turn in turns)
    statements = statistics.mean(sum(len(asked) for _, asked in turn) for turn in turns)
    print(f"a turn: {transactions:.1f} transactions, {statements:.1f} statements")
    ratios: list[float] = []
    for number in range(rounds):
        alone = await bare(fresh(), recording.done)
        ours = await framework(fresh())
        ratios.append(ours / alone)
        print(f"round {number + 1}: {ours:.0f} turns/s; its bare statements {alone:.0f} turns/s; {ours / alone:.0%}")
    print(f"median of {rounds} rounds: {statistics.median(ratios):.0%} of what the bare statements reach")
    note("a durable turn on PostgreSQL / its statements, by the bare driver", 1 / statistics.median(ratios))


if __name__ == "__main__":
    ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if os.environ.get(VARIABLE):
        asyncio.run(main(os.environ[VARIABLE], ROUNDS))
    else:
        with running_postgres("max_connections=100") as server:
            asyncio.run(main(server.url, ROUNDS))

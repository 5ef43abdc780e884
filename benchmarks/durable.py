"""What a durable turn costs: `python -m benchmarks.durable [TURNS]`.

A turn is a model request, a state-only tool and a model request, on SQLite with `synchronous=FULL`. Beside it, block by
block, the bare driver writes the same rows in as many transactions (message, turn, journal, messages, state, receipt),
and as many transactions of one plain row of 600 bytes. TURNS is the length of the one long conversation; 1,000 unless
told.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from agent_runtime_framework import JourneyConfig
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.store.sqlite import SQLiteStore
from benchmarks.measure import note
from benchmarks.recorded import Recording, Write, tables, write_again

CONVERSATIONS, TURNS_EACH = 50, 20
BLOCK = 50
"""Turns of one side before the other has its own."""


class Counter(Journey):
    """Counts."""

    count: int = 0
    counting = step("Count.")

    @counting.tool(effect="state")
    async def add(self) -> str:
        """Count one up."""
        self.count += 1
        return str(self.count)


class Instant:
    """A model that calls the tool, and then answers with 300 characters."""

    def __init__(self, message: dict[str, Any] | None = None) -> None:
        self.message, self.usage = message, {"total_tokens": 1}

    async def generate(self, messages: Sequence[dict[str, Any]], **_: Any) -> Instant:
        if messages[-1]["role"] == "user":
            function = {"name": "add", "arguments": "{}"}
            return Instant({"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": function}]})
        return Instant({"role": "assistant", "content": "x" * 300})


class Durable:
    """A runtime in which one conversation is held.

    Attributes:
        seconds: Of each of its turns.
    """

    def __init__(self, store: SQLiteStore) -> None:
        self.store = store
        # Only what a request carries may grow with a conversation, so this one carries a window.
        self.chats = Runtime(store, [Counter.agent(Instant(), config=JourneyConfig(context=40))])
        self.seconds: list[float] = []

    async def hold(self, turns: int) -> None:
        for _ in range(turns):
            began = time.perf_counter()
            await self.chats.send("long", "hi")
            self.seconds.append(time.perf_counter() - began)

    async def crowd(self) -> float:
        """Turns a second over many conversations."""

        async def converse(name: str) -> None:
            for _ in range(TURNS_EACH):
                await self.chats.send(name, "hi")

        began = time.perf_counter()
        await asyncio.gather(*(converse(str(number)) for number in range(CONVERSATIONS)))
        return CONVERSATIONS * TURNS_EACH / (time.perf_counter() - began)


async def written_down(path: Path, turns: int) -> list[list[list[Write]]]:
    """What each turn of a conversation changes, transaction by transaction."""
    durable = Durable(Recording(path))
    changed: list[list[list[Write]]] = []
    async with durable.chats:
        for _ in range(turns):
            await durable.hold(1)
            assert isinstance(durable.store, Recording)
            changed.append(durable.store.transactions)
            durable.store.transactions = []
    await durable.store.aclose()
    return changed


async def empty(path: Path) -> sqlite3.Connection:
    """A file with the same tables."""
    store = SQLiteStore(path)
    await store.conversations()
    await store.clear_messages("nobody")
    await store.aclose()
    connection = tables(path)
    connection.execute("CREATE TABLE plain (no INTEGER PRIMARY KEY, body TEXT)")
    return connection


def plain_rows(connection: sqlite3.Connection, transactions: int) -> None:
    """As many transactions of one row of 600 bytes."""
    for _ in range(transactions):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO plain (body) VALUES (?)", ("x" * 600,))
        connection.execute("COMMIT")


def timed(work: Callable[..., None], *arguments: Any) -> float:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


async def measure(folder: Path, turns: int) -> None:
    """Print everything."""
    changes = await written_down(folder / "recorded.db", turns)
    same, plain = await empty(folder / "same.db"), await empty(folder / "plain.db")
    same_seconds, plain_seconds = list[float](), list[float]()
    durable = Durable(SQLiteStore(folder / "chat.db"))
    async with durable.chats:
        await durable.chats.send("first", "hi")
        for begin in range(0, turns, BLOCK):
            block = changes[begin : begin + BLOCK]
            await durable.hold(len(block))
            same_seconds += [timed(write_again, same, each) for each in block]
            plain_seconds += [timed(plain_rows, plain, len(each)) for each in block]
        throughput = await durable.crowd()
    await durable.store.aclose()
    for connection in (same, plain):
        connection.close()

    turn, rows, bare = (statistics.median(each) * 1000 for each in (durable.seconds, same_seconds, plain_seconds))
    transactions = statistics.mean(len(each) for each in changes)
    statements = statistics.mean(sum(len(write.rows) for part in each for write in part) for each in changes)
    first, last = (statistics.median(part) * 1000 for part in (durable.seconds[:100], durable.seconds[-100:]))
    print(f"a durable turn {turn:.2f} ms; {transactions:.1f} transactions, which change {statements:.1f} rows")
    print(f"  the same rows, by the bare driver {rows:.2f} ms; ratio {turn / rows:.2f}")
    print(f"  as many plain rows {bare:.2f} ms; ratio {turn / bare:.2f}")
    print(f"{CONVERSATIONS} conversations at once: {throughput:.0f} turns/s")
    print(f"{turns} turns of one conversation: the first 100 {first:.2f} ms, the last 100 {last:.2f} ms")
    note("a durable turn on SQLite / its rows, by the bare driver", turn / rows)
    note("a durable turn on SQLite / as many plain rows", turn / bare)
    note(f"the last 100 of {turns} durable turns / the first 100", last / first)


def main(turns: int = 1_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), turns))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

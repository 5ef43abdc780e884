"""What a durable turn costs: `python -m benchmarks.durable [TURNS]`.

A turn is a model request, a state-only tool and a model request, on SQLite with `synchronous=FULL`. Beside it stand the
three bare commits it needs, in the same run. TURNS is the length of the one long conversation; 1,000 unless told.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent_runtime_framework import JourneyConfig
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime

CONVERSATIONS, TURNS_EACH = 50, 20


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


async def measure(folder: Path, turns: int) -> tuple[list[float], float]:
    """Seconds of each turn of one conversation, and turns a second over many conversations."""
    # Only what a request carries may grow with a conversation, so this one carries a window.
    agent = Counter.agent(Instant(), config=JourneyConfig(context=40))
    async with Runtime(f"sqlite:///{folder}/chat.db", [agent]) as chats:
        await chats.send("first", "hi")
        seconds: list[float] = []
        for _ in range(turns):
            began = time.perf_counter()
            await chats.send("long", "hi")
            seconds.append(time.perf_counter() - began)

        async def converse(name: str) -> None:
            for _ in range(TURNS_EACH):
                await chats.send(name, "hi")

        began = time.perf_counter()
        await asyncio.gather(*(converse(str(number)) for number in range(CONVERSATIONS)))
        return seconds, CONVERSATIONS * TURNS_EACH / (time.perf_counter() - began)


def bare_commits(folder: Path, turns: int) -> list[float]:
    """Seconds that three commits of one row of 600 bytes take, again and again."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (no INTEGER PRIMARY KEY, body TEXT)")
    seconds: list[float] = []
    for _ in range(turns):
        began = time.perf_counter()
        for _ in range(3):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO rows (body) VALUES (?)", ("x" * 600,))
            connection.execute("COMMIT")
        seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds


def main(turns: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds, throughput = asyncio.run(measure(folder, turns))
        bare = statistics.median(bare_commits(folder, min(turns, 1_000))) * 1000
    turn = statistics.median(seconds) * 1000
    first, last = (statistics.median(part) * 1000 for part in (seconds[:100], seconds[-100:]))
    sys.stdout.write(
        f"a durable turn {turn:.2f} ms; its three bare commits {bare:.2f} ms; ratio {turn / bare:.2f}\n"
        f"{CONVERSATIONS} conversations at once: {throughput:.0f} turns/s\n"
        f"{turns} turns of one conversation: the first 100 {first:.2f} ms, the last 100 {last:.2f} ms, "
        f"ratio {last / first:.2f}\n"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)

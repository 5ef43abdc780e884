"""What a turn costs: against a hand-written loop, in memory and on SQLite, and as the conversation grows."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from agent_runtime_framework import AgentContext, MemoryManager
from benchmarks.intake import HandWritten, HandWrittenWithPromises, InstantModel, IntakeAgent
from benchmarks.measure import row, side_by_side
from benchmarks.rows import HandWrittenOnSqlite
from benchmarks.short_form import ShortIntake

BATCH = 100
SAYING = "It is something the person said"


async def in_memory() -> None:
    """A turn without anything durable, in a fresh conversation for every batch."""

    async def hand_written() -> int:
        loop = HandWritten(InstantModel())
        for _ in range(BATCH):
            await loop.turn(SAYING)
        return BATCH

    async def with_promises() -> int:
        loop = HandWrittenWithPromises(InstantModel())
        for _ in range(BATCH):
            await loop.turn(SAYING)
        return BATCH

    async def chat() -> int:
        agent = IntakeAgent(InstantModel())
        for _ in range(BATCH):
            await agent.chat(SAYING)
        return BATCH

    async def bare_run() -> int:
        agent = IntakeAgent(InstantModel())
        for _ in range(BATCH):
            await agent.run(AgentContext.from_text(SAYING))
        return BATCH

    print(f"In memory, {BATCH} turns a batch")
    costs = await side_by_side(
        {"hand": hand_written, "kept": with_promises, "chat": chat, "short": _short_form, "run": bare_run}
    )
    row("hand-written loop", costs["hand"])
    row("agent.run (nothing kept)", costs["run"], costs["hand"], "hand-written loop")
    row("hand-written, state kept and put back", costs["kept"])
    row("agent.chat (history and state kept)", costs["chat"], costs["kept"], "hand-written, the same kept")
    row("the short form", costs["short"], costs["chat"], "the long form")


async def _short_form() -> int:
    agent = ShortIntake.agent(InstantModel())
    for _ in range(BATCH):
        await agent.chat(SAYING)
    return BATCH


async def on_sqlite(folder: Path) -> None:
    """A turn in a file, synchronous=FULL, one commit."""
    hand = HandWrittenOnSqlite(folder / "hand.db")

    async def hand_written() -> int:
        for _ in range(BATCH):
            await hand.turn(SAYING)
        return BATCH

    async with MemoryManager.from_url(f"sqlite:///{folder / 'ours.db'}") as memory:
        agent = IntakeAgent(InstantModel(), memory=memory)

        async def ours() -> int:
            for _ in range(BATCH):
                await agent.chat(SAYING, "c")
            return BATCH

        print(f"On SQLite, synchronous=FULL, {BATCH} turns a batch, the conversation growing")
        costs = await side_by_side({"hand": hand_written, "ours": ours})
        row("hand-written loop and transaction", costs["hand"])
        row("agent.chat with memory, on SQLite", costs["ours"], costs["hand"], "hand-written transaction")
    hand.connection.close()


async def growth(folder: Path) -> None:
    """The cost of a turn at turn 10, 100 and 1,000, hot; and of loading a conversation cold."""
    print("Hot turns of one conversation, by its length")
    for label, url in (("in memory", "memory://"), ("SQLite", f"sqlite:///{folder / 'growth.db'}")):
        async with MemoryManager.from_url(url) as memory:
            agent = IntakeAgent(InstantModel(), memory=memory)
            batches: dict[str, Callable[[], Awaitable[int]]] = {}
            for length in (10, 100, 1000):
                for _ in range(length):
                    await agent.chat(SAYING, f"at-{length}")
                batches[f"{length}"] = _some_turns(agent, f"at-{length}")
            costs = await side_by_side(batches)
            for length, cost in costs.items():
                against = "turn 100 and on" if length == "1000" else ""
                row(f"{label}, turn {length} and on", cost, costs["100"], against)
    print("Cold loads of a 1,000-turn conversation on SQLite")
    url = f"sqlite:///{folder / 'growth.db'}"

    def cold(context: int | str) -> Callable[[], Awaitable[int]]:
        async def load() -> int:
            async with MemoryManager.from_url(url) as memory, memory.turn("at-1000", "intake", context=context):
                return 1

        return load

    costs = await side_by_side({"all": cold("all"), "window": cold(20), "step": cold("step")})
    turns = 1000 + 5 * (9 + 1)
    row("all messages", costs["all"])
    print(f"    = {costs['all'].cpu / turns:.1f} µs CPU per older turn")
    row("the last 20 messages", costs["window"])
    row("since the step began", costs["step"])


def _some_turns(agent: IntakeAgent, conversation: str, count: int = 5) -> Callable[[], Awaitable[int]]:
    async def batch() -> int:
        for _ in range(count):
            await agent.chat(SAYING, conversation)
        return count

    return batch


async def crowd(folder: Path, people: int = 200, turns: int = 3) -> None:
    """200 conversations at once against the same turns one after another."""
    print(f"{people} conversations, {turns} turns each, on SQLite")
    number = 0
    async with MemoryManager.from_url(f"sqlite:///{folder / 'crowd.db'}") as memory:
        agent = IntakeAgent(InstantModel(), memory=memory)

        async def hold(conversation: str) -> None:
            for _ in range(turns):
                await agent.chat(SAYING, conversation)

        def names() -> list[str]:
            nonlocal number
            number += 1
            return [f"{number}-{person}" for person in range(people)]

        async def at_once() -> int:
            await asyncio.gather(*map(hold, names()))
            return people * turns

        async def in_turn() -> int:
            for name in names():
                await hold(name)
            return people * turns

        costs = await side_by_side({"in turn": in_turn, "at once": at_once}, rounds=3)
        row("one after another", costs["in turn"])
        row("all at once", costs["at once"], costs["in turn"], "one after another")


async def main() -> None:
    """All of it."""
    await in_memory()
    with tempfile.TemporaryDirectory() as folder:
        await on_sqlite(Path(folder))
        await growth(Path(folder))
        await crowd(Path(folder))

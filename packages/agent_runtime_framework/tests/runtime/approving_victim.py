"""A program whose turns wait for a person's agreement, and that is killed as often as it is started.

    approving_victim.py FOLDER WHAT [--at NAME N | --seed SEED KILLS]

WHAT is `talk`: send what is not answered yet, and go on until a message waits for a person, or all are answered;
`decide`: approve or reject all that waits, with the store alone; `all`: both, until every message is answered. What is
acknowledged, asked, decided and done outside is appended to files in FOLDER.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corner_shop import Held
from victim import Notes, die_again_and_again, dies_at

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.crash_points import watched
from agent_runtime_framework.journey import IdempotencyKey, Injected, Journey, step
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.store.delivery import Deciding
from agent_runtime_framework.store.open import open_durable_store

MESSAGES = ("m0", "m1")


class Safe(Journey):
    """Counts what is paid."""

    count: int = 0

    open = step("Serve them.")

    @open.tool(effect="state")
    async def add(self) -> str:
        """Count one up."""
        self.count += 1
        return "added"

    @open.tool(effect="read", independent=True)
    async def look(self, notes: Injected[Notes], key: IdempotencyKey) -> str:
        """Look."""
        await asyncio.sleep(0)
        notes.write("looked", key)
        return "seen"

    @open.tool(effect="once", independent=True)
    async def ring(self, notes: Injected[Notes], key: IdempotencyKey) -> str:
        """Ring the bell."""
        notes.write("rung", key)
        await asyncio.sleep(0.001)
        return "rung"

    @open.tool(effect="once", requires_approval=True)
    async def pay(self, notes: Injected[Notes], key: IdempotencyKey) -> str:
        """Pay."""
        notes.write("paid", key)
        await asyncio.sleep(0.001)
        self.count += 100
        return "paid"


BATCHES = (("add", "look", "ring", "look"), ("pay",), ("add", "pay"))
"""What is called in each request of a turn."""


class Model(Held):
    def __init__(self, notes: Notes) -> None:
        super().__init__(_reply)
        self._notes = notes

    async def generate(
        self, messages: list[JSONObject], *, tools: list[JSONObject] | None = None, **kwargs: Any
    ) -> Any:
        last = max(index for index, each in enumerate(messages) if each["role"] == "user")
        self._notes.write("asked", f"{messages[last]['content']} {len(messages) - last}")
        return await super().generate(messages, tools=tools, **kwargs)


def _reply(messages: list[JSONObject]) -> JSONObject:
    last = max(index for index, each in enumerate(messages) if each["role"] == "user")
    done = sum(each["role"] == "assistant" for each in messages[last:])
    if done == len(BATCHES):
        return {"role": "assistant", "content": "Done."}
    calls = [
        {"id": f"c{number}", "function": {"name": name, "arguments": "{}"}} for number, name in enumerate(BATCHES[done])
    ]
    return {"role": "assistant", "content": None, "tool_calls": calls}


async def talk(folder: Path) -> None:
    notes = Notes(folder)
    agents = [Safe.agent(Model(notes), provide=[notes])]
    host = LocalHost(sweep=1)
    async with Runtime(f"sqlite:///{folder}/chat.db", agents, max_attempts=1_000, host=host) as chats:
        for message_id in MESSAGES:
            reply = await chats.send("ada", message_id, message_id=message_id)
            notes.write("acknowledged", message_id)
            if reply.status == "paused":
                return


async def decide(folder: Path) -> None:
    """Approve every second call that waits, and reject the others."""
    notes, store = Notes(folder), open_durable_store(f"sqlite:///{folder}/chat.db")
    for pending in await store.pending():
        is_approved = sum(map(ord, f"{pending.call_id}{pending.turn}")) % 2 == 0
        await store.decide(
            pending.conversation_id, Deciding(call_id=pending.call_id, is_approved=is_approved, by="anna")
        )
        notes.write("approved" if is_approved else "rejected", pending.call_id)
    await store.aclose()


async def both(folder: Path) -> None:
    for _ in range(20):
        await talk(folder)
        await decide(folder)


WORK: dict[str, Callable[[Path], Any]] = {"talk": talk, "decide": decide, "all": both}


def main(folder: str, what: str, *options: str) -> None:
    def work() -> None:
        asyncio.run(WORK[what](Path(folder)))

    if "--at" in options:
        name, count = options[options.index("--at") + 1 :][:2]
        with watched(dies_at(name, int(count), signal.SIGKILL)):
            work()
        return
    if "--seed" in options:
        seed, kills = options[options.index("--seed") + 1 :][:2]
        die_again_and_again(Notes(Path(folder)), seed, int(kills), 1.0, work)
    work()
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])

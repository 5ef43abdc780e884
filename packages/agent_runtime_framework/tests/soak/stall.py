"""A journey with a tool of every kind, a model that calls what it is asked to, and notes that outlive processes."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

from agent_runtime_core.fake_provider import Fault, RecordedRequest, Reply, call
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey import IdempotencyKey, Injected, Journey, remind, step

WORTH = {"add": 1, "charge": 100, "pay": 10_000}
"""What a call adds to the count."""

TOOLS = ("add", "look", "book", "charge", "pay")

POISON = "poison"
"""Whoever says this gets an error from the model that no retry mends."""


class Notes:
    """Lines in files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, kind: str, line: str) -> None:
        descriptor = os.open(self.folder / kind, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)

    def read(self, kind: str) -> list[str]:
        path = self.folder / kind
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


class Stall(Journey):
    """A stall in a market."""

    count: int = 0

    open = step("Serve them.", on_idle=remind("3s", say="Still there?"))

    @open.tool(effect="state")
    async def add(self) -> str:
        """Count one up."""
        self.count += WORTH["add"]
        return "done"

    @open.tool(effect="read", independent=True)
    async def look(self) -> str:
        """Look."""
        await asyncio.sleep(0.002)
        return "done"

    @open.tool(effect="idempotent")
    async def book(self, notes: Injected[Notes], key: IdempotencyKey) -> str:
        """Book."""
        notes.write("booked", key)
        await asyncio.sleep(0.005)
        return "done"

    @open.tool(effect="once")
    async def charge(self, notes: Injected[Notes], key: IdempotencyKey) -> str:
        """Charge them."""
        notes.write("once", key)
        await asyncio.sleep(0.01)
        self.count += WORTH["charge"]
        return "done"

    @open.tool(effect="once", requires_approval=True)
    async def pay(self, notes: Injected[Notes], key: IdempotencyKey) -> str:
        """Pay."""
        notes.write("once", key)
        await asyncio.sleep(0.01)
        self.count += WORTH["pay"]
        return "done"


FAULTS: tuple[Fault | Reply, ...] = (
    Fault(500),
    Fault(503),
    Fault(429, retry_after=0.05),
    Fault(kind="reset"),
    Fault(kind="empty"),
    Fault(kind="hang"),
    Reply("cut off in the middle", cut_at=40),
)


class Model:
    """Answers requests over the wire: the tools that the last message names, one a request; now and then not at all.

    Args:
        seed: Decides which requests go wrong.
        rate: How many of them.
    """

    def __init__(self, seed: str, rate: float = 0.12) -> None:
        self._rng = random.Random(f"model {seed}")
        self._rate = rate
        self.requests = 0

    def __call__(self, request: RecordedRequest) -> Reply | Fault:
        self.requests += 1
        messages: list[JSONObject] = request.body["messages"]
        last = max((index for index, each in enumerate(messages) if each["role"] == "user"), default=0)
        said = str(messages[last]["content"])
        if POISON in said:
            return Fault(400, "this request is not understood")
        if self._rng.random() < self._rate:
            return self._rng.choice(FAULTS)
        # A message about an event of the business names no tools.
        wanted = said.partition(": ")[2].split()
        done = sum(each["role"] == "tool" for each in messages[last:])
        if done < len(wanted) and wanted[done] in TOOLS:
            return Reply(calls=[call(wanted[done])])
        return Reply("Here you are.")

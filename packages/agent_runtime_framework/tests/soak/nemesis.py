"""What goes wrong, and when: a schedule that a seed makes, and the hands that carry it out."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from clocks import MovedClock

from agent_runtime_framework.testing.postgres_server import PostgresServer

LEASE = 2.0
"""Seconds after which a worker that does not say that it lives is taken for dead."""


class Blow(NamedTuple):
    """One thing that goes wrong.

    Attributes:
        after: Seconds after the one before.
        kind: What.
        slot: Which worker is hit.
        amount: How hard: places, or seconds.
    """

    after: float
    kind: str
    slot: int
    amount: float


def schedule(seed: str, workers: int) -> Iterator[Blow]:
    """What goes wrong, for ever; the same for the same seed. The first worker is spared."""
    rng = random.Random(f"nemesis {seed}")
    kinds = ["kill"] * 4 + ["die"] * 4 + ["freeze"] * 3 + ["end", "lock", "lock", "jump", "jump", "jump all"]
    while True:
        kind = rng.choice(kinds)
        amount = {
            "die": float(rng.randint(1, 400)),
            "freeze": LEASE * rng.uniform(0.5, 2),
            "lock": rng.uniform(0.2, 7),
            "jump": rng.choice((-3600, -5, 5, 3600)) * rng.uniform(0.5, 1),
            "jump all": rng.choice((-5, 5)) * rng.uniform(0.5, 1),
        }.get(kind, 0.0)
        yield Blow(rng.uniform(0.3, 3), kind, rng.randrange(1, workers), amount)


class Workers:
    """The processes that work, each in a slot; slot 0 belongs to who starts them.

    Args:
        folder: Where their notes are.
        store: The URL of the store.
        model_url: Where the model is.
        count: How many.
    """

    def __init__(self, folder: Path, store: str, model_url: str, count: int) -> None:
        command = [sys.executable, "-P", str(Path(__file__).with_name("workers.py")), str(folder), store, model_url]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
        self._nursery = subprocess.Popen(
            [*command, str(LEASE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.pids: dict[int, int] = {}
        self.count = count
        self.deaths = 0

    def start(self, slot: int, places: int = 0) -> None:
        """Start a worker that dies after so many places, or not by itself."""
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(f"{slot} {places}\n")
        self._nursery.stdin.flush()
        self.pids[slot] = int(self._nursery.stdout.readline())

    def send(self, slot: int, number: signal.Signals) -> None:
        """Send a signal to a worker, if it is still there."""
        with suppress(ProcessLookupError):
            os.kill(self.pids[slot], number)

    def is_alive(self, slot: int) -> bool:
        """True if it has not ended."""
        return Path(f"/proc/{self.pids[slot]}").exists()

    def replace_the_dead(self) -> None:
        """Start again who has ended."""
        for slot in list(self.pids):
            if not self.is_alive(slot):
                self.deaths += 1
                self.start(slot)

    async def end(self, slot: int) -> None:
        """Ask a worker to end, and wait until it has."""
        self.send(slot, signal.SIGTERM)
        for _ in range(400):
            if not self.is_alive(slot):
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"worker {slot} does not end")

    def close(self) -> None:
        """Leave nobody behind."""
        for slot in self.pids:
            self.send(slot, signal.SIGKILL)
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.close()
        self._nursery.wait(10)
        self._nursery.stdout.close()


class Nemesis:
    """Carries out what was scheduled.

    Args:
        workers: Whom to hit.
        clocks: Of all processes, by slot.
        lock: Keeps everybody out of the store for so many seconds.
    """

    def __init__(
        self, workers: Workers, clocks: dict[int, MovedClock], lock: Callable[[float], Awaitable[None]]
    ) -> None:
        self._workers = workers
        self._clocks = clocks
        self._lock = lock
        self.dealt: Counter[str] = Counter()
        self._doings: dict[str, Callable[[Blow], Awaitable[None]]] = {
            "kill": self._kill,
            "die": self._die,
            "freeze": self._freeze,
            "end": self._end,
            "lock": lambda blow: self._lock(blow.amount),
            "jump": self._jump,
            "jump all": self._jump_all,
        }

    async def rage(self, seed: str) -> None:
        """Go on until it is cancelled."""
        for blow in schedule(seed, self._workers.count):
            await asyncio.sleep(blow.after)
            await self._doings[blow.kind](blow)
            self.dealt[blow.kind] += 1
            self._workers.replace_the_dead()

    async def _kill(self, blow: Blow) -> None:
        self._workers.send(blow.slot, signal.SIGKILL)
        await asyncio.sleep(0.05)

    async def _die(self, blow: Blow) -> None:
        self._workers.send(blow.slot, signal.SIGKILL)
        await asyncio.sleep(0.05)
        self._workers.start(blow.slot, int(blow.amount))

    async def _freeze(self, blow: Blow) -> None:
        self._workers.send(blow.slot, signal.SIGSTOP)
        try:
            await asyncio.sleep(blow.amount)
        finally:
            self._workers.send(blow.slot, signal.SIGCONT)

    async def _end(self, blow: Blow) -> None:
        await self._workers.end(blow.slot)

    async def _jump(self, blow: Blow) -> None:
        self._clocks[blow.slot].move(blow.amount)
        await asyncio.sleep(2)
        self._clocks[blow.slot].move(0)

    async def _jump_all(self, blow: Blow) -> None:
        for clock in self._clocks.values():
            clock.move(blow.amount)
        await asyncio.sleep(2)
        for clock in self._clocks.values():
            clock.move(0)


async def lock_file(path: Path, seconds: float) -> None:
    """Hold the write lock of a SQLite file."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        connection.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(seconds)
    finally:
        connection.close()


async def restart(server: PostgresServer, _: float) -> None:
    """Let a PostgreSQL server crash and come back."""
    await asyncio.to_thread(server.stop, signal.SIGQUIT)
    await asyncio.to_thread(server.start)


@contextmanager
def started(workers: Workers) -> Generator[None]:
    """All of them, gone afterwards."""
    try:
        for slot in range(workers.count):
            workers.start(slot)
        yield
    finally:
        workers.close()

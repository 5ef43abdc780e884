"""A program that talks to a store until it is killed, as often as it is started, and notes what it did.

    victim.py FOLDER CONVERSATIONS MESSAGES [--at NAME N | --stop-at NAME N | --seed SEED KILLS] [--lease SECONDS]
              [--all-at-once PREFIX]

              [--foreign] [--slowness FACTOR] [--survivor]

Without a way to die it works to the end. With `--seed` it forks children that die, at random, and works to the end when
enough of them have. What is acknowledged, asked and done outside is appended to files in FOLDER; a file `store` there
names another store than `chat.db`. With `--foreign` every process is on a machine of its own, as far as others can
tell. With `--survivor` it says nothing, and works until a file `over` is there.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from corner_shop import Held, first_calls

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.crash_points import watched
from agent_runtime_framework.journey import IdempotencyKey, Injected, Journey, step
from agent_runtime_framework.runtime import LocalHost, Runtime

TOOLS = ("add", "look", "book", "charge")


class Notes:
    """Lines in files that outlive the process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, kind: str, line: str) -> None:
        descriptor = os.open(self.folder / kind, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)

    def read(self, kind: str) -> list[str]:
        path = self.folder / kind
        return path.read_text().splitlines() if path.exists() else []


class Till(Journey):
    """Counts."""

    count: int = 0

    open = step("Serve them.")

    @open.tool(effect="state")
    async def add(self) -> str:
        """Count one up."""
        self.count += 1
        return "added"

    @open.tool(effect="read")
    async def look(self) -> str:
        """Look."""
        await asyncio.sleep(0)
        return "seen"

    @open.tool(effect="idempotent")
    async def book(self, notes: Injected[Notes], key: IdempotencyKey) -> str:
        """Book."""
        notes.write("booked", key)
        await asyncio.sleep(0)
        return "booked"

    @open.tool(effect="once")
    async def charge(self, notes: Injected[Notes], key: IdempotencyKey) -> str:
        """Charge them."""
        notes.write("charged", key)
        await asyncio.sleep(0.001)
        self.count += 100
        notes.write("charge ended", key)
        return "charged"


class Model(Held):
    """Calls every tool, one a request; notes what it is asked."""

    def __init__(self, notes: Notes) -> None:
        super().__init__(first_calls(*TOOLS))
        self._notes = notes

    async def generate(
        self, messages: list[JSONObject], *, tools: list[JSONObject] | None = None, **kwargs: Any
    ) -> Any:
        last = max(index for index, each in enumerate(messages) if each["role"] == "user")
        self._notes.write("asked", f"{messages[last]['content']} {len(messages) - last}")
        await asyncio.sleep(0.001)
        return await super().generate(messages, tools=tools, **kwargs)


def place_of(folder: Path) -> str:
    """The URL of the store."""
    named = folder / "store"
    return named.read_text() if named.exists() else f"sqlite:///{folder}/chat.db"


async def talk(
    folder: Path, conversations: int, messages: int, lease: float, prefix: str | None, *, survives: bool = False
) -> None:
    notes = Notes(folder)
    agents = [Till.agent(Model(notes), provide=[notes])]

    async def say(name: str, message_id: str) -> None:
        await chats.accept(name, f"{name}-{message_id}", message_id=message_id)
        notes.write("acknowledged", f"{name} {message_id}")
        await chats.reply_to(name, message_id)

    async def converse(name: str) -> None:
        if prefix is not None:
            await asyncio.gather(*(say(name, f"{prefix}{number}") for number in range(messages)))
            return
        for number in range(messages):
            await say(name, f"m{number}")

    host = LocalHost(sweep=min(5.0, lease / 3))
    chats = Runtime(place_of(folder), agents, max_attempts=1_000, lease=lease, host=host)
    if survives:
        async with chats:
            while not (folder / "over").exists():  # noqa: ASYNC110  another process makes it
                await asyncio.sleep(0.05)
        return
    async with chats, asyncio.TaskGroup() as group:
        for number in range(conversations):
            group.create_task(converse(f"c{number}"))


def dies_at(name: str | None, count: int, how: signal.Signals = signal.SIGKILL) -> Callable[[str], None]:
    """Kills or stops this process when a place is reached for the n-th time; without a name, any place."""
    reached, lock = 0, threading.Lock()

    def watch(place: str) -> None:
        nonlocal reached
        if name in (None, place):
            with lock:
                reached += 1
                if reached == count:
                    os.kill(os.getpid(), how)

    return watch


def die_again_and_again(notes: Notes, seed: str, kills: int, slowness: float, work: Callable[[], None]) -> None:
    rng = random.Random(seed)
    for _ in range(kills):
        is_timed, places, seconds = rng.random() < 0.5, rng.randint(1, 60), rng.uniform(0.005, 0.12) * slowness
        child = os.fork()
        if child == 0:
            with ExitStack() as stack:
                if not is_timed:
                    stack.enter_context(watched(dies_at(None, places)))
                work()
            os._exit(0)
        if is_timed:
            time.sleep(seconds)
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            notes.write("killed", seed)


def main(folder: str, conversations: str, messages: str, *options: str) -> None:
    lease = float(options[options.index("--lease") + 1]) if "--lease" in options else 30.0

    prefix = options[options.index("--all-at-once") + 1] if "--all-at-once" in options else None

    def work() -> None:
        if "--foreign" in options:
            name = f"machine-{os.getpid()}"
            socket.gethostname = lambda: name
        survives = "--survivor" in options
        asyncio.run(talk(Path(folder), int(conversations), int(messages), lease, prefix, survives=survives))

    for option, how in (("--at", signal.SIGKILL), ("--stop-at", signal.SIGSTOP)):
        if option in options:
            name, count = options[options.index(option) + 1 :][:2]
            with watched(dies_at(name, int(count), how)):
                work()
            return
    if "--seed" in options:
        seed, kills = options[options.index("--seed") + 1 :][:2]
        slowness = float(options[options.index("--slowness") + 1]) if "--slowness" in options else 1.0
        die_again_and_again(Notes(Path(folder)), seed, int(kills), slowness, work)
    work()


if __name__ == "__main__":
    main(*sys.argv[1:])

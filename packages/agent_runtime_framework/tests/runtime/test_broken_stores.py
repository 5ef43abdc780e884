"""Stores that fail: at the n-th call for every n, and for good."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from corner_shop import Held, Ledger, Shop, first_calls

from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.store.sqlite import SQLiteStore
from agent_runtime_framework.testing.invariants import broken_invariants

CALLS = ("accept", "claim", "record", "finish", "load")


class FailingStore(SQLiteStore):
    """Fails once, at the n-th of its calls; before or after it has done what was asked."""

    def __init__(self, path: Path, fails_at: int, *, afterwards: bool) -> None:
        super().__init__(path)
        self.calls: list[str] = []
        self._fails_at = fails_at
        self._afterwards = afterwards

    async def _count(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        self.calls.append(name)
        if len(self.calls) != self._fails_at:
            return await work()
        if self._afterwards:
            await work()
        raise StoreError("the disk is gone")

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in CALLS:
            return found

        async def counted(*arguments: Any, **options: Any) -> Any:
            return await self._count(name, lambda: found(*arguments, **options))

        return counted


@pytest.mark.asyncio
@pytest.mark.parametrize("afterwards", [False, True])
@pytest.mark.parametrize("number", range(1, 13))
async def test_a_store_that_fails_once_costs_no_message_and_repeats_no_effect(
    number: int, afterwards: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # A log that is kept keeps the errors, too, and what they happened in: nobody would complain of them.
    caplog.set_level(logging.CRITICAL, "agent_runtime_framework")
    store = FailingStore(tmp_path / "chat.db", number, afterwards=afterwards)
    ledger, complaints = Ledger(), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
    agents = [Shop.agent(Held(first_calls("add", "charge")), provide=[ledger])]
    async with Runtime(store, agents, host=LocalHost(sweep=0.05), lease=0.3) as chats:
        for message_id in ("m1", "m2"):
            for _ in range(2):
                try:
                    reply = await asyncio.wait_for(chats.send("ada", "hi", message_id=message_id), 10)
                except StoreError:
                    continue
                assert reply.status in ("answered", "failed")
        last = await chats.send("ada", "hi", message_id="m3")

        assert last.status == "answered"
        assert [turn.no for turn in await chats.turns("ada")] == [1, 2, 3]
    await store.aclose()
    assert broken_invariants(tmp_path / "chat.db") == []
    # Each turn charges once at most.
    assert len(ledger.done) <= 3
    gc.collect()
    assert complaints == []


FULL_DISK = """
import asyncio, resource, signal, sys
from agent_runtime_framework.errors import StoreError
from agent_runtime_framework.runtime import Runtime
from corner_shop import Held, Shop, Ledger, echo

async def main(path):
    agents = [Shop.agent(Held(echo), provide=[Ledger()])]
    refused = 0
    async with Runtime(f"sqlite:///{path}", agents, lease=0.2) as chats:
        await chats.send("ada", "hi", message_id="before")
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, hard))
        for number in range(50):
            try:
                await chats.accept("ada", "x" * 2_000, message_id=f"m{number}")
                print("accepted", f"m{number}")
            except StoreError as error:
                refused += 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        print("refused", refused)
        print("after", (await chats.send("ada", "hi", message_id="after")).status)
        for number in range(50):
            if await chats.store.outcome("ada", f"m{number}") is not None:
                print("reply", f"m{number}", (await chats.reply_to("ada", f"m{number}")).status)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
asyncio.run(main(sys.argv[1]))
"""


def test_a_full_disk_refuses_messages_and_loses_none_that_were_accepted(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", FULL_DISK, str(path)],
        capture_output=True, text=True, env=environment, timeout=60, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert "after answered" in lines, done.stderr[-2000:]
    accepted = {line.split()[1] for line in lines if line.startswith("accepted")}
    answered = {line.split()[1] for line in lines if line.startswith("reply") and line.endswith("answered")}
    assert accepted
    assert "refused 0" not in lines
    assert accepted <= answered
    assert broken_invariants(path) == []

"""What a runtime costs that has much to keep: nothing for what is only kept."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from quiet_room import Quote

from agent_runtime_core import ManualClock
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework import JourneyConfig
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.testing.invariants import broken_invariants

SILENT, ACTIVE, TURNS = 10_000, 100, 10_000


class Brief:
    """A model that answers, and remembers nothing."""

    def __init__(self) -> None:
        self.message: JSONObject = {"role": "assistant", "content": "I see."}
        self.usage: JSONObject = {"total_tokens": 1}

    async def generate(self, messages: list[JSONObject], **options: Any) -> Any:
        return self


class Diary(Journey):
    """A diary."""

    entries: int = 0

    write = step("Ask what happened today.")

    @write.tool(effect="state")
    def enter(self) -> str:
        """Enter something."""
        self.entries += 1
        return "Entered."


def resident_kilobytes() -> int:
    """How much memory this process has."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE") // 1024


def size_of(folder: Path) -> int:
    """Bytes of all files of a folder."""
    return sum(each.stat().st_size for each in folder.iterdir())


@pytest.mark.soak
@pytest.mark.asyncio
async def test_ten_thousand_silent_conversations_cost_no_task_and_hardly_a_moment(tmp_path: Path) -> None:
    clock, path = ManualClock(), tmp_path / "chat.db"
    url = f"sqlite:///{path}"
    async with Runtime(url, [Quote], llm_client=Brief(), clock=clock) as chats:
        for first in range(0, SILENT, 500):
            await asyncio.gather(*(chats.send(f"silent{number}", "hi") for number in range(first, first + 500)))
    idle = len(asyncio.all_tasks())

    began = time.perf_counter()
    async with Runtime(url, [Quote], llm_client=Brief(), clock=clock) as chats:
        await chats.send("silent0", "hi again")
        ready = time.perf_counter() - began
        tasks = len(asyncio.all_tasks()) - idle
        replies = await asyncio.gather(*(chats.send(f"active{number}", "hi") for number in range(ACTIVE)))
        looked = time.perf_counter()
        assert await chats.store.fire() == []
        looking = time.perf_counter() - looked

        clock.set_forward(timedelta(hours=2))
        began = time.perf_counter()
        reminded = await chats.fire_due()
        reminding = time.perf_counter() - began

    print(  # noqa: T201  figures for whoever runs it
        f"\n{SILENT} silent conversations: ready in {ready:.2f} s, {tasks} tasks, a look takes {looking * 1000:.2f} "
        f"ms; {len(reminded)} reminders in {reminding:.1f} s"
    )
    assert ready <= 2
    assert tasks <= 3  # the sweep, the leases, the timers
    assert all(reply.status == "answered" for reply in replies)
    assert sorted(reply.conversation_id for reply in reminded) == sorted(
        [*(f"silent{number}" for number in range(SILENT)), *(f"active{number}" for number in range(ACTIVE))]
    )
    assert broken_invariants(path) == []


@pytest.mark.soak
@pytest.mark.asyncio
async def test_the_ten_thousandth_turn_costs_what_the_first_ones_did(tmp_path: Path) -> None:
    path = tmp_path / "chat.db"
    agent = Diary.agent(Brief(), config=JourneyConfig(context=40))
    old: list[float] = []
    young: list[float] = []
    memory = 0

    async def taken(chats: Runtime, conversation_id: str, number: int) -> float:
        began = time.perf_counter()
        await chats.send(conversation_id, f"Today was day {number}.")
        return time.perf_counter() - began

    async with Runtime(f"sqlite:///{path}", [agent]) as chats:
        for number in range(TURNS - 100):
            if number == TURNS // 10:
                memory = resident_kilobytes()
            await taken(chats, "ada", number)
        for number in range(50):
            await taken(chats, "bob", number)
        for number in range(100):
            # By turns, because the machine has other things to do, and now more of them, now less.
            old.append(await taken(chats, "ada", number))
            young.append(await taken(chats, "bob", number))
        grown = resident_kilobytes() / memory

    first, last = statistics.median(young), statistics.median(old)
    size = size_of(tmp_path) / TURNS
    print(  # noqa: T201  figures for whoever runs it
        f"\n{TURNS} turns: the first take {first * 1000:.2f} ms, the last {last * 1000:.2f} ms, {last / first:.2f} "
        f"times as much; {size / 1000:.2f} kB a turn; memory grew {grown:.2f} times since turn {TURNS // 10}"
    )
    assert last <= 1.2 * first
    assert size <= 3000
    assert grown <= 1.1
    assert broken_invariants(path) == []

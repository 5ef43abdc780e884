"""Turns with calls of a real MCP server that end in another process than they began in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agent_runtime_framework import Journey, step
from agent_runtime_framework.runtime.host import LocalHost
from agent_runtime_framework.runtime.runtime import Runtime
from agent_runtime_framework.testing import ScriptedLLM, call, say

from .conftest import Weather

pytestmark = pytest.mark.slow


def journey(*tools: Any) -> type[Journey]:
    class Trip(Journey):
        """Trips."""

        plan = step("Plan a trip.", tools=tools)

    return Trip


def runtime(store: Path, trip: type[Journey], llm: ScriptedLLM) -> Runtime:
    return Runtime(f"sqlite:///{store}", [trip], llm_client=llm, host=LocalHost(grace=0))


def told(llm: ScriptedLLM) -> list[str]:
    return [message["content"] for message in llm.requests[-1].messages if message["role"] == "tool"]


async def interrupted(weather: Weather, store: Path, trip: type[Journey]) -> None:
    """A turn whose process ends in the middle of its call."""
    async with runtime(store, trip, ScriptedLLM(call("slow_at_first"))) as first:
        await first.accept("ada", "go", message_id="m")
        await weather.until("slow_at_first", "began")


@pytest.mark.asyncio
async def test_a_call_that_was_cut_off_is_not_made_again(weather: Weather, tmp_path: Path):
    trip = journey(weather.server.tool("slow_at_first"))
    await interrupted(weather, tmp_path / "db", trip)
    llm = ScriptedLLM(say("I do not know."))

    async with runtime(tmp_path / "db", trip, llm) as second:
        reply = await second.send("ada", "go", message_id="m")

    assert reply.text == "I do not know."
    assert "unknown" in told(llm)[0]
    assert len(weather.calls("slow_at_first")) == 1


@pytest.mark.asyncio
async def test_a_call_that_does_no_harm_is_made_again_by_another_connection(weather: Weather, tmp_path: Path):
    trip = journey(weather.server.tool("slow_at_first", effect="read"))
    await interrupted(weather, tmp_path / "db", trip)
    llm = ScriptedLLM(say("Done."))

    async with runtime(tmp_path / "db", trip, llm) as second:
        reply = await second.send("ada", "go", message_id="m")

    assert reply.text == "Done."
    assert told(llm) == ["at last"]
    assert len(weather.pids) == 2


@pytest.mark.asyncio
async def test_a_call_that_waited_for_a_person_is_made_by_whoever_goes_on(weather: Weather, tmp_path: Path):
    trip = journey(weather.server.tool("book_balloon", requires_approval=True))
    async with runtime(tmp_path / "db", trip, ScriptedLLM(call("book_balloon", city="Rome"))) as first:
        await first.send("ada", "go", message_id="m")
        (waiting,) = await first.pending("ada")
    calls_before = weather.calls("book_balloon")
    llm = ScriptedLLM(say("Booked."))

    async with runtime(tmp_path / "db", trip, llm) as second:
        await second.approve("ada", waiting.call_id)
        reply = await second.send("ada", "go", message_id="m")

    assert calls_before == []
    assert reply.text == "Booked."
    assert told(llm)[0].endswith("booked")
    assert len(weather.calls("book_balloon")) == 1

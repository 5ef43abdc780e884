from __future__ import annotations

import asyncio
import gc
import sys
import threading
from typing import Any

import pytest

from agent_runtime_framework.agents.blocking import runner_for
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.testing import ScriptedLLM, Talk, say


class Desk(Journey):
    """A desk."""

    serving = step("Serve them.")


class Owner:
    """Something with blocking calls."""


class Unraisable(list[Any]):
    """What was raised where nobody could catch it."""


@pytest.fixture
def unraisable(monkeypatch: pytest.MonkeyPatch) -> Unraisable:
    found = Unraisable()
    monkeypatch.setattr(sys, "unraisablehook", found.append)
    return found


def closing_ends() -> None:
    for thread in threading.enumerate():
        if thread.name == "closes an event loop":
            thread.join(10)


async def forever(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("ended")


async def leave_behind(ended: list[str]) -> asyncio.Task[None]:
    task = asyncio.create_task(forever(ended))
    await asyncio.sleep(0)
    return task


def test_an_agent_that_is_collected_inside_another_loop_closes_its_own(unraisable: Unraisable) -> None:
    agents = [Desk.agent(ScriptedLLM(say("Hello")))]
    assert agents[0].chat_sync("hi") == "Hello"

    async def collect() -> None:
        agents.clear()
        gc.collect()

    asyncio.run(collect())
    closing_ends()
    gc.collect()

    assert [each.exc_value for each in unraisable] == []


def test_a_talk_that_is_collected_inside_another_loop_closes_its_own(unraisable: Unraisable) -> None:
    talks: list[Talk[Desk]] = [Talk(Desk, ScriptedLLM(say("Hello")))]
    assert talks[0]("hi") == "Hello"

    async def collect() -> None:
        talks.clear()
        gc.collect()

    asyncio.run(collect())
    closing_ends()
    gc.collect()

    assert [each.exc_value for each in unraisable] == []


@pytest.mark.parametrize("inside_a_loop", [True, False])
def test_what_is_left_in_a_loop_is_ended_when_its_owner_is_gone(inside_a_loop: bool, unraisable: Unraisable) -> None:
    owners, ended = [Owner()], list[str]()
    task = runner_for(owners[0]).run(leave_behind(ended))
    assert not task.done()

    async def let_go() -> None:
        owners.clear()
        gc.collect()

    if inside_a_loop:
        asyncio.run(let_go())
    else:
        owners.clear()
    closing_ends()

    assert ended == ["ended"]
    assert task.get_loop().is_closed()
    assert [each.exc_value for each in unraisable] == []


def test_closing_one_takes_nobody_elses_current_loop_away() -> None:
    current = asyncio.new_event_loop()
    asyncio.set_event_loop(current)
    try:
        owner = Owner()
        runner_for(owner).run(asyncio.sleep(0))
        del owner
        gc.collect()

        assert asyncio.get_event_loop() is current
    finally:
        asyncio.set_event_loop(None)
        current.close()

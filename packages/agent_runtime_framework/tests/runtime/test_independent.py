"""Tools that are declared independent run side by side, and change nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from corner_shop import Ledger
from help_desk import Library

from agent_runtime_framework.config import override_config
from agent_runtime_framework.crash_points import watched
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.executor.hooks import ExecutorHooks
from agent_runtime_framework.journey import Journey, Step, step
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.runtime import LocalHost, Runtime
from agent_runtime_framework.testing import ScriptedLLM, call, say
from agent_runtime_framework.testing.invariants import broken_invariants


def library(llm: Any, ledger: Ledger, store: str = "memory://", **options: Any) -> Runtime:
    return Runtime(store, agents=[Library.agent(llm, provide=[ledger])], **options)


def results(messages: list[Any]) -> list[Any]:
    return [each["content"] for each in messages if each["role"] == "tool"]


@pytest.mark.asyncio
@pytest.mark.parametrize("under_runtime", [True, False])
async def test_neighbours_run_side_by_side_and_are_answered_in_order(under_runtime: bool) -> None:
    ledger = Ledger()
    ledger.may_go_on.clear()
    # One after the other, the first would wait for ever: it is the second that lets it go on.
    llm = ScriptedLLM([call("slow"), call("quick")], say("Done."))
    if under_runtime:
        async with library(llm, ledger) as chats:
            assert (await asyncio.wait_for(chats.send("ada", "look"), 5)).text == "Done."
    else:
        assert await asyncio.wait_for(Library.agent(llm, provide=[ledger]).chat("look"), 5) == "Done."
    assert results(llm.requests[1].messages) == ["slow result", "quick result"]
    assert ledger.done == ["slow", "quick"]


@pytest.mark.asyncio
async def test_a_tool_that_is_not_independent_waits_for_those_before_it() -> None:
    ledger = Ledger()
    llm = ScriptedLLM([call("slow"), call("quick"), call("add"), call("quick")], say("Done."))
    async with library(llm, ledger) as chats:
        await chats.send("ada", "look")
        assert results(llm.requests[1].messages) == ["slow result", "quick result", "1", "quick result"]
        assert (await chats.state("ada")).count == 1


@pytest.mark.asyncio
async def test_each_call_fails_and_is_given_up_for_itself() -> None:
    ledger = Ledger()
    llm = ScriptedLLM(
        [call("quick"), call("broken"), call("endless"), call("nonsense"), call("writes"), call("quick")], say("Done.")
    )
    with override_config(debug=False):
        async with library(llm, ledger) as chats:
            await chats.send("ada", "look")
            told = results(llm.requests[1].messages)
            assert told[0] == told[5] == "quick result"
            assert told[1] == "Error executing broken: no such book"
            assert told[2] == "Error: endless was given up after 0.01 seconds"
            assert told[3].startswith("Error: Unknown tool 'nonsense'")
            assert "writes is declared independent=True, so it must not change the state" in told[4]
            assert (await chats.state("ada")).count == 0


class Order(ExecutorHooks):
    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    async def on_tool_start(self, name: str, arguments: dict[str, Any]) -> None:
        self.told.append(("start", name))

    async def on_tool_end(self, name: str, result: str) -> None:
        self.told.append(("end", name))


@pytest.mark.asyncio
async def test_hooks_are_told_of_each_call_in_order() -> None:
    ledger, hooks = Ledger(), Order()
    ledger.may_go_on.clear()
    llm = ScriptedLLM([call("slow"), call("quick")], say("Done."))
    await Library.agent(llm, provide=[ledger], hooks=hooks).chat("look")
    for name in ("slow", "quick"):
        assert [what for what, whose in hooks.told if whose == name] == ["start", "end"]
    assert hooks.told[:2] == [("start", "slow"), ("start", "quick")]


@pytest.mark.asyncio
async def test_their_intentions_are_one_transaction() -> None:
    reached: list[str] = []
    ledger = Ledger()
    llm = ScriptedLLM([call("quick"), call("quick"), call("quick")], say("Done."))
    async with library(llm, ledger) as chats:
        with watched(reached.append):
            await chats.send("ada", "look")
    assert reached.count("call:before") == 1
    # The intentions; two that have ended while another runs; the rest with the next request.
    assert reached.count("record:after") <= 1 + 2 + 1


@pytest.mark.asyncio
async def test_what_has_ended_is_kept_when_the_turn_is_cancelled() -> None:
    ledger = Ledger()
    ledger.may_go_on.clear()
    llm = ScriptedLLM([call("broken"), call("slow")], say("Done."), say("Hi."))
    with override_config(debug=False):
        async with library(llm, ledger) as chats:
            await chats.accept("ada", "look", message_id="m1")
            await ledger.has_begun.wait()
            for _ in range(20):
                await asyncio.sleep(0)
            await chats.cancel("ada")
            assert (await chats.reply_to("ada", "m1")).status == "cancelled"
            told = [each.content for each in await chats.history("ada") if each.role == "tool"]
            assert told == ["Error executing broken: no such book", INTERRUPTED]


@pytest.mark.asyncio
async def test_those_that_have_ended_do_not_run_again_when_the_turn_is_continued(tmp_path: Path) -> None:
    ledger, store = Ledger(), f"sqlite:///{tmp_path}/chat.db"

    first = Ledger()
    script: list[Any] = [[call("slow"), call("find"), call("broken"), call("slow")]]
    first.may_go_on.clear()
    with override_config(debug=False):
        async with library(ScriptedLLM(*script), first, store, host=LocalHost(grace=0)) as chats:
            await chats.accept("ada", "look", message_id="m1")
            await first.has_begun.wait()
            await chats.store.turns("ada")
            for _ in range(100):
                await asyncio.sleep(0)
        llm = ScriptedLLM(say("Done."))
        async with library(llm, ledger, store) as chats:
            assert (await chats.reply_to("ada", "m1")).text == "Done."
            told = results(llm.requests[0].messages)
            assert told[1].startswith("Error: find did not run")
            assert [told[0], *told[2:]] == [
                "slow result",
                "Error executing broken: no such book",
                "slow result",
            ]
            receipt = (await chats.turns("ada"))[0].receipt or {}
            called = [line["call"]["name"] for line in receipt["done"] if "call" in line]
            assert sorted(called) == ["broken", "find", "slow", "slow"]
    assert ledger.done == ["slow", "slow"]
    assert broken_invariants(tmp_path / "chat.db") == []


def test_an_independent_tool_that_moves_is_an_error_of_the_class() -> None:
    with pytest.raises(ConfigurationError, match="is independent, but returns a step"):

        class Moves(Journey):  # pyright: ignore[reportUnusedClass]  it is not made
            """Moves."""

            a = step("A.")
            b = step(say="B.", final=True)

            @a.tool(independent=True)
            async def go(self) -> Step:
                """Go."""
                return self.b

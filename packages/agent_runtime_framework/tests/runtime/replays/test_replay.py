"""Stored conversations, held again: nothing is done twice, and what differs is named."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey import Injected, Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.runtime.replays.replay import Comparison, Replayed, replay
from agent_runtime_framework.testing import ScriptedLLM, call, say


class Ledger:
    """What was done outside."""

    def __init__(self) -> None:
        self.done: list[str] = []


class Shop(Journey):
    """A shop."""

    key = "shop"

    kind: str = ""
    paid: int = 0

    choose = step("Find out what they want.")
    verify = step("Check their age.")
    offer = step("Offer it.")
    done = step(say="You have it.", final=True)

    @choose.tool(to="verify", effect="state")
    def pick(self, kind: str) -> str:
        """Record it."""
        self.kind = kind
        return "Picked."

    @verify.tool(to="offer", effect="read")
    def check(self, ledger: Injected[Ledger]) -> str:
        """Look their age up."""
        ledger.done.append("check")
        return "An adult."

    @offer.tool(to="done", effect="once")
    def buy(self, ledger: Injected[Ledger]) -> str:
        """Buy it."""
        ledger.done.append("buy")
        self.paid = 7
        return "Bought."


class Careless(Journey):
    """The same, changed: nobody is verified."""

    key = "shop"

    kind: str = ""
    paid: int = 0

    choose = step("Find out what they want.")
    offer = step("Offer it.")
    done = step(say="You have it.", final=True)

    @choose.tool(to="offer", effect="state")
    def pick(self, kind: str) -> str:
        """Record it."""
        self.kind = kind
        return "Picked."

    @offer.tool(to="done", effect="once")
    def buy(self, ledger: Injected[Ledger]) -> str:
        """Buy it."""
        ledger.done.append("buy")
        return "Bought."


SCRIPT = (call("pick", kind="car"), call("check"), say("Buy it?"), call("buy"))


async def stored(*texts: str, script: Any = SCRIPT) -> JSONObject:
    async with Runtime("memory://", [Shop.agent(ScriptedLLM(*script), provide=[Ledger()])]) as chats:
        for text in texts:
            await chats.send("ada", text)
        document = await chats.export("ada")
        assert document is not None
        return document


async def again(document: JSONObject, journey: type[Journey] = Shop, llm: Any = None) -> tuple[Replayed, list[str]]:
    ledger = Ledger()
    return await replay(document, journey.agent(provide=[ledger]), llm), ledger.done


@pytest.mark.asyncio
async def test_the_same_code_goes_the_same_way_and_does_nothing_outside() -> None:
    found, done = await again(await stored("a car", "yes"))

    assert (found.is_same, done) == (True, [])


@pytest.mark.asyncio
async def test_a_step_that_is_left_out_is_named() -> None:
    document = await stored("a car", "yes")
    llm = ScriptedLLM(call("pick", kind="car"), say("Buy it?"), call("buy"))
    found, done = await again(document, Careless, llm)

    assert found.skips == ["verify"]
    assert found.turns[0].differences == ["now skips verify", "now does not call check"]
    assert done == []
    assert Comparison([found]).reasons["now skips verify"] == 1


@pytest.mark.asyncio
async def test_what_a_call_did_to_the_state_is_done_again_without_it() -> None:
    class Asking(Shop):
        """The same, but what was paid decides what comes next."""

        key = "shop"

    llm = ScriptedLLM(call("pick", kind="car"), call("check"), say("Buy it?"), call("buy"))
    found, done = await again(await stored("a car", "yes"), Asking, llm)

    assert (found.is_same, done) == (True, [])


@pytest.mark.asyncio
async def test_a_call_that_was_never_made_is_reported_and_not_made() -> None:
    document = await stored("a car")
    llm = ScriptedLLM(call("pick", kind="car"), call("check"), call("buy"))
    found, done = await again(document, Shop, llm)

    assert (found.stopped_at, done) == (1, [])
    assert found.stopped_because == "buy would be called with arguments that it was never called with"
    assert not found.skips


@pytest.mark.asyncio
async def test_a_model_that_is_asked_more_often_than_it_was_ends_the_replay() -> None:
    document = await stored("a car")
    document["turns"][0]["receipt"]["done"] = document["turns"][0]["receipt"]["done"][:6]
    document["messages"] = document["messages"][:5]
    found, _ = await again(document)

    assert (found.stopped_at, found.stopped_because) == (1, "the model would be asked once more than it was")


@pytest.mark.asyncio
async def test_changed_code_that_breaks_is_found() -> None:
    class Broken(Shop):
        """Breaks."""

        key = "shop"

        def is_complete(self) -> bool:
            raise ZeroDivisionError("oh")

    found, _ = await again(await stored("a car", "yes"), Broken)

    assert found.stopped_because == "it breaks: ZeroDivisionError: oh"


@pytest.mark.asyncio
async def test_a_call_whose_outcome_is_unknown_stays_so() -> None:
    document = await stored("a car", "yes")
    receipt = document["turns"][1]["receipt"]
    call_line = next(each["call"] for each in receipt["done"] if "call" in each)
    call_line.update(ok=False, unknown=True)
    receipt["done"] = [each for each in receipt["done"] if "move" not in each and "said" not in each]
    del receipt["over"]
    document["turns"][1]["effects"] = None
    document["messages"][-2]["body"]["content"] = "Error: interrupted."
    document["messages"][-1]["body"]["content"] = "I do not know whether it worked."
    receipt["done"].append({"model": {"offered": ["buy"], "calls": [], "usage": None}})
    found, done = await again(document)

    assert (found.is_same, done) == (True, [])


@pytest.mark.asyncio
async def test_what_cannot_be_said_again_is_left_out() -> None:
    document = await stored("a car")
    document["messages"][0]["body"]["content"] = "my card is •••"

    assert "sensitive answers" in (await again(document))[0].left_out
    document["oldest_seq"] = 3
    assert "beginning" in (await again(document))[0].left_out

    document["turns"][0]["agent_key"] = "other"
    assert "shop never answered" in (await again(document))[0].left_out

"""What the page about the promise says that is *not* promised."""

from __future__ import annotations

from datetime import timedelta

import pytest
from corner_shop import Held, Ledger, Shop, echo, first_calls
from help_desk import Desk

from agent_runtime_core import ManualClock
from agent_runtime_framework import AgentContext, AgentResult
from agent_runtime_framework.agents.base import BaseAgent
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.runtime import Runtime


@pytest.mark.asyncio
async def test_a_state_that_is_saved_from_outside_while_a_turn_rests_is_overwritten_by_its_end() -> None:
    async with Runtime("memory://", [Desk.agent(Held(first_calls("add", "pay")), provide=[Ledger()])]) as chats:
        paused = await chats.send("ada", "pay")
        await chats.store.save_state("ada", "desk", '{"step": "serve", "count": 70}')
        assert (await chats.state("ada")).count == 70

        await chats.approve("ada", paused.pending[0].call_id)
        reply = await chats.reply_to("ada", paused.message_id)

        assert reply.status == "answered"
        assert (await chats.state("ada")).count == 11


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["erased", "pruned"])
async def test_whoever_is_forgotten_is_answered_anew_under_the_same_message_id(how: str) -> None:
    clock, llm = ManualClock(), Held(echo)
    async with Runtime("memory://", [Shop.agent(llm, provide=[Ledger()])], clock=clock) as chats:
        await chats.send("ada", "hi", message_id="m1")
        if how == "erased":
            await chats.erase("ada")
        else:
            clock.set_forward(timedelta(days=2))
            assert await chats.prune(timedelta(days=1)) == ["ada"]

        assert (await chats.send("ada", "ho", message_id="m1")).text == "You said: ho"
        assert len(llm.requests) == 2


@pytest.mark.asyncio
async def test_a_message_id_names_a_message_whatever_it_says() -> None:
    async with Runtime("memory://", [Shop.agent(Held(echo), provide=[Ledger()])]) as chats:
        await chats.send("ada", "hi", message_id="m1")

        assert (await chats.send("ada", "something else", message_id="m1")).text == "You said: hi"
        assert (await chats.send("bob", "ho", message_id="m1")).text == "You said: ho"


class Foreign(BaseAgent):
    """An agent with a run of its own."""

    @property
    def key(self) -> str:
        return "foreign"

    async def run(self, ctx: AgentContext) -> AgentResult:
        return AgentResult(response="hi")


def test_an_agent_with_a_run_of_its_own_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected a Journey class, a JourneyAgent"):
        Runtime("memory://", [Foreign()])

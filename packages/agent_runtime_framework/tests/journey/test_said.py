"""`Said[...]`: a tool's argument has to be the person's own words."""

from __future__ import annotations

import pytest

from agent_runtime_framework.journey import Journey, Said, step
from agent_runtime_framework.testing import ScriptedLLM, call, say

pytestmark = pytest.mark.asyncio


class Quote(Journey):
    plate: str = ""

    car = step("Ask for the plate.")
    done = step(say="Thank you.", final=True)

    @car.tool(to=done, effect="state")
    async def save(self, plate: Said[str]) -> None:
        """Save the plate."""
        self.plate = plate


async def test_invented_argument_does_not_run():
    llm = ScriptedLLM(call("save", plate="W-999"), say("Which plate?"))

    reply = await Quote.agent(llm).chat("a car, please")

    assert reply == "Which plate?"
    assert llm.requests[1].messages[-1]["content"] == (
        "Error: the person did not say plate; ask them, and assume nothing"
    )


async def test_argument_in_another_notation_runs():
    agent = Quote.agent(ScriptedLLM(call("save", plate="W-123 AB")))

    assert await agent.chat("it's w123ab") == "Thank you."


async def test_argument_that_the_person_agreed_to_runs():
    agent = Quote.agent(ScriptedLLM(say("Is it W-123?"), call("save", plate="W-123")))
    await agent.chat("hello")

    assert await agent.chat("yes, exactly") == "Thank you."

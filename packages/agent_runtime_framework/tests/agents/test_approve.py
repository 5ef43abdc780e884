"""Calls that need a person's agreement where there is no runtime to wait in."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime_framework import AgentContext, AgentMessage, BaseJourneyState, BaseJourneyTools, JourneyAgent
from agent_runtime_framework.approvals import PendingCall, Verdict
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.testing import ScriptedLLM, call, say
from agent_runtime_framework.tools import ToolSchema
from agent_runtime_framework.tools.approval import requires_approval


class Till(Journey):
    """A till."""

    paid: int = 0

    serve = step("Serve them.")

    @serve.tool(effect="once", requires_approval=True)
    async def pay(self, amount: int) -> str:
        """Pay."""
        self.paid += amount
        return "paid"


def script() -> ScriptedLLM:
    return ScriptedLLM(call("pay", amount=5), say("Well."))


@pytest.mark.asyncio
async def test_without_anybody_to_ask_the_call_does_not_run_and_the_model_is_told_why() -> None:
    llm = script()
    agent = Till.agent(llm)
    assert await agent.chat("pay") == "Well."
    assert (await agent.state_of()).paid == 0
    assert (
        llm.requests[1]
        .messages[-1]["content"]
        .startswith("Error: pay did not run: a person has to agree to it first, and nobody can be asked here.")
    )


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("verdict", "paid", "told"),
    [
        (True, 5, "paid"),
        (False, 0, "Error: pay did not run; rejected by a person."),
        ("not today", 0, "Error: pay did not run; rejected by a person: not today."),
        (None, 0, "Error: pay did not run: a person has to agree to it first, and nobody"),
    ],
)
async def test_a_callable_decides_at_once(verdict: Verdict, paid: int, told: str) -> None:
    asked: list[PendingCall] = []

    async def approve(pending: PendingCall) -> Verdict:
        asked.append(pending)
        return verdict

    llm = script()
    agent = Till.agent(llm)
    await agent.chat("pay", "ada", approve=approve)

    assert (await agent.state_of("ada")).paid == paid
    assert llm.requests[1].messages[-1]["content"].startswith(told)
    assert [(each.conversation_id, each.tool, each.arguments) for each in asked] == [("ada", "pay", {"amount": 5})]


@pytest.mark.asyncio
async def test_an_agent_may_have_somebody_who_decides() -> None:
    agent = Till.agent(script(), approve=lambda _: True)
    await agent.chat("pay")
    assert (await agent.state_of()).paid == 5


class Tools(BaseJourneyTools[BaseJourneyState[Any]]):
    @requires_approval("more than the desk may decide", note="One moment.")
    async def refund(self) -> str:
        return "refunded"


class State(BaseJourneyState[Any]):
    def to_dict(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_dict(cls, data: Any) -> State:
        return cls()

    def is_complete(self) -> bool:
        return False


class Long(JourneyAgent[State, Tools, str]):
    @property
    def key(self) -> str:
        return "long"

    def get_initial_state(self) -> State:
        return State()

    def get_system_prompt(self, state: State) -> str:
        return "Serve."

    def get_tool_schemas(self, state: State) -> list[ToolSchema]:
        return [ToolSchema("refund", "Give money back.")]

    def create_tools(self, state: State, ctx: AgentContext) -> Tools:
        return Tools(state)


@pytest.mark.asyncio
async def test_the_long_form_says_it_with_a_decorator() -> None:
    reasons: list[str] = []

    def approve(pending: PendingCall) -> Verdict:
        reasons.append(pending.reason)
        return True

    llm = ScriptedLLM(call("refund"), say("Done."))
    await Long(llm, approve=approve).run(AgentContext.from_text("hi"))
    assert reasons == ["more than the desk may decide"]
    assert llm.requests[1].messages[-1]["content"] == "refunded"
    assert AgentMessage.from_dict(llm.requests[1].messages[-1]).role == "tool"


def wants_what_is_not_there(self: Any, sum: int) -> bool:
    return sum > 5


async def takes_its_time(self: Any) -> bool:
    return True


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"requires_approval": wants_what_is_not_there}, "takes 'sum', which is no parameter of tool 'pay'"),
        ({"requires_approval": takes_its_time}, "is async"),
        ({"requires_approval": 5}, "expected True, or a method that says when"),
        ({"approval_note": "One moment."}, "nobody has to agree to it"),
    ],
)
def test_a_rule_that_cannot_be_asked_is_an_error_of_the_class(options: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):

        class Wrong(Journey):  # pyright: ignore[reportUnusedClass]  it is not made
            """Wrong."""

            serve = step("Serve them.")

            @serve.tool(effect="once", **options)
            async def pay(self, amount: int) -> str:
                """Pay."""
                return "paid"

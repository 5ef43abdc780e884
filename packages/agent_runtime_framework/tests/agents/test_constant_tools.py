"""Requests that begin alike: the same tools at every step, so that a provider's cache holds."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Self

import pytest
import pytest_asyncio

from agent_runtime_core.fake_provider import FakeProvider, Reply, call
from agent_runtime_core.llm.anthropic import AnthropicClient
from agent_runtime_core.llm.openai import OpenAIClient
from agent_runtime_framework import (
    AgentContext,
    BaseJourneyState,
    JourneyAgent,
    JourneyConfig,
    MemoryManager,
    ToolSchema,
    ToolSchemaBuilder,
)
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.testing import ScriptedLLM, say
from agent_runtime_framework.testing import call as calls


class Policy(Journey):
    """You are the quote desk of Acme. Brief, friendly, never pushy. You sell insurance for cars and for homes.

    You never give advice on other companies, never promise a price before it was computed, and never ask for anything
    that the current step does not need. When somebody is in a hurry, you are quicker. When somebody is angry, you stay
    calm, say once that you are sorry, and go on with what can be done. You write plain sentences without headings.
    """

    kind: str = ""
    plate: str = ""
    mileage: int = 0

    choose = step("Find out whether they want to insure a car or a home.")
    car = step("Ask for the licence plate of the car.")
    drive = step("Ask how many kilometres a year they drive.")
    offer = step("Offer the policy for 300 euros a year, and ask whether they want it.")
    done = step("Thank them, and tell them that the policy comes by mail.")

    @choose.tool(to=car)
    async def pick(self, kind: str) -> str:
        """Record what they want to insure."""
        self.kind = kind
        return "Recorded."

    @car.tool(to=drive)
    async def save_plate(self, plate: str) -> str:
        """Record the licence plate."""
        self.plate = plate
        return "Recorded."

    @drive.tool(to=offer)
    async def save_mileage(self, kilometres: int) -> str:
        """Record the kilometres a year."""
        self.mileage = kilometres
        return "Recorded."

    @offer.tool(to=done)
    async def accept(self) -> str:
        """They want the policy."""
        return "Bought."

    @offer.tool(to=choose)
    async def decline(self) -> str:
        """They do not want the policy."""
        return "Nothing was bought."


TALK = [
    ("My car, please.", call("pick", kind="car"), "Gladly. What is its licence plate?"),
    ("It is B-AR 1234.", call("save_plate", plate="B-AR 1234"), "And how many kilometres do you drive a year?"),
    ("About 12000.", call("save_mileage", kilometres=12000), "That would be 300 euros a year. Do you want it?"),
    ("Yes, I do.", call("accept"), "Thank you! The policy comes by mail."),
    ("Thanks, when?", None, "Within three days."),
]
ALL_TOOLS = ["pick", "save_plate", "save_mileage", "accept", "decline"]


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as provider:
        yield provider


def openai_client(fake: FakeProvider) -> OpenAIClient:
    client = OpenAIClient("key", "m", base_url=fake.openai_url, tail="last")
    client._is_openai = True  # what only an address of OpenAI's own says
    return client


def anthropic_client(fake: FakeProvider) -> AnthropicClient:
    return AnthropicClient("key", "claude-opus-5-5", base_url=fake.anthropic_url)


async def bodies(client: Any, fake: FakeProvider, *, constant_tools: bool) -> list[dict[str, Any]]:
    agent = Policy.agent(client, memory=MemoryManager(), config=JourneyConfig(constant_tools=constant_tools))
    for text, asked, reply in TALK:
        fake.script(*([Reply(calls=[asked])] if asked else []), Reply(reply))
        assert await agent.chat(text) == reply
    await client.aclose()
    return [request.body for request in fake.requests]


def tokens(body: Mapping[str, Any]) -> list[str]:
    """The request as the model reads it: tools, system prompt, messages; cache marks are no part of it."""
    messages = [[each["role"], blocks(each.get("content")), each.get("tool_calls")] for each in body["messages"]]
    parts = [*body.get("tools", ()), *blocks(body.get("system")), *messages]
    return re.findall(r"\w+|[^\w\s]", json.dumps(parts))


def blocks(content: Any) -> list[Any]:
    found = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    return [{key: value for key, value in block.items() if key != "cache_control"} for block in found]


def cached_share(requests: list[dict[str, Any]]) -> float:
    """Tokens shared with the request before, of all tokens of the requests behind the first."""
    read = [tokens(body) for body in requests]
    common = 0
    for before, after in pairwise(read):
        pairs = enumerate(zip(before, after, strict=False))
        common += next((at for at, (one, other) in pairs if one != other), min(len(before), len(after)))
    return common / sum(len(each) for each in read[1:])


@pytest.mark.asyncio
@pytest.mark.parametrize("make_client", [openai_client, anthropic_client])
async def test_four_fifths_of_a_request_were_in_the_one_before(make_client: Any, fake: FakeProvider) -> None:
    sent = await bodies(make_client(fake), fake, constant_tools=True)

    assert len(sent) == 9
    assert cached_share(sent) >= 0.8
    assert len({json.dumps(body["tools"]) for body in sent}) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize("make_client", [openai_client, anthropic_client])
async def test_without_it_a_change_of_step_changes_the_beginning(make_client: Any, fake: FakeProvider) -> None:
    sent = await bodies(make_client(fake), fake, constant_tools=False)

    assert cached_share(sent) < 0.7


@pytest.mark.asyncio
async def test_requests_say_which_tools_may_be_called_now(fake: FakeProvider) -> None:
    sent = await bodies(openai_client(fake), fake, constant_tools=True)

    choices = [body["tool_choice"] for body in sent]
    allowed = [[each["function"]["name"] for each in _allowed(choice)] for choice in choices]
    assert allowed[0] == ["pick"]
    assert sorted(allowed[6]) == ["accept", "decline"]
    assert choices[-1] == "none"


def _allowed(choice: Any) -> list[Any]:
    return [] if isinstance(choice, str) else choice["allowed_tools"]["tools"]


class KnowsAllowedTools(ScriptedLLM):
    supports_allowed_tools = True


@pytest.mark.asyncio
async def test_tool_that_is_sent_and_not_offered_is_refused() -> None:
    llm = KnowsAllowedTools(calls("accept"), say("Sorry."))
    agent = Policy.agent(llm, config=JourneyConfig(constant_tools=True))

    result = await agent.run(AgentContext.from_text("Sell me the policy"))

    assert llm.requests[0].tool_names == ALL_TOOLS
    assert llm.requests[0].options["allowed_tools"] == ["pick"]
    assert "Unknown tool 'accept'" in (result.messages[1].content or "")
    assert result.state is not None
    assert result.state["step"] == "choose"


@pytest.mark.asyncio
async def test_client_that_does_not_know_of_it_is_sent_what_is_offered() -> None:
    llm = ScriptedLLM(say("Car or home?"))
    await Policy.agent(llm, config=JourneyConfig(constant_tools=True)).run(AgentContext.from_text("hi"))

    assert llm.requests[0].tool_names == ["pick"]
    assert "allowed_tools" not in llm.requests[0].options


class Where(StrEnum):
    NAME = "name"
    EMAIL = "email"


@dataclass
class Intake(BaseJourneyState[Where]):
    step: Where = Where.NAME

    def is_complete(self) -> bool:
        return False

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(Where(data["step"]))


class IntakeAgent(JourneyAgent[Intake, None, Where]):
    key = "intake"

    def get_initial_state(self) -> Intake:
        return Intake()

    def get_system_prompt(self, state: Intake) -> str:
        return f"Ask for the {state.step}."

    def get_tool_schemas(self, state: Intake) -> list[ToolSchema]:
        return [ToolSchemaBuilder(f"save_{state.step}").build()]

    def create_tools(self, state: Intake, ctx: AgentContext) -> None:
        return None

    async def execute_tool(self, tools: None, name: str, arguments: dict[str, Any]) -> str:
        return "saved"


@pytest.mark.asyncio
async def test_documented_journey_sends_the_tools_of_all_its_steps() -> None:
    llm = KnowsAllowedTools(say("What is your name?"))
    await IntakeAgent(llm, JourneyConfig(constant_tools=True)).run(AgentContext.from_text("hi"))

    assert llm.requests[0].tool_names == ["save_name", "save_email"]
    assert llm.requests[0].options["allowed_tools"] == ["save_name"]

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import pytest

from agent_runtime_framework import AgentContext, BaseJourneyState, JourneyAgent, MemoryManager, ToolSchema
from agent_runtime_framework import ToolSchemaBuilder as Builder
from agent_runtime_framework.errors import StateError
from agent_runtime_framework.testing import ScriptedLLM, call, say


@dataclass
class Counter(BaseJourneyState[str]):
    step: str = "counting"
    count: int = 0

    def is_complete(self) -> bool:
        return False

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step, "count": self.count}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**data)


class CountingAgent(JourneyAgent[Counter, Counter, str]):
    key = "counting"

    def get_initial_state(self) -> Counter:
        return Counter()

    def get_system_prompt(self, state: Counter) -> str:
        return "Count."

    def get_tool_schemas(self, state: Counter) -> list[ToolSchema]:
        return [Builder("add").build()]

    def create_tools(self, state: Counter, ctx: AgentContext) -> Counter:
        return state

    async def execute_tool(self, tools: Counter, name: str, arguments: dict[str, Any]) -> str:
        tools.count += 1
        return "added"


class KeptElsewhere(CountingAgent):
    async def load_state(self, ctx: AgentContext) -> Counter:
        return Counter(count=len(str(ctx.conversation_id)))


@pytest.mark.asyncio
@pytest.mark.parametrize("memory", [None, MemoryManager()])
async def test_the_state_of_a_conversation_can_be_read(memory: MemoryManager | None) -> None:
    agent = CountingAgent(ScriptedLLM(call("add"), say("one")), memory=memory)
    await agent.chat("count", "ada")
    assert (await agent.state_of("ada")).count == 1
    assert await agent.state_of("somebody else") == Counter()


@pytest.mark.asyncio
async def test_a_state_kept_elsewhere_is_read_from_there() -> None:
    assert (await KeptElsewhere(memory=MemoryManager()).state_of("abc")).count == 3


@pytest.mark.asyncio
async def test_a_state_that_no_longer_fits_is_an_error() -> None:
    memory = MemoryManager()
    await memory.save_state("ada", "counting", {"colour": "red"})
    with pytest.raises(StateError, match="no longer fits Counter"):
        await CountingAgent(memory=memory).state_of("ada")

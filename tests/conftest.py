"""Fixtures that most tests begin with: the documented onboarding, a turn of it, a place to keep it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from agent_runtime_framework import (
    AgentContext,
    AgentMessage,
    BaseJourneyState,
    BaseJourneyTools,
    JourneyAgent,
    MemoryManager,
    ToolSchema,
    ToolSchemaBuilder,
)


class OnboardingStep(StrEnum):
    COLLECT_NAME = "collect_name"
    COLLECT_EMAIL = "collect_email"
    COMPLETE = "complete"


@dataclass
class OnboardingState(BaseJourneyState[OnboardingStep]):
    step: OnboardingStep = OnboardingStep.COLLECT_NAME
    name: str = ""
    email: str = ""

    def is_complete(self) -> bool:
        return self.step == OnboardingStep.COMPLETE

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step.value, "name": self.name, "email": self.email}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "OnboardingState":
        return cls(OnboardingStep(data["step"]), data["name"], data["email"])


class OnboardingTools(BaseJourneyTools[OnboardingState]):
    async def save_name(self, name: str) -> str:
        self.state.name = name
        self.state.step = OnboardingStep.COLLECT_EMAIL
        await self._notify_state_change()
        return f"Saved {name}."

    async def save_email(self, email: str) -> str:
        if "@" not in email:
            raise ValueError(f"{email!r} is no email address")
        self.state.email = email
        self.state.step = OnboardingStep.COMPLETE
        await self._notify_state_change()
        return f"Saved {email}."


PROMPTS = {
    OnboardingStep.COLLECT_NAME: "Ask for the name.",
    OnboardingStep.COLLECT_EMAIL: "Ask for the email.",
    OnboardingStep.COMPLETE: "Say thank you.",
}
TOOLS = {
    OnboardingStep.COLLECT_NAME: [ToolSchemaBuilder("save_name").param("name", "string", required=True).build()],
    OnboardingStep.COLLECT_EMAIL: [ToolSchemaBuilder("save_email").param("email", "string", required=True).build()],
}


class OnboardingAgent(JourneyAgent[OnboardingState, OnboardingTools, OnboardingStep]):
    @property
    def key(self) -> str:
        return "onboarding"

    def get_initial_state(self) -> OnboardingState:
        return OnboardingState()

    def get_system_prompt(self, state: OnboardingState) -> str:
        return PROMPTS[state.step]

    def get_tool_schemas(self, state: OnboardingState) -> list[ToolSchema]:
        return TOOLS.get(state.step, [])

    def create_tools(self, state: OnboardingState, ctx: AgentContext) -> OnboardingTools:
        return OnboardingTools(state=state)

    async def execute_tool(self, tools: OnboardingTools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)


@pytest.fixture
def onboarding() -> type[OnboardingAgent]:
    """The agent of a journey with two tools: name, then email, then done."""
    return OnboardingAgent


@pytest.fixture
def says() -> Callable[..., AgentContext]:
    """Makes a turn of one conversation from what the person says; earlier messages may be passed along."""
    numbers = count(1)

    def turn(text: str, *earlier: AgentMessage, conversation_id: UUID | str = "ada") -> AgentContext:
        return AgentContext(UUID(int=next(numbers)), conversation_id, [*earlier, AgentMessage("user", text)])

    return turn


@pytest.fixture
def memory() -> MemoryManager:
    """A place to keep conversations, in memory."""
    return MemoryManager()

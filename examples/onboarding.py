"""Linear: welcome, name, email, done.

agent-runtime chat examples/onboarding.py
"""

import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from agent_runtime_framework import (
    AgentContext,
    BaseJourneyState,
    BaseJourneyTools,
    JourneyAgent,
    StateSerializer,
    ToolResult,
    ToolSchema,
    ToolSchemaBuilder,
)


class Step(StrEnum):
    WELCOME = "welcome"
    COLLECT_EMAIL = "collect_email"
    CHOOSE_PLAN = "choose_plan"
    COMPLETE = "complete"


@dataclass
class OnboardingState(BaseJourneyState[Step]):
    step: Step = Step.WELCOME
    name: str = ""
    email: str = ""
    plan: str = ""

    def is_complete(self) -> bool:
        return self.step == Step.COMPLETE

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step.value, "name": self.name, "email": self.email, "plan": self.plan}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(
            step=StateSerializer.deserialize_enum(data.get("step", "welcome"), Step),
            name=data.get("name", ""),
            email=data.get("email", ""),
            plan=data.get("plan", ""),
        )


class OnboardingTools(BaseJourneyTools[OnboardingState]):
    async def save_name(self, name: str) -> str:
        self.state.name = name
        self.state.step = Step.COLLECT_EMAIL
        await self._notify_state_change()
        return f"Saved. Nice to meet you, {name}."

    async def save_email(self, email: str) -> ToolResult:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
            return ToolResult.fail(f"{email!r} is not an email address.")
        self.state.email = email
        self.state.step = Step.CHOOSE_PLAN
        await self._notify_state_change()
        return ToolResult.ok(f"Saved {email}.")

    async def choose_plan(self, plan: str) -> str:
        self.state.plan = plan
        self.state.step = Step.COMPLETE
        await self._notify_state_change()
        return f"{self.state.name} is on the {plan} plan. Everything is set up."


PROMPTS = {
    Step.WELCOME: "Welcome to Acme! Ask for the user's name and save it with save_name.",
    Step.COLLECT_EMAIL: "The user is called {name}. Ask for the email address and save it with save_email.",
    Step.CHOOSE_PLAN: "Ask which plan the user would like: free, pro or premium. Save it with choose_plan.",
    Step.COMPLETE: "{name} is on the {plan} plan and all set. Thank the user.",
}

TOOLS = {
    Step.WELCOME: [
        ToolSchemaBuilder("save_name")
        .description("Save the user's name")
        .param("name", "string", "The user's name", required=True)
        .build()
    ],
    Step.COLLECT_EMAIL: [
        ToolSchemaBuilder("save_email")
        .description("Save the user's email address")
        .param("email", "string", "The user's email address", required=True)
        .build()
    ],
    Step.CHOOSE_PLAN: [
        ToolSchemaBuilder("choose_plan")
        .description("Save the plan the user wants")
        .param("plan", "string", "The plan", required=True, enum=["free", "pro", "premium"])
        .build()
    ],
}


class OnboardingAgent(JourneyAgent[OnboardingState, OnboardingTools, Step]):
    @property
    def key(self) -> str:
        return "onboarding"

    def get_initial_state(self) -> OnboardingState:
        return OnboardingState()

    def get_system_prompt(self, state: OnboardingState) -> str:
        return PROMPTS[state.step].format(name=state.name, plan=state.plan)

    def get_tool_schemas(self, state: OnboardingState) -> list[ToolSchema]:
        return TOOLS.get(state.step, [])

    def create_tools(self, state: OnboardingState, ctx: AgentContext) -> OnboardingTools:
        return OnboardingTools(state)

    async def execute_tool(self, tools: OnboardingTools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)


if __name__ == "__main__":
    from agent_runtime_framework.cli.main import main

    sys.exit(main(["chat", __file__, *sys.argv[1:]]))

"""A step that comes back as a text."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from agent_runtime_framework import (
    AgentContext,
    BaseJourneyState,
    BaseJourneyTools,
    JourneyAgent,
    ToolSchema,
    ToolSchemaBuilder,
)


class Step(StrEnum):
    ASK = "ask"
    CHECK = "check"
    DONE = "done"


@dataclass
class State(BaseJourneyState[Step]):
    step: Step = Step.ASK
    name: str = ""

    def is_complete(self) -> bool:
        return self.step == Step.DONE

    def to_dict(self) -> dict[str, Any]:  # expect: round-trip
        return {"step": self.step.value, "name": self.name}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(step=data["step"], name=data.get("name", ""))


class Tools(BaseJourneyTools[State]):
    async def save_name(self, name: str) -> str:
        self.state.name = name
        self.state.step = Step.CHECK
        await self._notify_state_change()
        return "Saved."

    async def confirm(self) -> str:
        self.state.step = Step.DONE
        await self._notify_state_change()
        return "Confirmed."


PROMPTS = {
    Step.ASK: "Ask for the name, and save it with save_name.",
    Step.CHECK: "Ask whether the name is right; confirm it on a yes.",
    Step.DONE: "Say thank you.",
}

SAVE_NAME = (
    ToolSchemaBuilder("save_name")
    .description("Save the name")
    .param("name", "string", "The name", required=True)
    .build()
)
CONFIRM = ToolSchemaBuilder("confirm").description("The name is right").build()
OFFERED = {Step.ASK: [SAVE_NAME], Step.CHECK: [CONFIRM]}


class Agent(JourneyAgent[State, Tools, Step]):
    @property
    def key(self) -> str:
        return "mistake"

    def get_initial_state(self) -> State:
        return State()

    def get_system_prompt(self, state: State) -> str:
        return PROMPTS[state.step]

    def get_tool_schemas(self, state: State) -> list[ToolSchema]:
        return OFFERED.get(state.step, [])

    def create_tools(self, state: State, ctx: AgentContext) -> Tools:
        return Tools(state)

    async def execute_tool(self, tools: Tools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)

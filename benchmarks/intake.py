"""The conversation everything is measured on: a five-step intake, once as a journey and once written by hand.

A turn is: model request, tool call with a transition, model request, text. The steps repeat without end. The model
answers at once, with replies made beforehand, so that only the code around it is measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, ClassVar

from agent_runtime_framework import AgentContext, BaseJourneyState, BaseJourneyTools, JourneyAgent, ToolSchemaBuilder
from agent_runtime_framework.tools import ToolSchema


class Step(StrEnum):
    NAME = "name"
    EMAIL = "email"
    PHONE = "phone"
    CITY = "city"
    PLAN = "plan"


NEXT = dict(zip(Step, [*list(Step)[1:], Step.NAME], strict=True))
PROMPTS = {step: f"Ask for the {step.value} and save it with save_{step.value}." for step in Step}
SCHEMAS = {
    step: ToolSchemaBuilder(f"save_{step.value}")
    .description(f"Save the {step.value}")
    .param("value", "string", f"The {step.value}", required=True)
    .build()
    for step in Step
}
CALLS = {
    schema.name: SimpleNamespace(
        message={
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": schema.name, "arguments": '{"value": "something the person said"}'},
                }
            ],
        },
        usage={"prompt_tokens": 100, "completion_tokens": 10},
    )
    for schema in SCHEMAS.values()
}
TEXT = SimpleNamespace(
    message={"role": "assistant", "content": "Thank you, that is noted. And the next one, please?"},
    usage={"prompt_tokens": 120, "completion_tokens": 12},
)


class InstantModel:
    """Calls the offered tool when the person spoke, and answers in text after a result."""

    def __init__(self) -> None:
        self.number = 0

    async def generate(
        self, messages: Sequence[Mapping[str, Any]], *, tools: Sequence[Mapping[str, Any]] | None = None, **_: Any
    ) -> Any:
        if messages[-1]["role"] == "tool" or not tools:
            return TEXT
        prepared = CALLS[tools[0]["function"]["name"]]
        self.number += 1
        call = {**prepared.message["tool_calls"][0], "id": f"call_{self.number}"}
        return SimpleNamespace(message={**prepared.message, "tool_calls": [call]}, usage=prepared.usage)


@dataclass
class Intake(BaseJourneyState[Step]):
    step: Step = Step.NAME
    name: str = ""
    email: str = ""
    phone: str = ""
    city: str = ""
    plan: str = ""
    rounds: int = 0

    def is_complete(self) -> bool:
        return False

    def to_dict(self) -> dict[str, Any]:
        return {
            "step": self.step.value, "name": self.name, "email": self.email, "phone": self.phone, "city": self.city,
            "plan": self.plan, "rounds": self.rounds,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Intake:
        return cls(**{**data, "step": Step(data["step"])})


class IntakeTools(BaseJourneyTools[Intake]):
    async def save(self, value: str) -> str:
        state = self.state
        setattr(state, state.step.value, value)
        state.step = NEXT[state.step]
        state.rounds += state.step is Step.NAME
        return "Saved."


class IntakeAgent(JourneyAgent[Intake, IntakeTools, Step]):
    @property
    def key(self) -> str:
        return "intake"

    def get_initial_state(self) -> Intake:
        return Intake()

    def get_system_prompt(self, state: Intake) -> str:
        return PROMPTS[state.step]

    def get_tool_schemas(self, state: Intake) -> list[ToolSchema]:
        return [SCHEMAS[state.step]]

    def create_tools(self, state: Intake, ctx: AgentContext) -> IntakeTools:
        return IntakeTools(state)

    async def execute_tool(self, tools: IntakeTools, name: str, arguments: dict[str, Any]) -> str:
        return await tools.save(**arguments)


class HandWritten:
    """The same turn as somebody writes it who needs nothing else: about forty lines."""

    WIRE: ClassVar = {step: [schema.to_openai_format()] for step, schema in SCHEMAS.items()}

    def __init__(self, client: InstantModel) -> None:
        self.client = client
        self.state = Intake()
        self.messages: list[dict[str, Any]] = []
        self.usage: dict[str, int] = {}

    async def turn(self, text: str) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
        new: list[dict[str, Any]] = [{"role": "user", "content": text}]
        usage: dict[str, int] = {}
        for _ in range(10):
            tools = self.WIRE[self.state.step]
            system = {"role": "system", "content": PROMPTS[self.state.step]}
            response = await self.client.generate([system, *self.messages, *new], tools=tools)
            for key, count in response.usage.items():
                usage[key] = usage.get(key, 0) + count
            new.append(response.message)
            calls = response.message.get("tool_calls")
            if not calls:
                break
            for call in calls:
                new.append(await self.run(call, {tool["function"]["name"] for tool in tools}))
        self.messages += new
        self.usage = usage
        return new[-1]["content"], new, self.state.to_dict()

    async def run(self, call: dict[str, Any], offered: set[str]) -> dict[str, Any]:
        name = call["function"]["name"]
        try:
            arguments = json.loads(call["function"]["arguments"])
            result = await self.tool(name, arguments) if name in offered else f"Error: unknown tool {name}"
        except Exception as error:  # noqa: BLE001  what any such loop does
            result = f"Error: {error}"
        return {"role": "tool", "content": result, "tool_call_id": call["id"], "name": name}

    async def tool(self, name: str, arguments: dict[str, Any]) -> str:
        value = arguments["value"]
        if not isinstance(value, str):
            raise TypeError("value must be a string")
        return await IntakeTools(self.state).save(value)


class HandWrittenWithPromises(HandWritten):
    """The same, for whoever also wants the state kept as JSON between turns and put back when a tool fails."""

    def __init__(self, client: InstantModel) -> None:
        super().__init__(client)
        self.kept = json.dumps(self.state.to_dict())

    async def turn(self, text: str) -> tuple[str, list[dict[str, Any]], dict[str, Any]]:
        self.state = Intake.from_dict(json.loads(self.kept))
        taken = await super().turn(text)
        self.kept = json.dumps(self.state.to_dict())
        return taken

    async def tool(self, name: str, arguments: dict[str, Any]) -> str:
        before = json.dumps(self.state.to_dict())
        try:
            return await super().tool(name, arguments)
        except Exception:
            self.state = Intake.from_dict(json.loads(before))
            raise

"""A journey as a Django runtime: name, then email, then done."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest

from agent_runtime_core import MockRunContext
from agent_runtime_framework import BaseJourneyState, BaseJourneyTools, ToolSchema, ToolSchemaBuilder
from agent_runtime_framework.adapters import DjangoRuntimeAdapter


class Step(StrEnum):
    NAME = "name"
    EMAIL = "email"
    DONE = "done"


@dataclass
class State(BaseJourneyState[Step]):
    step: Step = Step.NAME
    name: str = ""
    email: str = ""

    def is_complete(self) -> bool:
        return self.step == Step.DONE

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step.value, "name": self.name, "email": self.email}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "State":
        return cls(Step(data["step"]), data["name"], data["email"])


class Tools(BaseJourneyTools[State]):
    async def save_name(self, name: str) -> str:
        self.state.name = name
        self.state.step = Step.EMAIL
        await self._notify_state_change()
        return f"Saved {name}."

    async def save_email(self, email: str) -> str:
        self.state.email = email
        if "@" not in email:
            raise ValueError(f"{email!r} is no email address")
        self.state.step = Step.DONE
        return f"Saved {email}."

    async def look_up(self, size: int) -> str:
        return "x" * size


class Signup(DjangoRuntimeAdapter[State, Tools, Step]):
    @property
    def key(self) -> str:
        return "signup"

    def get_initial_state(self) -> State:
        return State()

    def get_system_prompt(self, state: State) -> str:
        return f"Ask for the {state.step.value}."

    def get_tool_schemas(self, state: State) -> list[ToolSchema]:
        if state.step == Step.DONE:
            return []
        save = ToolSchemaBuilder(f"save_{state.step.value}").param(state.step.value, "string", required=True)
        return [save.build(), ToolSchemaBuilder("look_up").param("size", "integer", required=True).build()]

    def create_tools(self, state: State, ctx: Any, backend_client: Any) -> Tools:
        return Tools(state=state, backend_client=backend_client)

    async def execute_tool(self, tools: Tools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)


@pytest.fixture
def signup() -> type[Signup]:
    """The runtime."""
    return Signup


@pytest.fixture
def says() -> Callable[..., MockRunContext]:
    """Makes a run of one conversation from what the person says; earlier messages may be passed along."""

    def run(text: str, *earlier: dict[str, Any], **more: Any) -> MockRunContext:
        return MockRunContext([*earlier, {"role": "user", "content": text}], conversation_id="ada", **more)

    return run

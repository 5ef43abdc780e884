"""A long-form agent is read as its author wrote it: in many ways."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

import pytest

from agent_runtime_framework import (
    AgentContext,
    BaseJourneyState,
    BaseJourneyTools,
    JourneyAgent,
    ToolSchema,
    ToolSchemaBuilder,
)
from agent_runtime_framework.adapters import DjangoRuntimeAdapter
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.source import read, read_agent


class Step(StrEnum):
    A = "a"
    B = "b"
    C = "c"
    END = "end"

    def following(self) -> Step:
        order = list(Step)
        return order[order.index(self) + 1]


ORDER = [Step.A, Step.B, Step.C, Step.END]
NEXT = {Step.A: Step.B, Step.B: Step.C}
BY_KIND = {"car": Step.B, "home": Step.C}


@dataclass
class State(BaseJourneyState[Step]):
    step: Step = Step.A
    kind: str = ""

    def is_complete(self) -> bool:
        return self.step == Step.END

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step.value, "kind": self.kind}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(step=Step(data["step"]), kind=data["kind"])

    def advance(self, to: Step = Step.C) -> None:
        self.step = to


def move(state: State, to: Step) -> None:
    state.step = to


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    async def wrapper(self: Any, *args: Any, **kwargs: Any) -> str:
        return await function(self, *args, **kwargs)

    return wrapper


class Tools(BaseJourneyTools[State]):
    async def assigned(self) -> str:
        self.state.step = Step.B
        return ""

    async def set_step(self) -> str:
        self.state.set_step(Step.B)
        return ""

    async def by_setattr(self) -> str:
        setattr(self.state, "step", Step.B)  # noqa: B010
        return ""

    async def one_or_other(self, kind: str) -> str:
        self.state.step = Step.B if kind == "car" else Step.C
        return ""

    async def branches(self, kind: str) -> str:
        if kind == "car":
            self.state.step = Step.B
        elif kind == "home":
            self.state.step = Step.C
        else:
            return "?"
        return ""

    async def matched(self, kind: str) -> str:
        match kind:
            case "car":
                self.state.step = Step.B
            case _:
                self.state.step = Step.C
        return ""

    async def only_here(self) -> str:
        if self.state.step == Step.A:
            self.state.step = Step.B
        elif self.state.step is Step.B:
            self.state.step = Step.END
        return ""

    async def from_table(self, kind: str) -> str:
        self.state.step = BY_KIND[kind]
        return ""

    async def from_table_by_step(self) -> str:
        self.state.step = NEXT.get(self.state.step, Step.END)
        return ""

    async def from_order(self) -> str:
        self.state.step = ORDER[ORDER.index(self.state.step) + 1]
        return ""

    async def from_enum(self) -> str:
        self.state.step = self.state.step.following()
        return ""

    async def from_value(self) -> str:
        self.state.step = Step("b")
        return ""

    async def over_a_name(self) -> str:
        state, target = self.state, Step.B
        state.step = target
        return ""

    async def over_a_method(self) -> str:
        return await self._go(Step.B)

    async def over_the_state(self) -> str:
        self.state.advance()
        return ""

    async def over_a_function(self) -> str:
        move(self.state, Step.B)
        return ""

    async def over_a_local_function(self) -> str:
        async def go() -> None:
            self.state.step = Step.B

        await asyncio.gather(go())
        return ""

    async def another_tool(self) -> str:
        return await self.assigned()

    async def replaced(self) -> str:
        self.state = replace(self.state, step=Step.B)
        return ""

    async def reset(self) -> str:
        self.state.__init__(step=Step.C)
        return ""

    async def in_a_try(self) -> str:
        try:
            self.state.kind = await self.backend_client.look_up()
            self.state.step = Step.B
        except TimeoutError:
            self.state.step = Step.C
        return ""

    async def in_a_loop(self) -> str:
        for kind in ("car", "home"):
            if kind == self.state.kind:
                self.state.step = BY_KIND[kind]
                break
        return ""

    async def before_it_raises(self, kind: str) -> str:
        if not kind:
            self.state.step = Step.B
            return ""
        self.state.step = Step.C
        raise ValueError(kind)

    async def overwritten(self) -> str:
        self.state.step = Step.C
        self.state.step = Step.B
        return ""

    @logged
    async def decorated(self) -> str:
        self.state.step = Step.B
        return ""

    async def stays(self) -> str:
        self.state.kind = "car"
        return ""

    async def _go(self, to: Step) -> str:
        self.state.step = to
        return ""


class Agent(JourneyAgent[State, Tools, Step]):
    tool = ""

    @property
    def key(self) -> str:
        return "read"

    def get_initial_state(self) -> State:
        return State()

    def get_system_prompt(self, state: State) -> str:
        return f"You are in {state.step}."

    def get_tool_schemas(self, state: State) -> list[ToolSchema]:
        return [] if state.step == Step.END else [ToolSchemaBuilder(self.tool).description("Go on").build()]

    def create_tools(self, state: State, ctx: AgentContext) -> Tools:
        return Tools(state)

    async def execute_tool(self, tools: Tools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)


def targets_of(tool: str, step: str = "a") -> set[str]:
    agent = Agent()
    agent.tool = tool
    return set(read_agent(agent).definition.steps[step].tools[0].targets)


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("assigned", "b"), ("set_step", "b"), ("by_setattr", "b"), ("one_or_other", "bc"), ("branches", "bc"),
        ("matched", "bc"), ("only_here", "b"), ("from_table", "bc"), ("from_table_by_step", "b"), ("from_order", "b"),
        ("from_enum", "b"), ("from_value", "b"), ("over_a_name", "b"), ("over_a_method", "b"), ("over_the_state", "c"),
        ("over_a_function", "b"), ("over_a_local_function", "b"), ("another_tool", "b"), ("replaced", "b"),
        ("reset", "c"), ("in_a_try", "bc"), ("in_a_loop", "bc"), ("before_it_raises", "b"), ("overwritten", "b"),
        ("decorated", "b"), ("stays", ""),
    ],
)  # fmt: skip
def test_moves_are_found_however_they_are_written(tool: str, expected: str):
    assert targets_of(tool) == set(expected)


def test_a_move_is_that_of_the_step_it_is_made_in():
    assert targets_of("only_here", "b") == {"end"}
    assert targets_of("only_here", "c") == set()
    assert targets_of("from_table_by_step", "c") == {"end"}


def test_the_line_of_a_move_is_known():
    agent = Agent()
    agent.tool = "over_a_method"

    reading = read_agent(agent)

    place = reading.moved_at["a", "over_a_method", "b"]
    with open(place.file, encoding="utf-8") as source:  # noqa: PTH123
        assert source.read().splitlines()[place.line - 1].strip() == "self.state.step = to"


class ByName(Agent):
    """Tools are told apart in execute_tool itself."""

    async def execute_tool(self, tools: Tools, name: str, arguments: dict[str, Any]) -> str:
        handlers = {"go": tools.assigned, "leave": tools.over_the_state}
        if name == "finish":
            tools.state.step = Step.END
            return "Over."
        return await handlers[name](**arguments)


@pytest.mark.parametrize(("tool", "expected"), [("go", "b"), ("leave", "c"), ("finish", "end")])
def test_tools_told_apart_in_execute_tool_are_read(tool: str, expected: str):
    agent = ByName()
    agent.tool = tool

    assert read_agent(agent).definition.steps["a"].tools[0].targets == (expected,)


def test_final_steps_are_those_in_which_the_journey_is_over():
    agent = Agent()
    agent.tool = "stays"

    steps = read(agent).definition.steps

    assert [name for name, step in steps.items() if step.is_final] == ["end"]


class Adapter(DjangoRuntimeAdapter[State, Tools, Step]):
    @property
    def key(self) -> str:
        return "adapter"

    def get_initial_state(self) -> State:
        return State()

    def get_system_prompt(self, state: State) -> str:
        return "Go on."

    def get_tool_schemas(self, state: State) -> list[ToolSchema]:
        return [ToolSchemaBuilder("from_order").description("Go on").build()] if state.step != Step.END else []

    def create_tools(self, state: State, ctx: Any, backend_client: Any) -> Tools:
        return Tools(state, backend_client=backend_client)

    async def execute_tool(self, tools: Tools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)


def test_a_django_adapter_is_read_like_an_agent():
    definition = read(Adapter()).definition

    assert [(move.source, move.target) for move in definition.moves()] == [("a", "b"), ("b", "c"), ("c", "end")]
    assert Adapter().graph().title == "Adapter"


@dataclass
class TextState(BaseJourneyState[str]):
    step: str = "start"

    def is_complete(self) -> bool:
        return self.step == "over"

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**data)


class TextTools(BaseJourneyTools[TextState]):
    async def go(self) -> str:
        self.state.step = "middle" if self.state.step == "start" else "over"
        return ""


class TextAgent(JourneyAgent[TextState, TextTools, str]):
    @property
    def key(self) -> str:
        return "text"

    def get_initial_state(self) -> TextState:
        return TextState()

    def get_system_prompt(self, state: TextState) -> str:
        return "Go on."

    def get_tool_schemas(self, state: TextState) -> list[ToolSchema]:
        return [] if state.step == "over" else [ToolSchemaBuilder("go").description("Go on").build()]

    def create_tools(self, state: TextState, ctx: AgentContext) -> TextTools:
        return TextTools(state)

    async def execute_tool(self, tools: TextTools, name: str, arguments: dict[str, Any]) -> str:
        return await getattr(tools, name)(**arguments)


def test_steps_that_are_plain_text_are_found_through_the_moves():
    assert list(read(TextAgent()).definition.steps) == ["start", "middle", "over"]


def test_what_is_no_journey_is_refused():
    with pytest.raises(ConfigurationError, match="is no journey; expected a Journey class, or an agent"):
        read(object())

"""The long form with schemas and dispatch for free."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal, Self

import pytest

from agent_runtime_core.testing import MockRunContext
from agent_runtime_framework import (
    AgentContext,
    BaseJourneyState,
    BaseJourneyTools,
    JourneyAgent,
    ToolResult,
    ToolSchema,
)
from agent_runtime_framework.adapters.django import DjangoRuntimeAdapter
from agent_runtime_framework.testing import ScriptedLLM, call, say


class Step(StrEnum):
    ORDER = "order"
    DONE = "done"


@dataclass
class OrderState(BaseJourneyState[Step]):
    step: Step = Step.ORDER
    log: str = ""

    def is_complete(self) -> bool:
        return self.step == Step.DONE

    def to_dict(self) -> dict[str, Any]:
        return {"step": self.step.value, "log": self.log}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(Step(data["step"]), data["log"])


class OrderTools(BaseJourneyTools[OrderState]):
    async def order(
        self, item: str, day: date, price: Decimal = Decimal(1), size: Literal["s", "l"] = "s"
    ) -> ToolResult:
        """Order something.

        Args:
            item: What.
            day: When.
        """
        self.state.log = f"{item} {day:%d.%m.%Y} {price + 1} {size}"
        return ToolResult.fail("Sold out.") if item == "gold" else ToolResult.ok("Ordered.")

    def look(self) -> str:
        return "Nothing."

    def _secret(self) -> str:
        return "secret"


SCHEMAS = [ToolSchema.from_callable(OrderTools.order), ToolSchema.from_callable(OrderTools.look)]


class Written:
    key = "order"

    def get_initial_state(self) -> OrderState:
        return OrderState()

    def get_system_prompt(self, state: OrderState) -> str:
        return "Take the order."

    def get_tool_schemas(self, state: OrderState) -> list[ToolSchema]:
        return [*SCHEMAS, ToolSchema("_secret", "No."), ToolSchema("missing", "Not there."), ToolSchema("state", "No.")]


class OrderAgent(Written, JourneyAgent[OrderState, OrderTools, Step]):
    def create_tools(self, state: OrderState, ctx: AgentContext) -> OrderTools:
        return OrderTools(state)


class OverridingAgent(OrderAgent):
    async def execute_tool(self, tools: OrderTools, name: str, arguments: dict[str, Any]) -> str:
        tools.state.log = f"{name} {arguments}"
        return "Mine."


class OrderRuntime(Written, DjangoRuntimeAdapter[OrderState, OrderTools, Step]):
    def create_tools(self, state: OrderState, ctx: Any, backend_client: Any) -> OrderTools:
        return OrderTools(state)


async def held(agent: JourneyAgent[Any, Any, Any], *script: Any) -> tuple[str, list[str]]:
    llm = ScriptedLLM(*script, say("ok"))
    agent.llm_client = llm
    await agent.chat("hi")
    results = [each["content"] for each in llm.requests[-1].messages if each["role"] == "tool"]
    return (await agent.state_of()).log, results


@pytest.mark.asyncio
async def test_the_public_method_runs_with_the_types_of_its_hints():
    log, results = await held(OrderAgent(), call("order", item="tea", day="2027-03-01", price="2.50"))

    assert (log, results) == ("tea 01.03.2027 3.50 s", ["Ordered."])


@pytest.mark.asyncio
async def test_sync_methods_run_too():
    assert (await held(OrderAgent(), call("look")))[1] == ["Nothing."]


@pytest.mark.asyncio
async def test_arguments_that_do_not_fit_the_hints_are_told():
    log, results = await held(OrderAgent(), call("order", item="tea", day="soon"))

    assert log == ""
    assert "'day' is 'soon'" in results[0]


@pytest.mark.parametrize("name", ["_secret", "missing", "state"])
@pytest.mark.asyncio
async def test_what_is_no_public_method_does_not_run(name: str):
    _, results = await held(OrderAgent(), call(name))

    assert results[0].startswith(f"Error: Unknown tool '{name}'")


@pytest.mark.asyncio
async def test_the_documented_override_wins_and_gets_converted_arguments():
    log, results = await held(OverridingAgent(), call("order", item="tea", day="2027-03-01"))

    assert log == "order {'item': 'tea', 'day': datetime.date(2027, 3, 1)}"
    assert results == ["Mine."]


@pytest.mark.asyncio
async def test_a_hosted_journey_dispatches_as_well():
    llm = ScriptedLLM(call("order", item="tea", day="2027-03-01"), say("ok"))
    ctx = MockRunContext(input_messages=[{"role": "user", "content": "hi"}])

    result = await OrderRuntime(llm).run(ctx)

    assert result.final_output["state"]["log"] == "tea 01.03.2027 2 s"

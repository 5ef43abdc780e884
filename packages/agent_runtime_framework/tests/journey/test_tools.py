"""Tools of a journey: what fills their parameters, and what happens when they fail."""

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol, runtime_checkable

import pytest

from agent_runtime_framework.agents.base import AgentContext
from agent_runtime_framework.agents.journey import JourneyConfig
from agent_runtime_framework.errors import ConfigurationError, ToolRetry
from agent_runtime_framework.journey import IdempotencyKey, Injected, Journey, step
from agent_runtime_framework.testing import call, say


@dataclass
class Bank:
    name: str


class Clock(Protocol):
    def now(self) -> str: ...


@runtime_checkable
class Open(Protocol):
    def now(self) -> str: ...


class FixedClock:
    def now(self) -> str:
        return "noon"


class Shop(Journey):
    seen: list[str] = []  # noqa: RUF012
    day: date | None = None
    shop = step("Sell.")

    @shop.tool
    async def buy(
        self,
        item: str,
        day: date,
        bank: Injected[Bank],
        clock: "Injected[Clock]",
        key: IdempotencyKey,
        ctx: AgentContext,
        quantity: int = 1,
        size: Literal["s", "l"] = "s",
        late: "Injected[Later | None]" = None,
    ) -> str:
        """Buy something.

        Args:
            item: What they want.
            day: When they want it.
        """
        self.day = day
        self.seen += [item, str(quantity), size, bank.name, clock.now(), key, str(ctx.conversation_id)]
        return "Bought."

    @shop.tool
    def retry(self, age: int) -> None:
        self.seen.append("half")
        raise ToolRetry(f"{age} will not do")

    @shop.tool
    def crash(self) -> None:
        self.seen.append("half")
        raise ValueError("boom")

    @shop.tool(timeout=0.01, effect="read")
    async def slow(self) -> None:
        self.seen.append("half")
        await asyncio.Event().wait()

    @shop.tool(timeout=0.01)
    async def slow_once(self) -> None:
        await asyncio.Event().wait()

    @shop.tool(timeout=10)
    async def own_timeout(self) -> None:
        raise TimeoutError("the bank did not answer")

    @shop.tool(name="renamed")
    def original(self) -> dict[str, int]:
        return {"a": 1}


class Later:
    """Defined after the class that names it."""


PROVIDED = {Bank: Bank("ours"), Clock: FixedClock()}


def described(held: Any, name: str) -> dict[str, Any]:
    tools = held.llm.requests[0].tools
    return next(tool["function"] for tool in tools if tool["function"]["name"] == name)


@pytest.mark.asyncio
async def test_only_what_the_model_shall_fill_is_in_the_schema(hold: Any):
    held = await hold(Shop, say("hi"), provide=PROVIDED)

    function = described(held, "buy")
    assert function["description"] == "Buy something."
    assert list(function["parameters"]["properties"]) == ["item", "day", "quantity", "size"]
    assert function["parameters"]["required"] == ["item", "day"]
    assert function["parameters"]["properties"]["day"] == {
        "type": "string",
        "format": "date",
        "description": "When they want it.",
    }


@pytest.mark.asyncio
async def test_every_parameter_is_filled_and_converted(hold: Any):
    held = await hold(Shop, call("buy", item="tea", day="2027-03-01", quantity="2"), say("ok"), provide=PROVIDED)

    item, quantity, size, bank, clock, key, conversation = held.state.seen
    assert (item, quantity, size, bank, clock, conversation) == ("tea", "2", "s", "ours", "noon", "default")
    assert held.state.day == date(2027, 3, 1)
    assert key.startswith("default:")
    assert key.endswith(f":{held.llm.requests[1].messages[-1]['tool_call_id']}")


@pytest.mark.asyncio
async def test_every_call_has_a_key_of_its_own(hold: Any):
    two = [call("buy", item="tea", day="2027-03-01")] * 2

    held = await hold(Shop, two, say("ok"), provide=PROVIDED)

    assert held.state.seen[5] != held.state.seen[12]


@pytest.mark.asyncio
async def test_a_model_cannot_fill_what_is_hidden_from_it(hold: Any):
    held = await hold(
        Shop, call("buy", item="tea", day="2027-03-01", key="mine", bank="evil"), say("ok"), provide=PROVIDED
    )

    assert (held.state.seen[3], held.state.seen[5].startswith("default:")) == ("ours", True)


@pytest.mark.asyncio
async def test_things_are_found_by_their_type_or_a_base_of_it(hold: Any):
    class Vault(Bank):
        pass

    class Bankish(Journey):
        name: str = ""
        start = step("Start.")

        @start.tool
        def ask(self, bank: Injected[Bank], clock: Injected[Open]) -> None:
            self.name = f"{bank.name} at {clock.now()}"

    held = await hold(Bankish, call("ask"), say("x"), provide=[Vault("v"), FixedClock()])

    assert held.state.name == "v at noon"


@pytest.mark.asyncio
async def test_what_was_not_provided_is_an_error_for_the_developer(hold: Any):
    with pytest.raises(ConfigurationError, match=r":\d+: nothing was provided for parameter 'bank'.*Bank.*provide="):
        await hold(Shop, say("hi"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"item": "tea"}, "'day' is missing"),
        ({"item": "tea", "day": "soon"}, "'day' is 'soon': input should be a valid date"),
        ({"item": "tea", "day": "2027-03-01", "size": "xl"}, "'size' is 'xl': input should be 's' or 'l'"),
        ({"item": ["tea"], "day": "2027-03-01"}, "'item' is ['tea']: input should be a valid string"),
    ],
)
@pytest.mark.asyncio
async def test_arguments_that_do_not_fit_are_told_and_nothing_runs(arguments: Any, told: str, hold: Any):
    held = await hold(Shop, call("buy", **arguments), say("ok"), provide=PROVIDED)

    assert told in held.results[0]
    assert (held.state.seen, held.refused) == ([], ["buy"])


@pytest.mark.parametrize(
    ("tool", "arguments", "told"),
    [
        ("retry", {"age": 3}, "Error: 3 will not do"),
        ("crash", {}, "Error executing crash: boom"),
        ("slow", {}, "Error: slow was given up after 0.01 seconds"),
        ("slow_once", {}, "Error: slow_once was given up after 0.01 seconds; whether it took effect is unknown"),
        ("own_timeout", {}, "Error executing own_timeout: the bank did not answer"),
    ],
)
@pytest.mark.asyncio
async def test_a_tool_that_fails_leaves_the_state_as_before(tool: str, arguments: Any, told: str, hold: Any):
    held = await hold(Shop, call(tool, **arguments), say("ok"), provide=PROVIDED)

    assert held.results == [told]
    assert held.state.seen == []


@pytest.mark.asyncio
async def test_retries_are_bounded(hold: Any):
    held = await hold(Shop, *[call("retry", age=3)] * 9, provide=PROVIDED)

    assert len(held.llm.requests) == 3
    assert held.replies == ["I'm sorry, I lost the thread there. Could you say that once more?"]


@pytest.mark.asyncio
async def test_retries_with_ever_new_arguments_are_bounded_by_the_budget(hold: Any):
    held = await hold(Shop, *[call("retry", age=age) for age in range(20)], provide=PROVIDED)

    assert len(held.llm.requests) == 10


@pytest.mark.asyncio
async def test_a_tool_may_have_another_name_and_return_data(hold: Any):
    held = await hold(Shop, call("renamed"), call("original"), say("ok"), provide=PROVIDED)

    assert held.results[0] == '{"a": 1}'
    assert held.refused == ["original"]


@pytest.mark.asyncio
async def test_strict_mode_is_a_habit_of_the_agent(hold: Any):
    held = await hold(
        Shop,
        call("buy", item="tea", day="2027-03-01", quantity=None, size=None),
        say("ok"),
        provide=PROVIDED,
        config=JourneyConfig(strict_tools=True),
    )

    function = described(held, "buy")
    assert (function["strict"], function["parameters"]["additionalProperties"]) == (True, False)
    assert held.state.seen[:3] == ["tea", "1", "s"]


class Hopeless(Journey):
    start = step("Start.")

    @start.tool
    def save(self, thing: "Nowhere") -> None: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.asyncio
async def test_a_hint_that_names_nothing_is_told_when_the_schema_is_derived(hold: Any):
    with pytest.raises(ConfigurationError, match=r"tool 'save' cannot be read.*Nowhere"):
        await hold(Hopeless, say("x"))


@pytest.mark.asyncio
async def test_the_documented_views_of_the_agent_agree_with_the_journey(hold: Any):
    agent = Shop.agent(None)
    state = agent.get_initial_state()

    assert agent.key == "shop"
    assert agent.get_system_prompt(state).endswith("Sell.")
    assert [schema.name for schema in agent.get_tool_schemas(state)][:2] == ["buy", "retry"]
    with pytest.raises(ConfigurationError, match="run by its scene"):
        await agent.execute_tool(state, "crash", {})

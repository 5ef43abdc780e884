"""Steps that code carries the journey through: exact words and code instead of model requests."""

from typing import Any

import pytest

from agent_runtime_core.interfaces import EventType
from agent_runtime_core.usage import UsageLimit
from agent_runtime_framework.agents.base import AgentContext
from agent_runtime_framework.agents.journey import JourneyConfig
from agent_runtime_framework.errors import ConfigurationError, StateError
from agent_runtime_framework.journey import Field, Journey, Step, step
from agent_runtime_framework.testing import ScriptedLLM, anthropic_problems, call, openai_problems, say


class Greeting(Journey):
    name: str = ""
    card: str = Field("", sensitive=True)
    price: int = 0

    hello = step(say="Welcome to Acme. It costs $12, {really}.", to="ask")
    ask = step("Ask for the name.")

    def work_out(self) -> Any:
        self.price = len(self.name)
        return {"": None, "Grace": self.rich, "Bob": "A word.", "Eve": (self.rich, "Come in.")}.get(self.name)

    price_it = step(run=work_out, to=["sum_up", "rich"])
    sum_up = step(say="$name, your card $card: $price euros, $shouted.", to="end")
    rich = step(say="You are rich.", to="end")
    end = step(say="Goodbye.", final=True)

    @property
    def shouted(self) -> str:
        return self.name.upper()

    @ask.tool(to="price_it")
    def save_name(self, name: str, card: str = "") -> None:
        self.name, self.card = name, card


class OneWay(Greeting):
    def work_out(self) -> Any:
        return super().work_out()

    price_it = step(run=work_out, to="sum_up")


@pytest.mark.asyncio
async def test_exact_words_come_before_the_model_s_own(hold: Any):
    held = await hold(Greeting, say("What is your name?"))

    assert held.replies == ["Welcome to Acme. It costs $12, {really}.\n\nWhat is your name?"]
    assert len(held.llm.requests) == 1
    assert held.llm.requests[0].messages[-1]["content"] == "Welcome to Acme. It costs $12, {really}."


@pytest.mark.asyncio
async def test_a_chain_of_steps_is_passed_without_a_request(hold: Any):
    held = await hold(OneWay, say("Name?"), said=["hi"])
    held.llm.extend(call("save_name", name="Ada", card="4111"))

    assert await held.say("Ada") == "Ada, your card •••: 3 euros, ADA.\n\nGoodbye."
    assert len(held.llm.requests) == 2
    assert held.entered == ["ask", "price_it", "sum_up", "end"]


async def _with_name(journey: type[Greeting], name: str) -> str:
    agent = journey.agent(ScriptedLLM(say("Name?"), call("save_name", name=name)))
    await agent.chat("hi")
    return await agent.chat(name)


@pytest.mark.parametrize(
    ("name", "reply"),
    [("Grace", "You are rich.\n\nGoodbye."), ("Eve", "Come in.\n\nYou are rich.\n\nGoodbye.")],
)
@pytest.mark.asyncio
async def test_code_may_choose_the_step_and_words_of_its_own(name: str, reply: str):
    assert await _with_name(Greeting, name) == reply


@pytest.mark.asyncio
async def test_code_that_returns_words_says_them():
    assert (await _with_name(OneWay, "Bob")).startswith("A word.\n\nBob, your card : 3 euros")


@pytest.mark.asyncio
async def test_code_that_chooses_what_is_not_declared_is_an_error():
    with pytest.raises(ConfigurationError, match="chose 'rich'; expected one of its to=: sum_up"):
        await _with_name(OneWay, "Grace")


@pytest.mark.asyncio
async def test_code_that_chooses_nothing_among_several_is_an_error():
    with pytest.raises(ConfigurationError, match="returned no step; expected one of its to=: sum_up, rich"):
        await _with_name(Greeting, "Ada")


@pytest.mark.asyncio
async def test_code_that_breaks_leaves_the_state_as_before_it():
    class Broken(Journey):
        log: str = ""
        ask = step("Ask.")

        def work(self) -> None:
            self.log = "half"
            raise RuntimeError("boom")

        working = step(run=work, to="end")
        end = step(say="Bye.", final=True)

        @ask.tool(to=working)
        def go(self) -> None: ...

    agent = Broken.agent(ScriptedLLM(call("go")))

    with pytest.raises(RuntimeError, match="boom"):
        await agent.chat("go")

    state = await agent.state_of()
    assert (state.step, state.log) == (Broken.working, "")


@pytest.mark.asyncio
async def test_code_that_leaves_what_cannot_be_stored_is_an_error():
    class Wrong(Journey):
        count: int = 0

        def work(self) -> None:
            self.count = "many"  # type: ignore[assignment]

        start = step(run=work, to="end")
        end = step(say="Bye.", final=True)

    with pytest.raises(StateError, match="count is 'many'"):
        await Wrong.agent(ScriptedLLM()).chat("hi")


@pytest.mark.asyncio
async def test_async_code_is_awaited(hold: Any):
    class Looking(Journey):
        found: str = ""

        async def look(self) -> Step:
            self.found = "it"
            return self.end

        start = step(run=look, to="end")
        end = step(say="Found $found.", final=True)

    held = await hold(Looking)

    assert held.replies == ["Found it."]
    assert held.llm.requests == []


@pytest.mark.asyncio
async def test_a_circle_of_steps_without_the_model_is_found():
    class Circle(Journey):
        one = step(say="One.", to="two")
        two = step(say="Two.", to="one")

    with pytest.raises(ConfigurationError, match="lead in a circle"):
        await Circle.agent(ScriptedLLM()).chat("hi")


@pytest.mark.asyncio
async def test_a_say_step_that_leads_nowhere_ends_the_turn(hold: Any):
    class Stop(Journey):
        start = step(say="We are closed.")

    held = await hold(Stop, said=["hi", "really?"])

    assert held.replies == ["We are closed.", "We are closed."]


class Consent(Journey):
    """Exact words that the person has to answer."""

    agreed: bool = False
    start = step("Ask for the name.")
    consent = step(say="Do you agree to our terms, version 4?", awaits_user=True)
    done = step("Answer what is left.", say="Thank you, $agreed.", final=True)

    @start.tool(to=consent)
    def begin(self) -> None: ...

    @consent.tool(to=done)
    def agree(self) -> None:
        self.agreed = True


@pytest.mark.asyncio
async def test_words_of_a_step_with_tools_are_said_on_arrival_and_answered_by_the_person(hold: Any):
    held = await hold(Consent, call("begin"))
    assert held.replies == ["Do you agree to our terms, version 4?"]

    assert await held.say("what terms?", say("The usual ones.")) == "The usual ones."
    assert await held.say("yes", call("agree")) == "Thank you, True."
    assert await held.say("when does it start?", say("Today.")) == "Today."
    assert len(held.llm.requests) == 4


@pytest.mark.asyncio
async def test_words_of_the_first_step_are_said_with_the_first_turn(hold: Any):
    class First(Consent):
        consent = step(say="Do you agree?", awaits_user=True, first=True)

    held = await hold(First)
    assert (held.replies, held.llm.requests) == (["Do you agree?"], [])

    await held.say("yes", call("agree"))
    assert held.state.agreed


@pytest.mark.asyncio
async def test_said_words_are_streamed_and_survive_a_reset():
    class Forced(Journey):
        hello = step(say="Hello.", to="ask")
        ask = step("Ask.", requires_tool=True)

        @ask.tool(to="end")
        def save(self) -> None: ...

        end = step(say="Bye.", final=True)

    agent = Forced.agent(ScriptedLLM(say("I saved it."), say("Which name?")))
    shown = ""
    async for event in agent.stream(AgentContext.from_text("hi")):
        if event.type == EventType.ASSISTANT_DELTA:
            shown += event.payload["delta"]
        elif event.type == EventType.ASSISTANT_RESET:
            shown = event.payload["text"]

    assert shown == "Hello.\n\nWhich name?"


@pytest.mark.asyncio
async def test_a_history_with_said_words_is_one_that_providers_take(hold: Any):
    held = await hold(OneWay, say("Name?"))
    await held.say("Ada", call("save_name", name="Ada"))
    await held.say("and now?")

    for request in held.llm.requests:
        assert openai_problems(request.messages) == []
        assert anthropic_problems(request.messages) == []


class Short(Journey):
    name: str = ""

    ask = step("Ask for the name.")
    end = step(say="Goodbye, $name.", final=True)

    @ask.tool(to="end")
    def save_name(self, name: str) -> None:
        self.name = name


LIMITS = [
    JourneyConfig(max_tool_iterations=1, limit_reply="Enough."),
    JourneyConfig(usage_limit=UsageLimit(max_tokens=1), limit_reply="Enough."),
]


@pytest.mark.asyncio
@pytest.mark.parametrize("config", LIMITS)
async def test_exact_words_come_in_the_turn_whose_last_request_led_to_them(config: JourneyConfig):
    llm = ScriptedLLM(call("save_name", name="Ada"))

    result = await Short.agent(llm, config=config).run(AgentContext.from_text("Ada"))

    assert result.response == "Goodbye, Ada."
    assert len(llm.requests) == 1


@pytest.mark.asyncio
async def test_exact_words_come_without_any_request_allowed():
    class Closed(Journey):
        end = step(say="We are closed.", final=True)

    assert await Closed.agent(ScriptedLLM(), config=JourneyConfig(max_tool_iterations=0)).chat("hi") == "We are closed."


@pytest.mark.asyncio
async def test_words_before_a_step_for_the_model_are_said_although_the_limit_is_reached():
    config = JourneyConfig(max_tool_iterations=0, limit_reply="Enough.")

    assert await Greeting.agent(ScriptedLLM(), config=config).chat("hi") == (
        "Welcome to Acme. It costs $12, {really}.\n\nEnough."
    )

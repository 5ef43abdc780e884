"""There is one loop: whichever front a turn comes in by, it takes the same course."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from agent_runtime_core import MockRunContext
from agent_runtime_framework import (
    AgentContext,
    JourneyAgent,
    JourneyConfig,
    LLMExecutor,
    LLMExecutorConfig,
    MemoryManager,
    MethodToolExecutor,
    StateStore,
    ToolSchema,
)
from agent_runtime_framework.adapters import DjangoRuntimeAdapter
from agent_runtime_framework.testing import ScriptedLLM, call, say

Agent = JourneyAgent[Any, Any, Any]
Onboarding = Callable[..., Agent]
Says = Callable[..., AgentContext]

BAD_CALL = {"role": "assistant", "tool_calls": [{"function": {"name": "save_name", "arguments": "[1]"}}]}
WRITTEN_CALL = '<tool_call>{"name": "save_name", "arguments": {"name": "Ada"}}</tool_call>'
NAME, EMAIL = call("save_name", name="Ada"), call("save_email", email="a@b.org")

CONVERSATIONS: dict[str, tuple[list[str], list[Any]]] = {
    "words only": (["hi"], [say("Your name?")]),
    "a tool": (["I'm Ada"], [NAME, say("Your email?")]),
    "words beside a tool": (["I'm Ada"], [[say("One moment."), NAME], say("Your email?")]),
    "a call written as text": (["I'm Ada"], [WRITTEN_CALL, say("Your email?")]),
    "a tool that is not offered": (["a@b.org"], [EMAIL, say("Your name first?")]),
    "arguments that do not fit": (["I'm Ada"], [BAD_CALL, call("save_name", name=5), say("Your name?")]),
    "the same failure until it ends": (["I'm Ada"], [BAD_CALL] * 3),
    "more requests than allowed": (["I'm Ada"], [call("save_name", name=each) for each in range(5)]),
    "nothing": (["hi"], [{"role": "assistant", "content": None, "tool_calls": None}]),
    "two steps": (["I'm Ada", "a@b.org", "bye"], [NAME, say("Your email?"), EMAIL, say("Done.")]),
    "a tool that fails": (["I'm Ada", "ada", "a@b.org"], [
        NAME, "Your email?", call("save_email", email="ada"), "Once more?", EMAIL, "Done.",
    ]),
    "two calls at once": (["I'm Ada, a@b.org"], [[NAME, EMAIL], "Your email?"]),
}  # fmt: skip
ONE_STEP = list(CONVERSATIONS)[:9]
LIMIT = 5


@dataclass
class Taken:
    """What a turn came to, as far as every front tells."""

    response: str
    messages: list[dict[str, Any]]
    state: dict[str, Any] | None
    usage: dict[str, Any]


Front = Callable[[Onboarding, Says, ScriptedLLM, Sequence[str]], Awaitable[list[Taken]]]


def plain(messages: Sequence[Any]) -> list[dict[str, Any]]:
    """Messages as dicts without empty fields, which some fronts leave out."""
    wires = [each if isinstance(each, dict) else each.to_dict() for each in messages]
    return [{key: value for key, value in wire.items() if value not in (None, [])} for wire in wires]


async def by_run(onboarding: Onboarding, says: Says, llm: ScriptedLLM, said: Sequence[str]) -> list[Taken]:
    agent = onboarding(llm_client=llm, memory=MemoryManager(), config=JourneyConfig(max_tool_iterations=LIMIT))
    results = [await agent.run(says(text)) for text in said]
    return [Taken(each.response, plain(each.messages), each.state, each.usage or {}) for each in results]


async def by_stream(onboarding: Onboarding, says: Says, llm: ScriptedLLM, said: Sequence[str]) -> list[Taken]:
    memory = MemoryManager()
    agent = onboarding(llm_client=llm, memory=memory, config=JourneyConfig(max_tool_iterations=LIMIT))
    taken: list[Taken] = []
    for text in said:
        before = len((await memory.load_context("ada", agent.key)).messages)
        events = [event async for event in agent.stream(says(text))]
        after = await memory.load_context("ada", agent.key)
        end = events[-1].payload if events else {"response": "", "usage": {}}
        taken.append(Taken(end["response"], plain(after.messages[before + 1 :]), after.state, end["usage"]))
    return taken


async def by_caller_who_keeps_all(
    onboarding: Onboarding, says: Says, llm: ScriptedLLM, said: Sequence[str]
) -> list[Taken]:
    class Kept(onboarding):  # type: ignore[valid-type, misc]
        kept: Any = None

        async def load_state(self, ctx: AgentContext) -> Any:
            return self.kept

        async def save_state(self, ctx: AgentContext, state: Any) -> None:
            self.kept = state

    agent = Kept(llm_client=llm, config=JourneyConfig(max_tool_iterations=LIMIT))
    history: list[Any] = []
    taken: list[Taken] = []
    for text in said:
        ctx = says(text, *history)
        result = await agent.run(ctx)
        history = [*ctx.input_messages, *result.messages]
        taken.append(Taken(result.response, plain(result.messages), result.state, result.usage or {}))
    return taken


class Hosted(DjangoRuntimeAdapter[Any, Any, Any]):
    """The same journey as a Django runtime."""

    def __init__(self, journey: Agent, llm: ScriptedLLM, store: StateStore, stream: bool) -> None:
        super().__init__(llm, max_tool_iterations=LIMIT, state_store=store, stream=stream)
        self.journey = journey

    @property
    def key(self) -> str:
        return self.journey.key

    def get_initial_state(self) -> Any:
        return self.journey.get_initial_state()

    def get_system_prompt(self, state: Any) -> str:
        return self.journey.get_system_prompt(state)

    def get_tool_schemas(self, state: Any) -> list[ToolSchema]:
        return self.journey.get_tool_schemas(state)

    def create_tools(self, state: Any, ctx: AgentContext, backend_client: Any) -> Any:
        return self.journey.create_tools(state, ctx)

    async def execute_tool(self, tools: Any, name: str, arguments: dict[str, Any]) -> str:
        return await self.journey.execute_tool(tools, name, arguments)


async def by_streaming_host(onboarding: Onboarding, says: Says, llm: ScriptedLLM, said: Sequence[str]) -> list[Taken]:
    return await by_host(onboarding, says, llm, said, stream=True)


async def by_host(
    onboarding: Onboarding, says: Says, llm: ScriptedLLM, said: Sequence[str], stream: bool = False
) -> list[Taken]:
    store = StateStore()
    adapter = Hosted(onboarding(), llm, store, stream)
    history: list[dict[str, Any]] = []
    taken: list[Taken] = []
    for text in said:
        history.append({"role": "user", "content": text})
        result = await adapter.run(MockRunContext(list(history), conversation_id="ada"))
        history += result.final_messages
        state = await store.load_state("ada", adapter.key)
        taken.append(Taken(result.final_output["response"], plain(result.final_messages), state, result.usage))
    return taken


async def by_executor(onboarding: Onboarding, says: Says, llm: ScriptedLLM, said: Sequence[str]) -> list[Taken]:
    agent = onboarding()
    state = agent.get_initial_state()
    tools = MethodToolExecutor(agent.create_tools(state, says(said[0])))
    executor = LLMExecutor(llm, tools, LLMExecutorConfig(max_iterations=LIMIT))
    result = await executor.run(
        [{"role": "user", "content": said[0]}], agent.get_tool_schemas(state), agent.get_system_prompt(state)
    )
    return [Taken(result.response, plain(result.messages), state.to_dict(), result.usage)]


def asked(llm: ScriptedLLM) -> list[Any]:
    return [(plain(request.messages), request.tools, request.options) for request in llm.requests]


@pytest.mark.asyncio
@pytest.mark.parametrize("front", [by_stream, by_caller_who_keeps_all, by_host, by_streaming_host])
@pytest.mark.parametrize("conversation", CONVERSATIONS)
async def test_every_front_takes_the_same_turns(onboarding: Onboarding, says: Says, conversation: str, front: Front):
    said, script = CONVERSATIONS[conversation]
    by_this, by_that = ScriptedLLM(*script), ScriptedLLM(*script)

    expected = await by_run(onboarding, says, by_this, said)
    found = await front(onboarding, says, by_that, said)

    assert found == expected
    assert asked(by_that) == asked(by_this)
    assert len(expected) == len(said)


@pytest.mark.asyncio
@pytest.mark.parametrize("conversation", ONE_STEP)
async def test_a_bare_executor_takes_the_same_turn_within_a_step(onboarding: Onboarding, says: Says, conversation: str):
    said, script = CONVERSATIONS[conversation]

    expected = await by_run(onboarding, says, ScriptedLLM(*script), said)
    found = await by_executor(onboarding, says, ScriptedLLM(*script), said)

    assert found == expected

"""A turn that is streamed while its provider fails: what the person sees, and what is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from agent_runtime_core.errors import ProviderError
from agent_runtime_core.fake_provider import FakeProvider, Fault, Reply, call
from agent_runtime_core.interfaces import EventType
from agent_runtime_core.llm import FallbackClient
from agent_runtime_core.llm.anthropic import AnthropicClient
from agent_runtime_core.llm.offline import OfflineClient
from agent_runtime_core.llm.openai import OpenAIClient
from agent_runtime_core.llm.retry import NO_RETRY, Pacing, RetryPolicy
from agent_runtime_framework import AgentContext, MemoryManager
from agent_runtime_framework.events import Event
from agent_runtime_framework.journey import Journey, step

LONG = "Of course, I will gladly help you with that, and it will not take long at all."


class Desk(Journey):
    """Brief and friendly."""

    choose = step("Ask what they want.")
    over = step("Say goodbye.")

    @choose.tool(to=over)
    async def pick(self, what: str) -> str:
        """Record what they want."""
        return "Noted."


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as provider:
        yield provider


@pytest_asyncio.fixture
async def other() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as provider:
        yield provider


async def at_once(seconds: float) -> None:
    return None


PACING = Pacing(sleep=at_once)


def client(kind: str, fake: FakeProvider, retry: RetryPolicy | None = None) -> Any:
    if kind == "openai":
        return OpenAIClient("key", "m", base_url=fake.openai_url, retry=retry, pacing=PACING)
    return AnthropicClient("key", "m", base_url=fake.anthropic_url, retry=retry, pacing=PACING)


class Reader:
    """What a person would have on the screen."""

    def __init__(self) -> None:
        self.text = ""
        self.seen: list[str] = []
        self.resets = 0

    def push(self, event: Event) -> None:
        if event.type is EventType.ASSISTANT_RESET:
            self.resets += 1
            self.text = event.payload["text"]
        elif event.type is EventType.ASSISTANT_DELTA:
            self.text += event.payload["delta"]
        self.seen.append(self.text)


async def streamed(agent: Any, text: str = "hi") -> tuple[Reader, list[Event]]:
    reader, events = Reader(), []
    async for event in agent.stream(AgentContext.from_text(text, "ada")):
        reader.push(event)
        events.append(event)
    return reader, events


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
async def test_text_of_a_stream_that_broke_is_withdrawn_and_said_anew(kind: str, fake: FakeProvider) -> None:
    memory, model = MemoryManager(), client(kind, fake)
    agent = Desk.agent(model, memory=memory)
    fake.script(Reply(LONG, piece=8, cut_at=900), Reply("What would you like?", piece=5))

    reader, events = await streamed(agent)
    await model.aclose()

    assert reader.resets == 1
    assert any(LONG.startswith(seen) and seen for seen in reader.seen)
    assert reader.text == "What would you like?"
    assert events[-1].payload["response"] == "What would you like?"
    history = await memory.load_context("ada", agent.key)
    assert [message.content for message in history.messages] == ["hi", "What would you like?"]


@pytest.mark.asyncio
async def test_next_client_takes_up_a_turn_between_its_requests(fake: FakeProvider, other: FakeProvider) -> None:
    first, second = client("openai", fake, NO_RETRY), client("anthropic", other, NO_RETRY)
    agent = Desk.agent(FallbackClient([first, second]))
    fake.script(Reply(calls=[call("pick", what="tea")]), Reply(LONG, piece=8, cut_at=900))
    other.script(Reply("Goodbye!"))

    reader, events = await streamed(agent, "tea, please")
    await first.aclose()
    await second.aclose()

    assert (reader.text, reader.resets) == ("Goodbye!", 1)
    assert [event.type for event in events if str(event.type).startswith("tool.")] == ["tool.call", "tool.result"]
    sent = other.requests[0].body["messages"]
    assert [message["role"] for message in sent[:3]] == ["user", "assistant", "user"]
    assert "tool_result" in str(sent[2])


@pytest.mark.asyncio
async def test_offline_model_is_the_last_resort(fake: FakeProvider) -> None:
    first = client("openai", fake, NO_RETRY)
    agent = Desk.agent(FallbackClient([first, OfflineClient()]))
    fake.script(Fault(status=503))

    reader, _ = await streamed(agent)
    await first.aclose()

    assert reader.text
    assert reader.resets == 0


@pytest.mark.asyncio
async def test_turn_that_no_client_can_answer_fails_and_leaves_no_trace(fake: FakeProvider) -> None:
    memory, model = MemoryManager(), client("openai", fake, NO_RETRY)
    agent = Desk.agent(FallbackClient([model]), memory=memory)
    fake.script(Reply(LONG, piece=8, cut_at=900))
    events: list[Event] = []

    async def watch() -> None:
        async for event in agent.stream(AgentContext.from_text("hi", "ada")):
            events.append(event)

    with pytest.raises(ProviderError):
        await watch()
    await model.aclose()

    assert events[-1].type is EventType.RUN_FAILED
    assert (await memory.load_context("ada", agent.key)).messages == []

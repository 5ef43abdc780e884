"""What a conversation may use, and how long a turn may wait."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent_runtime_core.errors import ProviderUnavailable
from agent_runtime_core.interfaces import LLMResponse
from agent_runtime_core.llm.deadline import time_left
from agent_runtime_core.usage import UsageLimit
from agent_runtime_framework import AgentContext, JourneyConfig, MemoryManager
from agent_runtime_framework.executor.turn import CONVERSATION_OVER
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime


class Chatter(Journey):
    """Brief and friendly."""

    talk = step("Talk.")
    over = step(final=True)

    @talk.tool(to=over)
    async def stop(self) -> str:
        """The person has had enough."""
        return "Bye."


def reply(text: str, tokens: int) -> Any:
    return LLMResponse({"role": "assistant", "content": text}, {"prompt_tokens": tokens, "completion_tokens": 0})


def config(tokens: int, **options: Any) -> JourneyConfig:
    return JourneyConfig(conversation_limit=UsageLimit(max_tokens=tokens), **options)


class Counted:
    """A model whose every request costs the same."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.requests = 0

    async def generate(self, messages: Any, *, tools: Any = None, **options: Any) -> LLMResponse:
        self.requests += 1
        return reply(f"reply {self.requests}", self.tokens)


@pytest.mark.asyncio
@pytest.mark.parametrize("url", ["memory://", "sqlite"])
async def test_conversation_ends_politely_when_its_turns_have_used_the_limit(url: str, tmp_path: Path) -> None:
    memory = MemoryManager.from_url(f"sqlite:///{tmp_path / 'chat.db'}" if url == "sqlite" else url)
    model = Counted(tokens=60)
    agent = Chatter.agent(model, memory=memory, config=config(100))

    said = [await agent.chat("hi"), await agent.chat("and?"), await agent.chat("and?"), await agent.chat("and?")]

    assert said == ["reply 1", "reply 2", CONVERSATION_OVER, CONVERSATION_OVER]
    assert model.requests == 2
    assert await agent.chat("hi", "another conversation") == "reply 3"
    await memory.aclose()


@pytest.mark.asyncio
async def test_end_of_a_conversation_is_said_in_the_authors_words() -> None:
    agent = Chatter.agent(
        Counted(tokens=100), memory=MemoryManager(), config=config(100, conversation_limit_reply="Bitte neu beginnen.")
    )
    await agent.chat("hi")

    result = await agent.run(AgentContext.from_text("and?"))

    assert (result.response, result.metadata["stopped_reason"]) == ("Bitte neu beginnen.", "conversation_limit")


@pytest.mark.asyncio
async def test_limit_holds_under_a_runtime_and_counts_turns_that_broke(tmp_path: Path) -> None:
    class Breaks(Counted):
        async def generate(self, messages: Any, *, tools: Any = None, **options: Any) -> LLMResponse:
            if self.requests == 1:
                self.requests += 1
                raise ValueError("the model is gone")
            return await super().generate(messages)

    model = Breaks(tokens=60)
    agent = Chatter.agent(model, config=config(100))
    async with Runtime(f"sqlite:///{tmp_path / 'chat.db'}", agents=[agent]) as runtime:
        replies = [await runtime.send("ada", text, message_id=text) for text in ("one", "two", "three", "four")]

    assert [each.text for each in replies][::2] == ["reply 1", "reply 3"]
    assert replies[1].status == "failed"
    assert (replies[3].text, replies[3].stopped_reason) == (CONVERSATION_OVER, "conversation_limit")


class Patient:
    """A model that never answers, and looks at the time it is given."""

    def __init__(self) -> None:
        self.given: list[float | None] = []

    async def generate(self, messages: Any, *, tools: Any = None, **options: Any) -> LLMResponse:
        self.given.append(time_left(asyncio.get_running_loop().time()))
        await asyncio.Event().wait()
        raise AssertionError


@pytest.mark.asyncio
async def test_turn_waits_no_longer_than_its_deadline_for_any_client() -> None:
    model = Patient()
    agent = Chatter.agent(model, config=JourneyConfig(deadline=0.01))

    with pytest.raises(ProviderUnavailable, match=r"0\.01 seconds") as caught:
        await agent.chat("hi")

    assert model.given[0] is not None
    assert model.given[0] <= 0.01
    assert not caught.value.is_retryable


@pytest.mark.asyncio
async def test_clients_own_timeout_is_not_taken_for_the_deadline() -> None:
    class Impatient(Counted):
        async def generate(self, messages: Any, *, tools: Any = None, **options: Any) -> LLMResponse:
            raise TimeoutError("its own")

    agent = Chatter.agent(Impatient(tokens=1), config=JourneyConfig(deadline=60))

    with pytest.raises(TimeoutError, match="its own"):
        await agent.chat("hi")

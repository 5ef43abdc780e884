"""Tests of users replace `AsyncOpenAI` and `AsyncAnthropic` in our modules, or `_client` on a client, by mocks."""

# pyright: reportPrivateUsage=false

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import AsyncMock, MagicMock

import pytest

from agent_runtime_core.llm import anthropic, openai
from agent_runtime_core.llm.anthropic import AnthropicClient
from agent_runtime_core.llm.openai import OpenAIClient

HELLO = [{"role": "user", "content": "hello"}]


def chat_completion() -> MagicMock:
    called = MagicMock(id="c1")
    called.function.name = "save"
    called.function.arguments = '{"name": "Ada"}'
    choice = MagicMock(finish_reason="tool_calls")
    choice.message.content = None
    choice.message.tool_calls = [called]
    completion = MagicMock(choices=[choice], model="gpt-4o")
    completion.usage = MagicMock(prompt_tokens=1, completion_tokens=2, total_tokens=3)
    return completion


def claude_message() -> MagicMock:
    text, used = MagicMock(type="text", text="Saving."), MagicMock(type="tool_use", id="c1", input={"name": "Ada"})
    used.name = "save"
    message = MagicMock(content=[text, used], model="claude", stop_reason="tool_use")
    message.usage = MagicMock(input_tokens=1, output_tokens=2)
    return message


CALL = {"id": "c1", "type": "function", "function": {"name": "save", "arguments": '{"name": "Ada"}'}}


@pytest.mark.asyncio
async def test_openai_class_may_be_a_mock(monkeypatch: pytest.MonkeyPatch) -> None:
    sdk = MagicMock()
    sdk.return_value.chat.completions.create = AsyncMock(return_value=chat_completion())
    monkeypatch.setattr(openai, "AsyncOpenAI", sdk)

    response = await OpenAIClient("key", "gpt-4o").generate(HELLO, temperature=0.5)

    assert response.message == {"role": "assistant", "content": "", "tool_calls": [CALL]}
    assert response.usage == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    assert response.finish_reason == "tool_calls"
    assert sdk.call_args.kwargs["api_key"] == "key"
    sent = sdk.return_value.chat.completions.create.call_args.kwargs
    assert (sent["model"], sent["messages"], sent["temperature"]) == ("gpt-4o", HELLO, 0.5)


@pytest.mark.asyncio
async def test_openai_stream_may_be_any_async_iterator() -> None:
    async def chunks() -> AsyncIterator[MagicMock]:
        for text, reason in (("Hel", None), ("lo", None), (None, "stop")):
            choice = MagicMock(finish_reason=reason)
            choice.delta = MagicMock(content=text, tool_calls=None)
            yield MagicMock(choices=[choice], usage=None)

    client = OpenAIClient("key")
    client._client = MagicMock()
    client._client.chat.completions.create = AsyncMock(return_value=chunks())

    got = [chunk async for chunk in client.stream(HELLO)]

    assert [chunk.delta for chunk in got] == ["Hel", "lo", ""]
    assert got[-1].finish_reason == "stop"


@pytest.mark.asyncio
async def test_anthropic_class_may_be_a_mock(monkeypatch: pytest.MonkeyPatch) -> None:
    sdk: Any = MagicMock()
    sdk.return_value.messages.create = AsyncMock(return_value=claude_message())
    monkeypatch.setattr(anthropic, "AsyncAnthropic", sdk)

    response = await AnthropicClient("key", "claude").generate(HELLO)

    assert response.message == {"role": "assistant", "content": "Saving.", "tool_calls": [CALL]}
    assert response.usage == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    sent = sdk.return_value.messages.create.call_args.kwargs
    assert (sent["model"], sent["messages"], sent["max_tokens"]) == ("claude", HELLO, 4096)

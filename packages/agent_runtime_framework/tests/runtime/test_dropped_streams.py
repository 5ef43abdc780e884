"""Readers who go away in the midst of a reply, and come back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from corner_shop import Ledger, Shop, first_calls

from agent_runtime_core.interfaces import EventType, JSONObject, LLMResponse, LLMStreamChunk
from agent_runtime_framework.runtime import Runtime

TOKENS = 200
WORDS = [f"w{number} " for number in range(TOKENS)]
TEXT = "".join(WORDS).strip()


class Chatty:
    """A model that charges once, and then talks for a while, one token at a time."""

    def __init__(self) -> None:
        self._reply = first_calls("charge")

    async def generate(self, messages: list[JSONObject], **kwargs: Any) -> LLMResponse:
        message = self._reply(messages)
        return LLMResponse(message if message.get("tool_calls") else {**message, "content": TEXT})

    async def stream(self, messages: list[JSONObject], **kwargs: Any) -> AsyncIterator[LLMStreamChunk]:
        if calls := self._reply(messages).get("tool_calls"):
            yield LLMStreamChunk(tool_calls=calls, finish_reason="tool_calls")
            return
        for word in WORDS:
            await asyncio.sleep(0)
            yield LLMStreamChunk(delta=word)
        yield LLMStreamChunk(finish_reason="stop")


async def read(chats: Runtime, conversation: str, tokens: int) -> str:
    """What is read until so many tokens have come."""
    read, stream = "", chats.stream(conversation, "hi", message_id="m1")
    async for event in stream:
        if event.type is EventType.ASSISTANT_DELTA:
            tokens -= 1
            read += event.text
        if tokens < 0:
            break
    await stream.aclose()  # pyright: ignore[reportAttributeAccessIssue]  a generator
    return read


async def cut_off(chats: Runtime, conversation: str, tokens: int) -> str:
    """The same of a reader whose connection breaks: its task is cancelled while it waits for the next token."""
    read, has_read = list[str](), asyncio.Event()

    async def reader() -> None:
        async for event in chats.stream(conversation, "hi", message_id="m1"):
            if event.type is EventType.ASSISTANT_DELTA:
                read.append(event.text)
            if len(read) > tokens:
                has_read.set()

    reading = asyncio.ensure_future(reader())
    await asyncio.wait_for(has_read.wait(), 5)
    reading.cancel()
    await asyncio.wait({reading})
    assert reading.cancelled()
    return "".join(read)


async def ending_of(chats: Runtime, conversation: str) -> Any:
    """What somebody reads at last who comes back."""
    events = [event async for event in chats.stream(conversation, "hi", message_id="m1")]
    (whole,) = [event.text for event in events if event.type is EventType.ASSISTANT_MESSAGE]
    assert events[-1].type is EventType.RUN_SUCCEEDED
    return whole, events[-1].payload["response"]


@pytest.mark.asyncio
@pytest.mark.parametrize("leave", [read, cut_off], ids=["leaves", "is cut off"])
async def test_a_reader_who_goes_away_at_any_token_finds_the_whole_reply_afterwards(leave: Any) -> None:
    ledger = Ledger()
    async with Runtime("memory://", [Shop.agent(Chatty(), provide=[ledger])]) as chats:
        for token in range(TOKENS):
            name = f"c{token}"
            read = await leave(chats, name, token)
            assert TEXT.startswith(read.strip()), f"token {token}"
            assert read.split()[token:], f"token {token}"

            while_it_runs = await asyncio.wait_for(ending_of(chats, name), 5)
            afterwards = await asyncio.wait_for(ending_of(chats, name), 5)
            assert while_it_runs == afterwards == (TEXT, TEXT), f"token {token}"
            assert (await chats.reply_to(name, "m1")).text == TEXT
            assert [turn.status for turn in await chats.turns(name)] == ["answered"]
        assert ledger.done == ["charge"] * TOKENS

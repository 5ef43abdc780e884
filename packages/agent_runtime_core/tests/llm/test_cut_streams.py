"""A stream may end at any byte: the reply is then whole, or there is an error, never half a reply."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Literal

import pytest

from agent_runtime_core.errors import ProviderError, ProviderProtocolError, ProviderUnavailable
from agent_runtime_core.fake_provider import FakeProvider, Reply, anthropic_wire, call, openai_wire
from agent_runtime_core.interfaces import JSONObject, LLMStreamChunk
from agent_runtime_core.llm.retry import NO_RETRY, RetryPolicy

HELLO = [{"role": "user", "content": "hello"}]
REPLY = Reply("Grüße, Ådá!", calls=[call("save", name="Ådá"), call("skip")], piece=20)
LONG = Reply("hello there " * 20, piece=6)
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("save", "skip")]


def length_of(reply: Reply, provider: str) -> int:
    wire: Any = anthropic_wire if provider == "anthropic" else openai_wire
    return len(b"".join(wire.events(reply, 1, "m", {"stream_options": {"include_usage": True}})))


def half_of(reply: Reply, provider: str) -> Reply:
    return replace(reply, cut_at=length_of(reply, provider) // 2)


async def outcome(chunks: AsyncIterator[LLMStreamChunk]) -> tuple[str, JSONObject | None, ProviderError | None]:
    text, message = "", None
    try:
        async for chunk in chunks:
            text += chunk.delta
            message = chunk.message or message
    except ProviderError as error:
        return text, message, error
    return text, message, None


@pytest.mark.slow
@pytest.mark.asyncio
@pytest.mark.parametrize("cut", ["abrupt", "clean"])
async def test_cut_anywhere_gives_all_or_an_error(
    fake: FakeProvider, make_client: Any, cut: Literal["abrupt", "clean"]
) -> None:
    client = make_client(retry=NO_RETRY)
    length = length_of(REPLY, client.provider)
    whole: list[int] = []
    for at in range(length + 1):
        fake.script(replace(REPLY, cut_at=at, cut=cut))

        text, message, error = await outcome(client.stream(HELLO, tools=TOOLS))

        assert REPLY.text.startswith(text), at
        if error is None:
            whole.append(at)
            assert text == REPLY.text
            assert message is not None
            assert [each["function"]["name"] for each in message["tool_calls"]] == ["save", "skip"]
        else:
            assert message is None
            assert isinstance(error, (ProviderUnavailable, ProviderProtocolError)), at
            assert error.is_retryable
    # It counts as whole from the event that says why the reply ended.
    assert whole == list(range(whole[0], length + 1))
    assert whole[0] > length / 2


@pytest.mark.asyncio
async def test_cut_before_any_text_is_tried_again(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply("hello", cut_at=3), Reply("hello"))

    text, _, error = await outcome(make_client().stream(HELLO))

    assert (text, error) == ("hello", None)


@pytest.mark.asyncio
async def test_cut_after_text_is_not_tried_again(fake: FakeProvider, make_client: Any) -> None:
    client = make_client()
    fake.script(half_of(LONG, client.provider), Reply("never asked for"))

    text, message, error = await outcome(client.stream(HELLO))

    assert text
    assert message is None
    assert error is not None
    assert len(fake.requests) == 1


@pytest.mark.asyncio
async def test_cut_after_text_is_tried_again_by_who_can_take_text_back(fake: FakeProvider, make_client: Any) -> None:
    client = make_client()
    fake.script(half_of(LONG, client.provider), Reply("good day", piece=5))

    chunks = [chunk async for chunk in client.stream(HELLO, allow_reset=True)]

    resets = [index for index, chunk in enumerate(chunks) if chunk.reset]
    assert len(resets) == 1
    assert "".join(chunk.delta for chunk in chunks[resets[0] :]) == "good day"
    assert chunks[-1].message == {"role": "assistant", "content": "good day"}


@pytest.mark.asyncio
async def test_cut_unstreamed_reply_is_tried_again(fake: FakeProvider, make_client: Any, waits: Any) -> None:
    fake.script(Reply("hello", cut_at=20), Reply("hello", cut_at=20, cut="clean"), Reply("hello", garbled_at=0))
    fake.script(Reply("hello"))

    response = await make_client(retry=RetryPolicy(attempts=4)).generate(HELLO)

    assert response.content == "hello"
    assert waits.seconds == [0.5, 1.0, 2.0]

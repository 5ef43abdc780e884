"""What the clients of all vendors do alike, over real sockets."""

# pyright: reportPrivateUsage=false

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent_runtime_core.errors import (
    AuthenticationError,
    ContentFiltered,
    ContextTooLong,
    InvalidRequest,
    ProviderError,
    ProviderProtocolError,
    ProviderUnavailable,
    RateLimited,
)
from agent_runtime_core.fake_provider import Call, FakeProvider, Fault, Reply, call
from agent_runtime_core.interfaces import LLMStreamChunk
from agent_runtime_core.llm.openai import OpenAIClient
from agent_runtime_core.llm.retry import NO_RETRY

HELLO = [{"role": "user", "content": "hello"}]
TOOLS = [
    {"type": "function", "function": {"name": name, "description": name, "parameters": {"type": "object"}}}
    for name in ("save", "skip")
]


async def collect(chunks: AsyncIterator[LLMStreamChunk]) -> list[LLMStreamChunk]:
    return [chunk async for chunk in chunks]


def text_of(chunks: list[LLMStreamChunk]) -> str:
    return "".join(chunk.delta for chunk in chunks)


@pytest.mark.asyncio
async def test_plain_reply_has_text_usage_and_model(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply("Grüße", prompt_tokens=50, completion_tokens=7, cached_tokens=40, reasoning_tokens=3))

    response = await make_client().generate(HELLO)

    assert response.content == "Grüße"
    assert response.tool_calls is None
    assert response.usage == {
        "prompt_tokens": 50,
        "completion_tokens": 7,
        "total_tokens": 57,
        "prompt_tokens_details": {"cached_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert response.model == fake.requests[0].body["model"]


@pytest.mark.asyncio
async def test_parallel_tool_calls_arrive_whole(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply("One moment.", calls=[call("save", name="Ada"), call("skip")]))

    response = await make_client().generate(HELLO, tools=TOOLS)

    assert [(each.name, each.arguments) for each in response.tool_calls] == [("save", {"name": "Ada"}), ("skip", {})]
    assert len({each.id for each in response.tool_calls}) == 2
    assert response.content == "One moment."


@pytest.mark.asyncio
async def test_stream_and_generate_give_the_same_message(fake: FakeProvider, make_client: Any) -> None:
    reply = Reply("Čau, how are you?", calls=[Call("save", '{"name": "Ådá"}', "c1"), Call("skip", "{}", "c2")], piece=3)
    fake.script(reply, reply, reply)
    client = make_client()

    whole = await client.generate(HELLO, tools=TOOLS)
    chunks = await collect(client.stream(HELLO, tools=TOOLS))
    fetched_by_stream = await client.generate(HELLO, tools=TOOLS, stream=True)

    assert text_of(chunks) == whole.content
    assert chunks[-1].message == whole.message == fetched_by_stream.message
    assert chunks[-1].tool_calls == whole.message["tool_calls"]
    assert chunks[-1].usage == whole.usage == fetched_by_stream.usage
    assert chunks[-1].finish_reason == whole.finish_reason


@pytest.mark.asyncio
async def test_only_the_last_chunk_has_more_than_text(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply("abcdefghij", calls=[call("save")], piece=2))

    chunks = await collect(make_client().stream(HELLO, tools=TOOLS))

    assert [chunk.delta for chunk in chunks[:-1]] == ["ab", "cd", "ef", "gh", "ij"]
    assert all(chunk.tool_calls is None and chunk.finish_reason is None for chunk in chunks[:-1])


@pytest.mark.asyncio
async def test_broken_arguments_of_a_streamed_call_arrive_as_they_were(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply(calls=[Call("save", '{"name": "Ada",}')]))

    chunks = await collect(make_client().stream(HELLO, tools=TOOLS))

    assert chunks[-1].tool_calls is not None
    assert chunks[-1].tool_calls[0]["function"]["arguments"] == '{"name": "Ada",}'


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fault", "expected", "is_retryable"),
    [
        (Fault(401, "no such key"), AuthenticationError, False),
        (Fault(403, "not yours"), AuthenticationError, False),
        (Fault(429, "slow down"), RateLimited, True),
        (Fault(429, "You exceeded your current quota", "insufficient_quota"), RateLimited, False),
        (Fault(400, "your credit balance is too low"), RateLimited, False),
        (Fault(400, "maximum context length is 8192 tokens"), ContextTooLong, False),
        (Fault(400, "prompt is too long: 9 tokens > 8"), ContextTooLong, False),
        (Fault(413, "too big"), ContextTooLong, False),
        (Fault(400, "blocked", "content_filter"), ContentFiltered, False),
        (Fault(400, "messages: wrong"), InvalidRequest, False),
        (Fault(404, "no such model"), InvalidRequest, False),
        (Fault(422, "wrong"), InvalidRequest, False),
        (Fault(500), ProviderUnavailable, True),
        (Fault(503), ProviderUnavailable, True),
        (Fault(529), ProviderUnavailable, True),
        (Fault(408), ProviderUnavailable, True),
        (Fault(500, headers={"x-should-retry": "false"}), ProviderUnavailable, False),
        (Fault(kind="reset"), ProviderUnavailable, True),
        (Fault(kind="empty"), ProviderProtocolError, True),
        (Fault(kind="html"), ProviderProtocolError, None),
        (Reply("hi", garbled_at=2), ProviderProtocolError, True),
    ],
    ids=str,
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_failure_is_typed(
    fake: FakeProvider,
    make_client: Any,
    fault: Fault,
    expected: type[ProviderError],
    is_retryable: bool | None,
    stream: bool,
) -> None:
    fake.script(fault)
    client = make_client(retry=NO_RETRY)

    with pytest.raises(expected) as raised:
        await client.generate(HELLO, stream=stream)

    assert type(raised.value) is expected
    assert raised.value.provider == client.provider
    assert is_retryable is None or raised.value.is_retryable is is_retryable
    assert len(fake.requests) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(529, "Overloaded", "overloaded_error"), ProviderUnavailable),
        (Fault(500, "The server had an error", "server_error"), ProviderUnavailable),
        (Fault(429, "slow down", "rate_limit_error"), RateLimited),
        (Fault(400, "prompt is too long", "invalid_request_error"), ContextTooLong),
        (Fault(400, "wrong", "invalid_request_error"), InvalidRequest),
    ],
    ids=str,
)
async def test_error_inside_a_stream_is_typed(
    fake: FakeProvider, make_client: Any, fault: Fault, expected: type[ProviderError]
) -> None:
    fake.script(Reply("so far", breaks_off=fault))
    chunks = make_client().stream(HELLO)

    assert (await anext(chunks)).delta == "so far"
    with pytest.raises(expected) as raised:
        await anext(chunks)

    assert type(raised.value) is expected
    assert len(fake.requests) == 1


@pytest.mark.asyncio
async def test_error_before_any_text_of_a_stream_is_tried_again(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply(breaks_off=Fault(529, "Overloaded", "overloaded_error")), Reply("ok"))

    assert text_of(await collect(make_client().stream(HELLO))) == "ok"


@pytest.mark.asyncio
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_silent_provider_times_out(fake: FakeProvider, make_client: Any, stream: bool) -> None:
    fake.script(Fault(kind="hang"))

    with pytest.raises(ProviderUnavailable, match=r"did not answer in time.*timeout="):
        await make_client(retry=NO_RETRY, timeout=0.05).generate(HELLO, stream=stream)


@pytest.mark.asyncio
async def test_timeout_of_one_request_is_its_own(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Fault(kind="hang"))

    with pytest.raises(ProviderUnavailable, match="did not answer in time"):
        await make_client(retry=NO_RETRY).generate(HELLO, timeout=0.05)


@pytest.mark.asyncio
async def test_slow_first_byte_is_waited_for(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply("at last", held=True))
    answer = asyncio.create_task(collect(make_client().stream(HELLO)))
    await fake.received()
    assert not answer.done()

    fake.release()

    assert text_of(await answer) == "at last"
    assert len(fake.requests) == 1


@pytest.mark.asyncio
async def test_key_does_not_appear_in_the_error(fake: FakeProvider, make_client: Any) -> None:
    key = "canary 0123456789"
    client = make_client(api_key=key, retry=NO_RETRY)
    fake.script(Fault(401, f"Incorrect API key provided: {key}"))

    with pytest.raises(AuthenticationError) as raised:
        await client.generate(HELLO)

    assert key not in str(raised.value)


@pytest.mark.asyncio
async def test_unknown_option_goes_to_the_provider(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply("ok"))

    await make_client().generate(HELLO, temperature=0.3, max_tokens=77, min_p=0.1)

    body = fake.requests[0].body
    assert (body["temperature"], body["max_tokens"], body["min_p"]) == (0.3, 77, 0.1)


@pytest.mark.asyncio
async def test_options_that_are_none_are_not_sent(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply("ok"))

    await make_client().generate(HELLO, temperature=None, seed=None, tool_choice=None)

    assert not {"temperature", "seed", "tool_choice", "tools"} & set(fake.requests[0].body)


@pytest.mark.asyncio
async def test_connection_is_used_again(fake: FakeProvider, make_client: Any) -> None:
    fake.script(*[Reply("ok")] * 6)
    client = make_client()

    for _ in range(3):
        await client.generate(HELLO)
        await collect(client.stream(HELLO))

    assert fake.connections == 1


@pytest.mark.asyncio
async def test_closing_the_client_closes_its_connections(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply("ok"))
    async with make_client() as client:
        await client.generate(HELLO)
        assert fake.open_connections == 1

    await fake.disconnected()
    assert fake.open_connections == 0


@pytest.mark.asyncio
async def test_abandoned_stream_gives_its_connection_back(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Reply("a long reply " * 50), Reply("ok"))
    client = make_client(max_concurrency=1)

    chunks = client.stream(HELLO)
    await anext(chunks)
    await chunks.aclose()

    assert (await client.generate(HELLO)).content == "ok"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the first loop left a socket open
def test_client_outlives_the_loop_it_was_first_used_in(caplog: pytest.LogCaptureFixture) -> None:
    with FakeProvider(Reply("one"), Reply("two")) as fake:
        client = OpenAIClient("key", "m", base_url=fake.openai_url)
        answers = [asyncio.run(_ask(client)), asyncio.run(_ask(client, close=True))]

    assert answers == ["one", "two"]
    gc.collect()
    assert not caplog.records


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # the inner loops left sockets open
def test_client_serves_loops_of_other_threads_and_forgets_them() -> None:
    async def ask_here_and_in_threads(client: OpenAIClient) -> list[str]:
        answers = [await _ask(client)]
        for _ in range(3):
            answers.append(await asyncio.to_thread(lambda: asyncio.run(_ask(client))))
            assert len(client._elsewhere) == 1
        return [*answers, await _ask(client, close=True)]

    with FakeProvider(*[Reply(text) for text in "abcde"]) as fake:
        client = OpenAIClient("key", "m", base_url=fake.openai_url, max_concurrency=1)
        answers = asyncio.run(ask_here_and_in_threads(client))

    assert answers == list("abcde")
    del client
    gc.collect()


async def _ask(client: Any, *, close: bool = False) -> str:
    try:
        return (await client.generate(HELLO)).content
    finally:
        if close:
            await client.aclose()


@pytest.mark.asyncio
async def test_concurrency_limit_holds_requests_back(fake: FakeProvider, make_client: Any) -> None:
    fake.script(*[Reply("ok", held=True)] * 5)
    client = make_client(max_concurrency=2)
    asking = [asyncio.create_task(client.generate(HELLO)) for _ in range(5)]
    await fake.received(2)
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(fake.requests) == 2

    fake.release()

    assert [response.content for response in await asyncio.gather(*asking)] == ["ok"] * 5


@pytest.mark.asyncio
async def test_cancelling_a_request_frees_its_slot(fake: FakeProvider, make_client: Any) -> None:
    fake.script(Fault(kind="hang"), Reply("ok"))
    client = make_client(max_concurrency=1)
    waiting = asyncio.create_task(client.generate(HELLO))
    await fake.received()

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert (await client.generate(HELLO)).content == "ok"

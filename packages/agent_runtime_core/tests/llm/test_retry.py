"""The retry layer alone, on a clock that only moves when something sleeps."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from agent_runtime_core import override_config
from agent_runtime_core.errors import InvalidRequest, ProviderError, ProviderUnavailable, RateLimited
from agent_runtime_core.interfaces import LLMStreamChunk
from agent_runtime_core.llm.deadline import time_left, turn_deadline
from agent_runtime_core.llm.retry import NO_RETRY, Attempts, Pacing, RetryPolicy


class Sends:
    """Fails with the given errors, one each, then answers."""

    def __init__(self, *errors: ProviderError) -> None:
        self.errors = list(errors)
        self.count = 0

    async def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"


def unavailable() -> ProviderError:
    return ProviderUnavailable("down", provider="p", status=503)


@pytest.mark.asyncio
async def test_waits_double_up_to_the_cap(waits: Any) -> None:
    send = Sends(*[unavailable() for _ in range(6)])

    answer = await Attempts(RetryPolicy(attempts=7, base=1, cap=8), waits.pacing, None).call(send)

    assert answer == "answer"
    assert waits.seconds == [1, 2, 4, 8, 8, 8]


@pytest.mark.asyncio
async def test_waits_are_spread_by_chance(waits: Any) -> None:
    pacing = Pacing(now=lambda: waits.time, sleep=waits.sleep, chance=iter([0.5, 0.0, 0.25]).__next__)

    await Attempts(RetryPolicy(base=1, cap=100), pacing, None).call(Sends(*[unavailable() for _ in range(3)]))

    assert waits.seconds == [0.5, 0.0, 1.0]


@pytest.mark.asyncio
async def test_provider_says_how_long_to_wait(waits: Any) -> None:
    await Attempts(RetryPolicy(), waits.pacing, None).call(Sends(RateLimited("slow down", retry_after=7.0)))

    assert waits.seconds == [7.0]


@pytest.mark.asyncio
async def test_wait_past_the_window_is_not_begun(waits: Any) -> None:
    send = Sends(RateLimited("slow down", retry_after=61.0))

    with pytest.raises(RateLimited) as raised:
        await Attempts(RetryPolicy(window=60), waits.pacing, None).call(send)

    assert raised.value.retry_after == 61.0
    assert (waits.seconds, send.count) == ([], 1)


@pytest.mark.asyncio
async def test_wait_past_the_turns_deadline_is_not_begun(waits: Any) -> None:
    send = Sends(unavailable(), RateLimited("slow down", retry_after=5.0))

    with turn_deadline(4, now=lambda: waits.time), pytest.raises(RateLimited):
        await Attempts(RetryPolicy(), waits.pacing, None).call(send)

    assert (waits.seconds, send.count) == ([0.5], 2)


@pytest.mark.asyncio
async def test_wrong_request_is_sent_once(waits: Any) -> None:
    send = Sends(InvalidRequest("wrong"))

    with pytest.raises(InvalidRequest):
        await Attempts(RetryPolicy(), waits.pacing, None).call(send)

    assert send.count == 1


@pytest.mark.asyncio
async def test_last_error_is_raised_and_says_how_often_was_tried(waits: Any) -> None:
    send = Sends(*[unavailable() for _ in range(9)])

    with pytest.raises(ProviderUnavailable) as raised:
        await Attempts(RetryPolicy(attempts=3), waits.pacing, None).call(send)

    assert send.count == 3
    assert raised.value.__notes__ == ["attempt 3 of 3, 1.5 s after the first"]


@pytest.mark.asyncio
async def test_what_is_not_the_providers_fault_passes(waits: Any) -> None:
    async def send() -> str:
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await Attempts(RetryPolicy(), waits.pacing, None).call(send)


@pytest.mark.asyncio
async def test_retry_is_logged_without_what_anybody_wrote(waits: Any, caplog: pytest.LogCaptureFixture) -> None:
    error = ProviderUnavailable("canary", provider="openai", status=503)

    await Attempts(RetryPolicy(), waits.pacing, None).call(Sends(error))

    assert [record.getMessage() for record in caplog.records] == [
        "ProviderUnavailable; trying again in 0.5 s (attempt 2 of 6)"
    ]
    assert "canary" not in caplog.text


@pytest.mark.asyncio
async def test_deadline_ends_a_request_under_way() -> None:
    async def send() -> str:
        await asyncio.Event().wait()
        return "never"

    with turn_deadline(0.01), pytest.raises(ProviderUnavailable, match="deadline"):
        await Attempts(NO_RETRY, Pacing(), None).call(send)


@pytest.mark.asyncio
async def test_deadline_ends_a_stream_under_way() -> None:
    async def pieces() -> AsyncGenerator[LLMStreamChunk, None]:
        yield LLMStreamChunk("a")
        await asyncio.Event().wait()

    chunks = Attempts(NO_RETRY, Pacing(), None).stream(pieces, may_reset=False)
    with turn_deadline(0.01):
        assert await anext(chunks) == LLMStreamChunk("a")
        with pytest.raises(ProviderUnavailable, match="deadline"):
            await anext(chunks)


@pytest.mark.asyncio
async def test_deadline_ends_the_wait_for_a_slot() -> None:
    attempts = Attempts(NO_RETRY, Pacing(), 1)
    first = asyncio.create_task(attempts.call(asyncio.Event().wait))
    await asyncio.sleep(0)

    with turn_deadline(0.01), pytest.raises(ProviderUnavailable, match="deadline"):
        await attempts.call(Sends())
    first.cancel()
    await asyncio.wait([first])

    assert await attempts.call(Sends()) == "answer"


def test_inner_deadline_does_not_outlast_the_outer() -> None:
    with turn_deadline(5, now=lambda: 0.0), turn_deadline(9, now=lambda: 0.0):
        assert time_left(1.0) == 4.0
    assert time_left(1.0) is None


Script = list[list[str | ProviderError]]


def scripted(script: Script) -> Callable[[], AsyncGenerator[LLMStreamChunk, None]]:
    async def begin() -> AsyncGenerator[LLMStreamChunk, None]:
        for step in script.pop(0):
            if isinstance(step, ProviderError):
                raise step
            yield LLMStreamChunk(step)

    return begin


@pytest.mark.asyncio
async def test_stream_that_broke_before_its_first_piece_begins_again(waits: Any) -> None:
    begin = scripted([[unavailable()], ["a", "b"]])

    chunks = [chunk async for chunk in Attempts(RetryPolicy(), waits.pacing, None).stream(begin, may_reset=False)]

    assert [chunk.delta for chunk in chunks] == ["a", "b"]


@pytest.mark.asyncio
async def test_reset_goes_out_before_the_wait(waits: Any) -> None:
    begin = scripted([["a", unavailable()], [unavailable()], ["b"]])
    seen: list[tuple[str, float]] = []

    async for chunk in Attempts(RetryPolicy(), waits.pacing, None).stream(begin, may_reset=True):
        seen.append(("reset" if chunk.reset else chunk.delta, waits.time))

    assert seen == [("a", 0.0), ("reset", 0.0), ("b", 1.5)]


@pytest.mark.asyncio
async def test_stream_that_cannot_be_tried_again_is_not_reset(waits: Any) -> None:
    begin = scripted([["a", InvalidRequest("wrong")]])

    chunks = Attempts(RetryPolicy(), waits.pacing, None).stream(begin, may_reset=True)

    assert await anext(chunks) == LLMStreamChunk("a")
    with pytest.raises(InvalidRequest):
        await anext(chunks)


def test_configured_retries_are_counted_behind_the_first_request() -> None:
    with override_config(max_retries=2):
        assert RetryPolicy.configured().attempts == 3
    assert RetryPolicy.configured() == RetryPolicy()

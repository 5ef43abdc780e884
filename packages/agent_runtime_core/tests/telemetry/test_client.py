"""Model requests as spans and metrics."""

import asyncio
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from agent_runtime_core.errors import RateLimited
from agent_runtime_core.interfaces import LLMResponse, LLMStreamChunk
from agent_runtime_core.telemetry import instrument
from agent_runtime_core.testing import MockLLMClient, MockLLMResponse
from agent_runtime_core.usage import PricedClient

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "my-words-canary"}]


class Overloaded(MockLLMClient):
    async def generate(self, *args: Any, **kwargs: Any) -> LLMResponse:
        raise RateLimited("my-words-canary")


def instrumented(client: Any, exported: Any, **options: Any) -> Any:
    providers = {"tracer_provider": exported.tracer_provider, "meter_provider": exported.meter_provider}
    return instrument(client, provider="openai", **providers, **options)


@pytest.mark.asyncio
async def test_request_is_a_span_by_the_conventions(exported: Any) -> None:
    client = instrumented(MockLLMClient(), exported)
    response = await client.generate(MESSAGES, model="gpt-4o", temperature=0.5, max_tokens=9)
    assert response.content == "Mock response"
    (span,) = exported.exporter.get_finished_spans()
    assert (span.name, span.kind.name) == ("chat gpt-4o", "CLIENT")
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.response.model": "gpt-4o",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 20,
    }


@pytest.mark.asyncio
async def test_tokens_and_time_are_measured(exported: Any) -> None:
    client = instrumented(MockLLMClient(), exported)
    for _ in range(2):
        await client.generate(MESSAGES, model="gpt-4o")
    points = exported.points("gen_ai.client.token.usage")
    assert {(point.attributes["gen_ai.token.type"], point.sum, point.count) for point in points} == {
        ("input", 20, 2),
        ("output", 40, 2),
    }
    assert points[0].explicit_bounds[:4] == (1, 4, 16, 64)
    (duration,) = exported.points("gen_ai.client.operation.duration")
    assert duration.count == 2
    assert duration.explicit_bounds[:3] == (0.01, 0.02, 0.04)
    assert duration.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o",
    }


@pytest.mark.asyncio
async def test_stream_is_one_span(exported: Any) -> None:
    client = instrumented(MockLLMClient(), exported)
    text = "".join([chunk.delta async for chunk in client.stream(MESSAGES, model="gpt-4o")])
    assert text == "Mock response"
    (span,) = exported.exporter.get_finished_spans()
    assert span.attributes["gen_ai.request.stream"] is True
    assert span.attributes["gen_ai.usage.output_tokens"] == 20
    assert span.attributes["gen_ai.response.time_to_first_chunk"] >= 0


@pytest.mark.asyncio
async def test_stream_that_nobody_reads_on_is_ended(exported: Any) -> None:
    stream = instrumented(MockLLMClient(), exported).stream(MESSAGES)
    await anext(stream)
    await stream.aclose()
    (span,) = exported.exporter.get_finished_spans()
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.asyncio
async def test_error_is_told_by_its_type(exported: Any) -> None:
    with pytest.raises(RateLimited):
        await instrumented(Overloaded(), exported).generate(MESSAGES)
    (span,) = exported.exporter.get_finished_spans()
    assert (span.status.status_code, span.attributes["error.type"]) == (StatusCode.ERROR, "RateLimited")
    assert exported.points("gen_ai.client.operation.duration")[0].attributes["error.type"] == "RateLimited"
    assert "canary" not in exported.everything


@pytest.mark.asyncio
async def test_content_is_left_out_unless_asked_for(exported: Any) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "save", "arguments": '{"name": "Ada"}'}}
    replies = [MockLLMResponse("said", tool_calls=[call])] * 3
    await instrumented(MockLLMClient(replies), exported).generate(MESSAGES)
    assert "canary" not in exported.everything

    telling = instrumented(MockLLMClient(replies), exported, log_content=True)
    await telling.generate(MESSAGES)
    _ = [chunk async for chunk in telling.stream(MESSAGES)]
    expected = (
        '[{"role": "assistant", "parts": [{"type": "text", "content": "said"}, '
        '{"type": "tool_call", "id": "1", "name": "save", "arguments": {"name": "Ada"}}]}]'
    )
    for span in exported.exporter.get_finished_spans()[1:]:
        assert '{"type": "text", "content": "my-words-canary"}' in span.attributes["gen_ai.input.messages"]
        assert span.attributes["gen_ai.output.messages"] == expected


@pytest.mark.asyncio
async def test_price_is_on_the_span(exported: Any) -> None:
    client = instrumented(PricedClient(MockLLMClient(), "openai"), exported)
    response = await client.generate(MESSAGES, model="gpt-4o")
    (span,) = exported.exporter.get_finished_spans()
    assert span.attributes["agent_runtime.cost_usd"] == response.usage["cost_usd"] > 0


@pytest.mark.asyncio
async def test_what_the_client_offers_beyond_stays_within_reach(exported: Any) -> None:
    client = instrumented(MockLLMClient(["one"]), exported)
    await client.generate(MESSAGES, seed=3)
    assert client.get_call_count() == 1
    assert client.get_calls()[0]["seed"] == 3


class CutOff(MockLLMClient):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    async def stream(self, *args: Any, **kwargs: Any) -> Any:
        yield LLMStreamChunk(delta="half")
        raise self.error


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("error", "status"),
    [(RateLimited("my-words-canary"), StatusCode.ERROR), (asyncio.CancelledError(), StatusCode.UNSET)],
)
async def test_stream_that_breaks_is_told_by_its_type(error: BaseException, status: StatusCode, exported: Any) -> None:
    stream = instrumented(CutOff(error), exported).stream(MESSAGES)
    with pytest.raises(type(error)):
        _ = [chunk async for chunk in stream]
    (span,) = exported.exporter.get_finished_spans()
    assert (span.status.status_code, span.attributes["error.type"]) == (status, type(error).__name__)
    assert "canary" not in exported.everything


class Withdrawing(MockLLMClient):
    async def stream(self, *args: Any, **kwargs: Any) -> Any:
        yield LLMStreamChunk(delta="wrong")
        yield LLMStreamChunk(delta="right", reset=True, finish_reason="stop")


@pytest.mark.asyncio
async def test_text_taken_back_is_not_in_the_span(exported: Any) -> None:
    _ = [chunk async for chunk in instrumented(Withdrawing(), exported, log_content=True).stream(MESSAGES)]
    assert "right" in exported.everything
    assert "wrong" not in exported.everything


@pytest.mark.asyncio
async def test_what_the_client_traces_itself_is_beneath_the_request(exported: Any) -> None:
    tracer = exported.tracer_provider.get_tracer("http")

    class Traced(MockLLMClient):
        async def generate(self, *args: Any, **kwargs: Any) -> LLMResponse:
            with tracer.start_as_current_span("POST"):
                return await super().generate(*args, **kwargs)

        async def stream(self, *args: Any, **kwargs: Any) -> Any:
            with tracer.start_as_current_span("POST stream"):
                pass
            yield LLMStreamChunk(delta="x")

    client = instrumented(Traced(), exported)
    await client.generate(MESSAGES, model="a")
    async for _ in client.stream(MESSAGES, model="b"):
        assert not trace.get_current_span().get_span_context().is_valid
    spans = exported.spans
    assert spans["POST"].parent.span_id == spans["chat a"].context.span_id
    assert spans["POST stream"].parent.span_id == spans["chat b"].context.span_id

"""What a turn leaves in logs and traces."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent_runtime_core.fake_provider import FakeProvider, Reply, call
from agent_runtime_core.llm.openai import OpenAIClient
from agent_runtime_core.logs import ContextFilter
from agent_runtime_core.telemetry import instrument, telemetry_sink
from agent_runtime_framework import AgentContext, JourneyConfig, MemoryManager
from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.testing import ScriptedLLM
from agent_runtime_framework.testing import call as calls

SAID = "my-words-canary"


class Desk(Journey):
    """Brief and friendly."""

    choose = step("Ask what they want.")
    over = step("Say goodbye.")

    @choose.tool(to=over)
    async def pick(self, what: str) -> str:
        """Record what they want."""
        logging.getLogger("desk").warning("picked")
        return "Noted."


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.addFilter(ContextFilter())
        self.records: list[Any] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    logging.getLogger("desk").addHandler(handler)
    yield handler
    logging.getLogger("desk").removeHandler(handler)


@pytest.mark.asyncio
async def test_records_of_a_turn_carry_its_ids_and_the_step_it_is_in(kept: Kept) -> None:
    def later(request: Any) -> str:
        logging.getLogger("desk").warning("asked again")
        return "Bye."

    ctx = AgentContext.from_text("hi", "ada")
    await Desk.agent(ScriptedLLM(calls("pick", what="tea"), later)).run(ctx)

    told = [(each.getMessage(), each.run_id, each.conversation_id, each.step) for each in kept.records]
    assert told == [
        ("picked", str(ctx.run_id), "ada", "choose"),
        ("asked again", str(ctx.run_id), "ada", "over"),
    ]


@pytest_asyncio.fixture
async def fake() -> Any:
    async with FakeProvider() as provider:
        yield provider


@pytest.mark.asyncio
@pytest.mark.parametrize("streams", [False, True])
async def test_turn_is_one_trace_with_its_journey_steps_and_summed_usage(fake: FakeProvider, streams: bool) -> None:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    traces, metrics = TracerProvider(), MeterProvider(metric_readers=[reader])
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    client = OpenAIClient("key", "gpt-4o", base_url=fake.openai_url)
    fake.script(Reply(calls=[call("pick", what=SAID)]), Reply(f"Bye, {SAID}."))
    agent = Desk.agent(
        instrument(client, tracer_provider=traces, meter_provider=metrics),
        sinks=[telemetry_sink(tracer_provider=traces)],
        memory=MemoryManager(),
    )

    ctx = AgentContext.from_text(SAID, "ada")
    if streams:
        usage: Any = [event async for event in agent.stream(ctx)][-1].payload["usage"]
    else:
        usage = (await agent.run(ctx)).usage
    await client.aclose()

    spans: list[ReadableSpan] = list(exporter.get_finished_spans())
    assert sorted(span.name for span in spans) == [
        "chat gpt-4o", "chat gpt-4o", "execute_tool pick", "invoke_agent desk",
    ]  # fmt: skip
    turn = next(span for span in spans if span.name == "invoke_agent desk")
    beneath = [span for span in spans if span is not turn]
    assert {span.context.trace_id for span in spans if span.context} == {turn.context and turn.context.trace_id}
    assert all(span.parent and turn.context and span.parent.span_id == turn.context.span_id for span in beneath)
    asked = [(span.attributes or {}).get("journey.step") for span in spans if span.name == "chat gpt-4o"]
    assert asked == ["choose", "over"]
    attributes = dict(turn.attributes or {})
    assert attributes["journey.name"] == "desk"
    assert attributes["gen_ai.conversation.id"] == "ada"
    assert attributes["gen_ai.usage.input_tokens"] == usage["prompt_tokens"]
    counted = [int((span.attributes or {}).get("gen_ai.usage.input_tokens", 0)) for span in spans if span is not turn]
    assert sum(counted) == usage["prompt_tokens"] > 0
    assert SAID not in "".join(span.to_json() for span in spans)
    traces.shutdown()
    metrics.shutdown()


@pytest.mark.asyncio
async def test_wrapped_client_still_knows_what_it_knew(fake: FakeProvider) -> None:
    client = OpenAIClient("key", "gpt-4o", base_url=fake.openai_url)
    wrapped = instrument(client, tracer_provider=TracerProvider())

    assert wrapped.supports_reset is True
    assert wrapped.supports_allowed_tools is True
    fake.script(Reply("What would you like?"))
    await Desk.agent(wrapped, config=JourneyConfig(constant_tools=True)).run(AgentContext.from_text("hi"))
    assert [tool["function"]["name"] for tool in fake.requests[0].body["tools"]] == ["pick"]
    await client.aclose()

"""Telemetry as a whole: one tree of spans, and nothing where nobody wants any."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from agent_runtime_core.telemetry import instrument, is_configured, telemetry_sink
from agent_runtime_core.testing import MockLLMClient


@pytest.mark.asyncio
async def test_requests_and_tools_hang_beneath_their_turn(exported: Any) -> None:
    sink = telemetry_sink(tracer_provider=exported.tracer_provider)
    client = instrument(
        MockLLMClient(), tracer_provider=exported.tracer_provider, meter_provider=exported.meter_provider
    )

    def push(event_type: str, **payload: Any) -> None:
        sink.push(SimpleNamespace(type=event_type, payload=payload, run_id="r", conversation_id="c"))

    push("run.started", agent="quote", step="choose")
    await client.generate([], model="one")
    push("tool.call", name="pick", tool_call_id="1", arguments={})
    push("step.entered", step="car", previous="choose")
    push("tool.result", name="pick", tool_call_id="1", result="", ok=True)
    _ = [chunk async for chunk in client.stream([], model="two")]
    push("run.succeeded", usage={})

    spans = exported.spans
    turn = spans["invoke_agent quote"]
    beneath = [spans[name] for name in ("chat one", "execute_tool pick", "chat two")]
    assert {span.parent.span_id for span in beneath} == {turn.context.span_id}
    assert [span.attributes["journey.step"] for span in beneath] == ["choose", "choose", "car"]
    assert {span.attributes["journey.name"] for span in beneath} == {"quote"}
    assert {span.attributes["gen_ai.conversation.id"] for span in beneath} == {"c"}


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_asking_whether_it_is_configured_imports_nothing() -> None:
    code = (
        "import sys; from agent_runtime_core.telemetry import is_configured; "
        "print(is_configured(), 'opentelemetry' in sys.modules)"
    )
    assert run_python(code) == "False False\n"


def test_a_tracer_provider_makes_it_configured() -> None:
    code = (
        "from opentelemetry import trace; from opentelemetry.sdk.trace import TracerProvider; "
        "from agent_runtime_core.telemetry import is_configured; before = is_configured(); "
        "trace.set_tracer_provider(TracerProvider()); print(before, is_configured())"
    )
    assert run_python(code) == "False True\n"
    assert not is_configured()


def test_missing_package_is_named_with_the_extra() -> None:
    code = (
        "import sys; sys.modules['opentelemetry'] = None; from agent_runtime_core.telemetry import telemetry_sink\n"
        "try: telemetry_sink()\n"
        "except ValueError as error: print(error)"
    )
    assert run_python(code) == (
        "telemetry needs OpenTelemetry; install it with: pip install 'agent_runtime_core[otel]'\n"
    )


@pytest.mark.asyncio
async def test_unconfigured_client_answers_as_ever() -> None:
    response = await instrument(MockLLMClient(["hi"])).generate([])
    assert response.content == "hi"

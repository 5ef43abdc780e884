"""Traces and metrics by OpenTelemetry's conventions for generative AI.

Three kinds of spans: `invoke_agent` for a turn, `chat` for a model request, `execute_tool` for a tool call; to the
conventions' attributes they add `journey.name` and `journey.step`. Two metrics: `gen_ai.client.token.usage` and
`gen_ai.client.operation.duration`.

Spans of turns and tools come from events, so they cost the turn nothing but the events it tells anyway; spans of model
requests come from a client in front of the client. What was said is left out unless `log_content=True`; secrets are
masked even then. OpenTelemetry is imported when one of the two is made: install it with the extra `otel`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import LLMClient

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from agent_runtime_core.telemetry.client import InstrumentedClient
    from agent_runtime_core.telemetry.sink import TelemetrySink


def is_configured() -> bool:
    """True if this process has set a global tracer provider.

    It asks without importing anything: what is not imported is not configured.
    """
    trace = sys.modules.get("opentelemetry.trace")
    return trace is not None and not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def telemetry_sink(*, tracer_provider: TracerProvider | None = None, log_content: bool = False) -> TelemetrySink:
    """A sink of events that makes the spans of turns and tool calls.

    Args:
        tracer_provider: Where spans go; by default the global one.
        log_content: True puts arguments and results of tools into the spans.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """
    _require_opentelemetry()
    from agent_runtime_core.telemetry.sink import TelemetrySink

    return TelemetrySink(tracer_provider, log_content=log_content)


def instrument(
    client: LLMClient,
    *,
    provider: str | None = None,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    log_content: bool = False,
) -> InstrumentedClient:
    """The client, with a span and metrics for each request.

    Args:
        client: Who answers.
        provider: Who runs the model; by default the client's own `provider`.
        tracer_provider: Where spans go; by default the global one.
        meter_provider: Where metrics go; by default the global one.
        log_content: True puts the messages into the spans.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """
    _require_opentelemetry()
    from agent_runtime_core.telemetry.client import InstrumentedClient

    return InstrumentedClient(
        client,
        provider=provider,
        tracer_provider=tracer_provider,
        meter_provider=meter_provider,
        log_content=log_content,
    )


def _require_opentelemetry() -> None:
    try:
        import_module("opentelemetry.trace")
    except ImportError as error:
        raise ConfigurationError(
            "telemetry needs OpenTelemetry; install it with: pip install 'agent_runtime_core[otel]'"
        ) from error

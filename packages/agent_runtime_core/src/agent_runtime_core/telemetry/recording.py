"""What is recorded of one model request: a `chat` span, its tokens and its time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import MeterProvider
from opentelemetry.trace import Span, SpanKind, TracerProvider, use_span

from agent_runtime_core._version import __version__
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.telemetry.content import messages_as_json
from agent_runtime_core.telemetry.scopes import (
    INSTRUMENTATION,
    Attributes,
    live_context,
    mark_failed,
    shared_attributes,
)
from agent_runtime_core.usage import COST_KEY, TokenCounts

# The boundaries that the conventions ask for.
_TOKEN_BOUNDARIES = [4**power for power in range(14)]
_SECOND_BOUNDARIES = [0.01 * 2**power for power in range(14)]

_REQUEST_OPTIONS = ("temperature", "top_p", "max_tokens", "seed", "presence_penalty", "frequency_penalty")


class ChatRecorder:
    """Opens a `ChatRecord` for each request, all with the same tracer and instruments."""

    def __init__(
        self,
        provider: str,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        *,
        log_content: bool,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self.log_content = log_content
        self.monotonic = monotonic
        self.tracer = trace.get_tracer(INSTRUMENTATION, __version__, tracer_provider)
        meter = metrics.get_meter(INSTRUMENTATION, __version__, meter_provider)
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Tokens sent and received.",
            explicit_bucket_boundaries_advisory=_TOKEN_BOUNDARIES,
        )
        self.seconds = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="How long a request took.",
            explicit_bucket_boundaries_advisory=_SECOND_BOUNDARIES,
        )

    def start(
        self, model: str, messages: Sequence[Mapping[str, Any]], options: Mapping[str, Any], *, is_stream: bool = False
    ) -> ChatRecord:
        """The record of a request that begins now."""
        context = live_context()
        common: Attributes = {"gen_ai.operation.name": "chat"}
        if self.provider:
            common["gen_ai.provider.name"] = self.provider
        if model:
            common["gen_ai.request.model"] = model
        attributes: Attributes = {**common, **shared_attributes(context)}
        for option in _REQUEST_OPTIONS:
            if isinstance(value := options.get(option), int | float):
                attributes[f"gen_ai.request.{option}"] = value
        if is_stream:
            attributes["gen_ai.request.stream"] = True
        span = self.tracer.start_span(f"chat {model}".rstrip(), context, SpanKind.CLIENT, attributes)
        if self.log_content and span.is_recording():
            span.set_attribute("gen_ai.input.messages", messages_as_json(messages))
        return ChatRecord(self, span, common)


class ChatRecord:
    """One request that is under way; `succeed` or `fail` ends it."""

    def __init__(self, recorder: ChatRecorder, span: Span, common: Attributes) -> None:
        self._recorder = recorder
        self._span = span
        self._common = common
        self._started = recorder.monotonic()
        self._has_begun = False

    def current(self) -> AbstractContextManager[Span]:
        """A block in which the span is the current one, and which does not end it."""
        return use_span(self._span, end_on_exit=False, record_exception=False, set_status_on_exception=False)

    def first_piece(self) -> None:
        """A piece of the reply has come; only the first one counts."""
        if not self._has_begun:
            self._has_begun = True
            waited = self._recorder.monotonic() - self._started
            self._span.set_attribute("gen_ai.response.time_to_first_chunk", waited)

    def succeed(self, usage: Mapping[str, Any], model: str, finish_reason: str, message: JSONObject) -> None:
        """The reply has come, or as much of it as somebody wanted."""
        span, counts = self._span, TokenCounts.of(usage)
        if model:
            self._common["gen_ai.response.model"] = model
            span.set_attribute("gen_ai.response.model", model)
        if finish_reason:
            span.set_attribute("gen_ai.response.finish_reasons", [finish_reason])
        if usage:
            self._count(usage, counts)
        if self._recorder.log_content and span.is_recording():
            span.set_attribute("gen_ai.output.messages", messages_as_json([message]))
        self._end()

    def fail(self, error: BaseException) -> None:
        """The request ended in an error, or was cancelled."""
        name = type(error).__name__
        if isinstance(error, asyncio.CancelledError):
            self._span.set_attribute("error.type", name)
        else:
            mark_failed(self._span, name)
        self._common["error.type"] = name
        self._end()

    def _count(self, usage: Mapping[str, Any], counts: TokenCounts) -> None:
        numbers = {
            "gen_ai.usage.input_tokens": counts.input,
            "gen_ai.usage.output_tokens": counts.output,
            "gen_ai.usage.cache_read.input_tokens": counts.cache_read,
            "gen_ai.usage.cache_creation.input_tokens": counts.cache_write,
            "gen_ai.usage.reasoning.output_tokens": counts.reasoning,
        }
        always = {"gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"}
        self._span.set_attributes({name: number for name, number in numbers.items() if number or name in always})
        if COST_KEY in usage:
            self._span.set_attribute("agent_runtime.cost_usd", usage[COST_KEY])
        self._recorder.tokens.record(counts.input, {**self._common, "gen_ai.token.type": "input"})
        self._recorder.tokens.record(counts.output, {**self._common, "gen_ai.token.type": "output"})

    def _end(self) -> None:
        self._recorder.seconds.record(self._recorder.monotonic() - self._started, self._common)
        self._span.end()

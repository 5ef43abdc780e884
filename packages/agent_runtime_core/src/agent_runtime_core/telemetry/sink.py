"""Turns and tool calls as spans, made from the events of a turn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from opentelemetry import trace
from opentelemetry.trace import SpanKind, TracerProvider

from agent_runtime_core._version import __version__
from agent_runtime_core.telemetry.content import value_as_text
from agent_runtime_core.telemetry.scopes import INSTRUMENTATION, Attributes, Scope, live_context
from agent_runtime_core.usage import TokenCounts

# A turn whose end is never told must not be kept for ever.
_MOST_OPEN_TURNS = 10_000


class EventLike(Protocol):
    """What the sink reads of an event."""

    @property
    def type(self) -> str:
        """Such as `tool.call`."""
        ...

    @property
    def payload(self) -> dict[str, Any]:
        """The details."""
        ...

    @property
    def run_id(self) -> str:
        """The turn it happened in."""
        ...

    @property
    def conversation_id(self) -> str:
        """The conversation."""
        ...


@dataclass
class _Turn:
    scope: Scope
    tools: dict[str, Scope] = field(default_factory=dict[str, Scope])

    def close(self, error_type: str = "") -> None:
        for tool in self.tools.values():
            tool.close()
        self.tools.clear()
        self.scope.close(error_type)


class TelemetrySink:
    """Makes an `invoke_agent` span of each turn and an `execute_tool` span of each call in it.

    While they are open they are the current spans, so what a tool traces itself is found beneath them.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None, *, log_content: bool = False) -> None:
        self._tracer = trace.get_tracer(INSTRUMENTATION, __version__, tracer_provider)
        self._log_content = log_content
        self._turns: OrderedDict[str, _Turn] = OrderedDict()

    def push(self, event: EventLike) -> None:
        """Take an event of a turn; those that say nothing of spans are ignored."""
        match str(event.type):
            case "run.started":
                self._start_turn(event)
            case "step.entered":
                self._enter_step(event)
            case "tool.call":
                self._start_tool(event)
            case "tool.result":
                self._end_tool(event)
            case "tool.refused":
                self._refuse_tool(event)
            case "run.succeeded" | "run.paused" | "run.failed" | "run.cancelled" | "run.timed_out":
                self._end_turn(event)
            case _:
                pass

    def _start_turn(self, event: EventLike) -> None:
        name = str(_first(event.payload, "agent", "agent_key"))
        shared: Attributes = {"journey.name": name}
        if event.conversation_id:
            shared["gen_ai.conversation.id"] = str(event.conversation_id)
        if step := event.payload.get("step"):
            shared["journey.step"] = str(step)
        attributes: Attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": name,
            "agent_runtime.run.id": str(event.run_id),
            **shared,
        }
        span = self._tracer.start_span(f"invoke_agent {name}".rstrip(), live_context(), SpanKind.INTERNAL, attributes)
        if not span.get_span_context().is_valid:
            # No tracer is configured: the events that follow find no turn and cost a look-up each.
            return
        self._turns[str(event.run_id)] = _Turn(Scope(span, shared))
        if len(self._turns) > _MOST_OPEN_TURNS:
            self._turns.popitem(last=False)[1].close()

    def _enter_step(self, event: EventLike) -> None:
        if turn := self._turns.get(str(event.run_id)):
            step = str(event.payload.get("step") or "")
            turn.scope.shared["journey.step"] = step
            previous = str(event.payload.get("previous") or "")
            turn.scope.span.add_event("step.entered", {"journey.step": step, "journey.previous_step": previous})

    def _start_tool(self, event: EventLike) -> Scope | None:
        turn = self._turns.get(str(event.run_id))
        if turn is None:
            return None
        name = str(_first(event.payload, "name", "tool_name"))
        call_id = str(event.payload.get("tool_call_id") or "")
        attributes: Attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.type": "function",
            **turn.scope.shared,
        }
        if self._log_content:
            attributes["gen_ai.tool.call.arguments"] = value_as_text(_first(event.payload, "arguments", "tool_args"))
        span = self._tracer.start_span(f"execute_tool {name}".rstrip(), live_context(), SpanKind.INTERNAL, attributes)
        turn.tools[call_id] = scope = Scope(span, turn.scope.shared)
        return scope

    def _end_tool(self, event: EventLike) -> None:
        scope = self._tool_of(event)
        if scope is not None:
            if self._log_content:
                scope.span.set_attribute("gen_ai.tool.call.result", value_as_text(event.payload.get("result")))
            scope.close("" if event.payload.get("ok", True) else "tool_error")

    def _refuse_tool(self, event: EventLike) -> None:
        scope = self._tool_of(event)
        if scope is None and self._start_tool(event) is not None:
            scope = self._tool_of(event)
        if scope is not None:
            if self._log_content:
                scope.span.set_attribute("gen_ai.tool.call.result", value_as_text(event.payload.get("reason")))
            scope.close("tool_refused")

    def _tool_of(self, event: EventLike) -> Scope | None:
        turn = self._turns.get(str(event.run_id))
        return None if turn is None else turn.tools.pop(str(event.payload.get("tool_call_id") or ""), None)

    def _end_turn(self, event: EventLike) -> None:
        turn = self._turns.pop(str(event.run_id), None)
        if turn is None:
            return
        span, payload = turn.scope.span, event.payload
        span.set_attribute("agent_runtime.run.outcome", str(event.type).removeprefix("run."))
        if step := turn.scope.shared.get("journey.step"):
            span.set_attribute("journey.step", step)
        if reason := payload.get("stopped_reason"):
            span.set_attribute("journey.stopped_reason", str(reason))
        if usage := payload.get("usage"):
            counts = TokenCounts.of(usage)
            span.set_attribute("gen_ai.usage.input_tokens", counts.input)
            span.set_attribute("gen_ai.usage.output_tokens", counts.output)
        failed = str(event.type) in {"run.failed", "run.timed_out"}
        turn.close(str(payload.get("error_type") or event.type) if failed else "")


def _first(payload: Mapping[str, Any], *names: str) -> Any:
    return next((payload[name] for name in names if payload.get(name) is not None), "")

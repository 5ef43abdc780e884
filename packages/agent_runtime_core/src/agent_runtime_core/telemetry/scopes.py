"""Spans that are current while they are open, whoever closes them and in whatever order.

Events open and close a span from different calls, so there is no `with` block to hold it. A scope remembers the
context it found; when the current context belongs to a closed scope, the way leads back to the nearest open one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, Status, StatusCode

INSTRUMENTATION = "agent_runtime"

AttributeValue: TypeAlias = str | int | float | bool | list[str]
Attributes: TypeAlias = dict[str, AttributeValue]

_KEY = otel_context.create_key("agent-runtime-scope")


class Scope:
    """An open span, current until it is closed.

    Attributes:
        span: The span.
        shared: Attributes that the spans beneath it repeat.
    """

    def __init__(self, span: Span, shared: Mapping[str, AttributeValue]) -> None:
        self.span = span
        self.shared: Attributes = dict(shared)
        self.is_open = True
        self.outer = live_context()
        self.context = otel_context.set_value(_KEY, self, trace.set_span_in_context(span, self.outer))
        # No token is kept: `detach` insists on the very context it was made in, and events may come from another.
        otel_context.attach(self.context)

    def close(self, error_type: str = "") -> None:
        """End the span; a second time does nothing."""
        if not self.is_open:
            return
        self.is_open = False
        if error_type:
            mark_failed(self.span, error_type)
        self.span.end()
        current = otel_context.get_current()
        alive = live_context()
        if alive is not current:
            otel_context.attach(alive)


def live_context() -> Context:
    """The current context, or the nearest one around it whose scope is still open."""
    current = otel_context.get_current()
    scope = _scope_of(current)
    while scope is not None and not scope.is_open:
        current = scope.outer
        scope = _scope_of(current)
    return current


def shared_attributes(context: Context) -> Attributes:
    """What a span in this context repeats of the turn it belongs to."""
    scope = _scope_of(context)
    return {} if scope is None else dict(scope.shared)


def _scope_of(context: Context) -> Scope | None:
    return cast("Scope | None", otel_context.get_value(_KEY, context))


def mark_failed(span: Span, error_type: str) -> None:
    """Say on the span what kind of error it was; its text may be what somebody said, so it is left out."""
    span.set_attribute("error.type", error_type)
    span.set_status(Status(StatusCode.ERROR, error_type))

"""Turns and tool calls as spans."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from agent_runtime_core.interfaces import EventType
from agent_runtime_core.telemetry import telemetry_sink
from agent_runtime_core.telemetry.sink import TelemetrySink

CANARY = "my-words-canary"


@dataclass
class Event:
    type: EventType
    payload: dict[str, Any] = field(default_factory=dict[str, Any])
    run_id: str = "run-1"
    conversation_id: str = "c-1"


@pytest.fixture
def sink(exported: Any) -> TelemetrySink:
    return telemetry_sink(tracer_provider=exported.tracer_provider)


def start(sink: TelemetrySink, run_id: str = "run-1") -> None:
    sink.push(Event(EventType.RUN_STARTED, {"agent": "quote", "step": "choose"}, run_id))


def call(sink: TelemetrySink, call_id: str, name: str = "pick") -> None:
    sink.push(Event(EventType.TOOL_CALL, {"name": name, "arguments": {"kind": CANARY}, "tool_call_id": call_id}))


def result(sink: TelemetrySink, call_id: str, *, ok: bool = True) -> None:
    payload = {"name": "pick", "result": CANARY, "tool_call_id": call_id, "ok": ok}
    sink.push(Event(EventType.TOOL_RESULT, payload))


def succeed(sink: TelemetrySink, run_id: str = "run-1") -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    payload = {"response": CANARY, "stopped_reason": "text_response", "usage": usage}
    sink.push(Event(EventType.RUN_SUCCEEDED, payload, run_id))


def test_turn_is_a_span_and_its_calls_are_beneath_it(sink: TelemetrySink, exported: Any) -> None:
    start(sink)
    call(sink, "1")
    sink.push(Event(EventType.STEP_ENTERED, {"step": "car", "previous": "choose"}))
    result(sink, "1")
    call(sink, "2", "save")
    result(sink, "2")
    succeed(sink)

    turn, pick, save = (
        exported.spans[name] for name in ("invoke_agent quote", "execute_tool pick", "execute_tool save")
    )
    assert turn.parent is None
    assert pick.parent.span_id == save.parent.span_id == turn.context.span_id
    assert turn.attributes == {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": "quote",
        "gen_ai.conversation.id": "c-1",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 3,
        "journey.name": "quote",
        "journey.step": "car",
        "journey.stopped_reason": "text_response",
        "agent_runtime.run.id": "run-1",
        "agent_runtime.run.outcome": "succeeded",
    }
    assert [(event.name, dict(event.attributes)) for event in turn.events] == [
        ("step.entered", {"journey.step": "car", "journey.previous_step": "choose"})
    ]
    assert pick.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "pick",
        "gen_ai.tool.call.id": "1",
        "gen_ai.tool.type": "function",
        "gen_ai.conversation.id": "c-1",
        "journey.name": "quote",
        "journey.step": "choose",
    }
    assert save.attributes["journey.step"] == "car"
    assert CANARY not in exported.everything


def test_content_appears_behind_the_switch_with_secrets_masked(exported: Any) -> None:
    sink = telemetry_sink(tracer_provider=exported.tracer_provider, log_content=True)
    start(sink)
    payload = {"name": "pick", "tool_call_id": "1", "arguments": {"kind": CANARY, "api_key": "hush"}}
    sink.push(Event(EventType.TOOL_CALL, payload))
    result(sink, "1")
    succeed(sink)
    attributes = exported.spans["execute_tool pick"].attributes
    assert attributes["gen_ai.tool.call.arguments"] == f'{{"kind": "{CANARY}", "api_key": "***"}}'
    assert attributes["gen_ai.tool.call.result"] == CANARY


def test_failed_tool_and_failed_turn_are_errors_without_their_text(sink: TelemetrySink, exported: Any) -> None:
    start(sink)
    call(sink, "1")
    result(sink, "1", ok=False)
    sink.push(Event(EventType.RUN_FAILED, {"error": CANARY, "error_type": "RateLimited"}))

    tool, turn = exported.spans["execute_tool pick"], exported.spans["invoke_agent quote"]
    assert (tool.status.status_code, tool.attributes["error.type"]) == (StatusCode.ERROR, "tool_error")
    assert (turn.status.status_code, turn.attributes["error.type"]) == (StatusCode.ERROR, "RateLimited")
    assert CANARY not in exported.everything


def test_refused_call_is_a_span_of_its_own(sink: TelemetrySink, exported: Any) -> None:
    start(sink)
    payload = {"name": "delete_all", "arguments": {}, "tool_call_id": "1", "reason": CANARY}
    sink.push(Event(EventType.TOOL_REFUSED, payload))
    succeed(sink)
    assert exported.spans["execute_tool delete_all"].attributes["error.type"] == "tool_refused"
    assert CANARY not in exported.everything


@pytest.mark.parametrize("end", [EventType.RUN_CANCELLED, EventType.RUN_PAUSED])
def test_cancelled_and_paused_turns_end_without_an_error(end: EventType, sink: TelemetrySink, exported: Any) -> None:
    start(sink)
    call(sink, "1")
    sink.push(Event(end, {"name": "pick", "tool_call_id": "1"}))
    turn = exported.spans["invoke_agent quote"]
    assert turn.attributes["agent_runtime.run.outcome"] == end.removeprefix("run.")
    assert turn.status.status_code is StatusCode.UNSET
    assert "execute_tool pick" in exported.spans


def test_what_a_tool_traces_itself_is_beneath_it(sink: TelemetrySink, exported: Any) -> None:
    tracer = exported.tracer_provider.get_tracer("app")
    start(sink)
    call(sink, "1")
    with tracer.start_as_current_span("SELECT"):
        pass
    result(sink, "1")
    with tracer.start_as_current_span("between"):
        pass
    succeed(sink)
    spans = exported.spans
    assert spans["SELECT"].parent.span_id == spans["execute_tool pick"].context.span_id
    assert spans["between"].parent.span_id == spans["invoke_agent quote"].context.span_id


def test_turn_is_beneath_the_span_around_it_which_is_current_again_afterwards(
    sink: TelemetrySink, exported: Any
) -> None:
    with exported.tracer_provider.get_tracer("app").start_as_current_span("POST /chat") as outer:
        start(sink)
        call(sink, "1")
        call(sink, "2", "save")
        result(sink, "1")
        result(sink, "2")
        succeed(sink)
        assert trace.get_current_span() is outer
    assert exported.spans["invoke_agent quote"].parent.span_id == outer.get_span_context().span_id


def test_turns_after_each_other_are_not_beneath_each_other(sink: TelemetrySink, exported: Any) -> None:
    for run_id in ("a", "b"):
        start(sink, run_id)
        succeed(sink, run_id)
    assert [span.parent for span in exported.exporter.get_finished_spans()] == [None, None]


def test_payloads_of_other_hosts_are_understood(sink: TelemetrySink, exported: Any) -> None:
    sink.push(Event(EventType.RUN_STARTED, {"agent_key": "support", "attempt": 1}))
    sink.push(Event(EventType.TOOL_CALL, {"tool_name": "find", "tool_args": {}, "tool_call_id": "1"}))
    sink.push(Event(EventType.TOOL_RESULT, {"tool_name": "find", "tool_call_id": "1", "result": "x"}))
    sink.push(Event(EventType.RUN_TIMED_OUT, {"timeout_seconds": 5}))
    assert exported.spans["invoke_agent support"].attributes["error.type"] == "run.timed_out"
    assert "execute_tool find" in exported.spans


def test_events_of_unknown_turns_are_ignored(sink: TelemetrySink, exported: Any) -> None:
    for event_type in EventType:
        if event_type is not EventType.RUN_STARTED:
            sink.push(Event(event_type, {"tool_call_id": "1", "step": "x"}))
    assert exported.spans == {}


def test_forgotten_turns_are_ended_in_the_end(
    sink: TelemetrySink, exported: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_runtime_core.telemetry.sink._MOST_OPEN_TURNS", 2)
    for number in range(3):
        start(sink, f"run-{number}")
    (ended,) = exported.exporter.get_finished_spans()
    assert ended.attributes["agent_runtime.run.id"] == "run-0"


def test_without_a_configured_tracer_nothing_is_kept() -> None:
    sink = telemetry_sink()
    start(sink)
    call(sink, "1")
    assert sink._turns == {}
    assert not trace.get_current_span().get_span_context().is_valid

"""What happened, from events."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime_core.interfaces import EventType
from agent_runtime_framework.events import Event
from agent_runtime_framework.testing.conversation.record import CallMade, Refusal, Walked, happenings


def called(name: str) -> Event:
    return Event(EventType.TOOL_CALL, {"name": name, "arguments": {"a": 1}, "tool_call_id": "c"})


def entered(step: str, previous: str) -> Event:
    return Event(EventType.STEP_ENTERED, {"step": step, "previous": previous})


def result(name: str, *, ok: bool = True) -> Event:
    return Event(EventType.TOOL_RESULT, {"name": name, "result": "r", "tool_call_id": "c", "ok": ok})


def refused(name: str) -> Event:
    return Event(EventType.TOOL_REFUSED, {"name": name, "arguments": {}, "tool_call_id": "c", "reason": "no"})


CALL = CallMade("go", {"a": 1}, "r", step="here")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], []),
        ([called("go"), result("go")], [CALL]),
        ([called("go"), entered("there", "here"), result("go")], [CALL, Walked("here", "there", "go")]),
        ([entered("there", "here")], [Walked("here", "there")]),
        ([refused("go")], [Refusal("go", {}, "no", "here")]),
    ],
    ids=["nothing", "a call", "a call that moves", "a move by code", "a refusal"],
)
def test_calls_moves_and_refusals_are_read_in_order(events: list[Event], expected: list[Any]) -> None:
    assert list(happenings(events, "here")) == expected


def test_what_a_failed_tool_did_is_undone() -> None:
    events = [called("go"), entered("there", "here"), result("go", ok=False), called("stay"), result("stay")]
    failed, stayed = happenings(events, "here")
    assert isinstance(failed, CallMade)
    assert not failed.ok
    assert isinstance(stayed, CallMade)
    assert stayed.step == "here"


def test_a_move_that_was_refused_after_the_tool_ran_is_a_refusal_alone() -> None:
    events = [called("go"), entered("there", "here"), refused("go"), called("stay"), result("stay")]
    refusal, stayed = happenings(events, "here")
    assert (refusal, stayed.step) == (Refusal("go", {}, "no", "here"), "here")


def test_the_step_of_a_call_is_the_one_it_was_made_in() -> None:
    events = [called("go"), entered("there", "here"), result("go"), called("on"), result("on")]
    calls = [each for each in happenings(events, "here") if isinstance(each, CallMade)]
    assert [each.step for each in calls] == ["here", "there"]

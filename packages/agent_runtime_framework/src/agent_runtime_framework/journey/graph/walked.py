"""The way a conversation took, from what it called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.journey.definition import JourneyDefinition


def called(messages: Sequence[JSONObject]) -> Iterator[str]:
    """The names of the tools that ran, in order; of those that were refused or failed, none."""
    failed = {
        message.get("tool_call_id")
        for message in messages
        if message.get("role") == "tool" and str(message.get("content")).startswith("Error")
    }
    for message in messages:
        for call in message.get("tool_calls") or ():
            if call.get("id") not in failed:
                yield str(call.get("function", {}).get("name", ""))


def walked(definition: JourneyDefinition, calls: Sequence[str], current: str) -> tuple[str, ...]:
    """The steps a conversation went through until it was in `current`.

    Args:
        definition: The journey.
        calls: The names of the tools that ran, in order.
        current: Where the conversation is now.

    Returns:
        The steps, without repetitions in a row. Only the last step where no way through the journey fits the calls,
        because code of the author's own moved the conversation, or its beginning is no longer stored.
    """
    ways: dict[str, tuple[str, ...]] = _passed(definition, {definition.initial: (definition.initial,)})
    for call in calls:
        onward: dict[str, tuple[str, ...]] = {}
        for here, way in ways.items():
            for target in _targets(definition, here, call):
                onward.setdefault(target, way if target == here else (*way, target))
        # A call that is none of the step's tools was refused, or is another agent's.
        ways = _passed(definition, onward or ways)
    return ways.get(current, (current,))


def _targets(definition: JourneyDefinition, here: str, call: str) -> tuple[str, ...]:
    for tool in definition.steps[here].tools:
        if tool.name == call:
            # It may also have failed, or have chosen not to move; the moves are likelier.
            return (*(each for each in tool.targets if each in definition.steps), here)
    return ()


def _passed(definition: JourneyDefinition, ways: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The same ways, and those that lead on by code alone."""
    passed = dict(ways)
    waiting = list(ways)
    for here in waiting:
        for target in definition.steps[here].to:
            if target in definition.steps and target not in passed:
                passed[target] = (*passed[here], target)
                waiting.append(target)
    return passed

"""Turns in which nothing happens to the world: tools with effects are told of, not run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.executor.calls import Answer
from agent_runtime_framework.executor.journal import DurableScene, Journal
from agent_runtime_framework.toolcalls import ToolCall

HARMLESS = ("state", "read")
"""The effects that a dry turn may have."""


class DryJournal:
    """A journal that knows the answers of calls with effects before they run.

    Args:
        journal: Where the turn is recorded all the same.
        recorded: What such calls came to in the conversation this one was copied from.
    """

    def __init__(self, journal: Journal, recorded: Mapping[tuple[str, str], str]) -> None:
        self._journal = journal
        self._recorded = recorded
        self._scene: DurableScene | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def open(self, scene: DurableScene, earlier: Sequence[JSONObject], heard: list[JSONObject]) -> None:
        """Remember the scene: it tells what calls would do."""
        self._scene = scene
        self._journal.open(scene, earlier, heard)

    async def before_calls(self, calls: Sequence[ToolCall]) -> list[Answer | None]:
        """The answers of the calls that are not to run."""
        known = await self._journal.before_calls(calls)
        return [answer or self._stood_in(call) for call, answer in zip(calls, known, strict=True)]

    def _stood_in(self, call: ToolCall) -> Answer | None:
        if self._scene is not None and self._scene.effect_of(call) in HARMLESS:
            return None
        recorded = self._recorded.get(named(call.name, call.arguments))
        return Answer(recorded or f"(dry run: {call.name} was not run)")


def dry(journal: Journal | None, recorded: Mapping[tuple[str, str], str]) -> Journal | None:
    """The same journal, for a turn that must not do anything to the world."""
    return None if journal is None else cast("Journal", DryJournal(journal, recorded))


def results_of(messages: Iterable[JSONObject]) -> dict[tuple[str, str], str]:
    """What calls came to, by name and arguments; of several, the last."""
    calls: dict[str, tuple[str, str]] = {}
    found: dict[tuple[str, str], str] = {}
    for message in messages:
        for call in message.get("tool_calls") or ():
            function = call["function"]
            calls[call["id"]] = named(function["name"], _read(function["arguments"]))
        if message.get("role") == "tool" and message.get("tool_call_id") in calls:
            found[calls[message["tool_call_id"]]] = str(message.get("content"))
    return found


def named(name: str, arguments: object) -> tuple[str, str]:
    """A call's name and arguments as a key."""
    return name, json.dumps(arguments, sort_keys=True, default=str)


def _read(arguments: object) -> object:
    reading: Callable[[str], object] = json.loads
    return reading(arguments) if isinstance(arguments, str) else arguments

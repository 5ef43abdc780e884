"""What has to be the person's own words: arguments that say so, and what goes into fields that say so.

Rules:
    - An argument marked `Said`, or named like a field that is `grounded`, is looked at before the tool runs.
    - A grounded field that the tool set from something else is looked at afterwards; what it did is taken back with the
      state, but what it did elsewhere is not.
    - Choices, flags and empty values are exempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import asdict, is_dataclass
from enum import Enum
from functools import cached_property
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.collecting import words_of_person
from agent_runtime_framework.errors import ToolRetry
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.journey.definition import ToolDefinition
from agent_runtime_framework.journey.grounding import Speech, is_grounded
from agent_runtime_framework.journey.hints import said_parameters
from agent_runtime_framework.toolcalls import ToolCall

_NOTHING: JSONObject = {}


def heard_for(
    state: Journey, tool: ToolDefinition, call: ToolCall, messages: tuple[Sequence[JSONObject], Sequence[JSONObject]]
) -> Heard | None:
    """What the person said, for one call of a tool; None where nothing has to be their words."""
    if not (state.state_fields.grounded or _said(tool, state)):
        return None
    return Heard(state, tool, call, messages)


class Heard:
    """What the person said, for one call of a tool.

    Args:
        state: The journey.
        tool: The tool.
        call: The call.
        messages: The messages before this turn, and those of the person in it.
    """

    def __init__(
        self,
        state: Journey,
        tool: ToolDefinition,
        call: ToolCall,
        messages: tuple[Sequence[JSONObject], Sequence[JSONObject]],
    ) -> None:
        self._state = state
        self._arguments = call.arguments
        self._messages = messages
        self._grounded = state.state_fields.grounded
        self._looked_at = _said(tool, state)
        self._before = {name: deepcopy(getattr(state, name)) for name in self._grounded} if self._grounded else _NOTHING

    def require_arguments(self) -> None:
        """Refuse a call with words that nobody said, before it runs.

        Raises:
            ToolRetry: There are some; the text names them.
        """
        names = dict.fromkeys((*self._looked_at, *sorted(self._grounded)))
        self._require({name: self._arguments[name] for name in names if name in self._arguments})

    def require_fields(self) -> None:
        """Refuse what the tool has made of words that nobody said.

        Raises:
            ToolRetry: There is some; the text names the fields.
        """
        if not self._grounded:
            return
        now = {name: getattr(self._state, name) for name in sorted(self._grounded) if name not in self._arguments}
        self._require({name: _plain(value) for name, value in now.items() if value != self._before[name]})

    def _require(self, values: JSONObject) -> None:
        unheard = [name for name, value in values.items() if not is_grounded(value, self._speech)] if values else ()
        if unheard:
            raise ToolRetry(f"the person did not say {', '.join(unheard)}; ask them, and assume nothing")

    @cached_property
    def _speech(self) -> Speech:
        return Speech(words_of_person(*self._messages))


def _said(tool: ToolDefinition, state: Journey) -> tuple[str, ...]:
    return said_parameters(tool.function, type(state)) if tool.borrowed is None else tool.borrowed.said


def _plain(value: object) -> Any:
    """A value as the words of a person could give it."""
    if isinstance(value, Enum):
        return None
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in cast("Iterable[object]", value)]
    if hasattr(value, "model_dump"):
        return cast("Any", value).model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _plain(each) for name, each in asdict(value).items()}
    return cast("object", value) if value is None or isinstance(value, (bool, int, float, dict)) else str(value)

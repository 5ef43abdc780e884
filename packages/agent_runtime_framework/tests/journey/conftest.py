"""Journeys held by a scripted model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.agents.short_form import ClassAgent
from agent_runtime_framework.events import Event
from agent_runtime_framework.journey import Journey
from agent_runtime_framework.testing import ScriptedLLM

JourneyT = TypeVar("JourneyT", bound=Journey)


@dataclass
class Held(Generic[JourneyT]):
    """A conversation that was held.

    Attributes:
        state: The state after it.
        replies: What the person read, turn by turn.
        llm: The model, with its requests.
        events: All events, oldest first.
        agent: Who held it.
    """

    state: JourneyT
    replies: list[str]
    llm: ScriptedLLM
    events: list[Event]
    agent: ClassAgent[JourneyT]

    @property
    def refused(self) -> list[str]:
        """The names of refused calls."""
        return [event.payload["name"] for event in self.events if event.type == EventType.TOOL_REFUSED]

    @property
    def entered(self) -> list[str]:
        """The steps the journey arrived at."""
        return [event.payload["step"] for event in self.events if event.type == EventType.STEP_ENTERED]

    @property
    def results(self) -> list[str]:
        """What the model was told of its calls, in the last request of each turn and after it."""
        messages: list[JSONObject] = self.llm.requests[-1].messages
        return [each["content"] for each in messages if each["role"] == "tool"]

    async def say(self, text: str, *script: Any) -> str:
        """Go on with the conversation."""
        self.llm.extend(*script)
        self.replies.append(await self.agent.chat(text))
        self.state = await self.agent.state_of()
        return self.replies[-1]


class Recorder:
    """Remembers all events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def push(self, event: Event) -> None:
        self.events.append(event)


async def hold(journey: type[JourneyT], *script: Any, said: Sequence[str] = ("hi",), **options: Any) -> Held[JourneyT]:
    """Hold a conversation with a scripted model."""
    recorder = Recorder()
    llm = ScriptedLLM(*script)
    agent = journey.agent(llm, sinks=[recorder], **options)
    held = Held(journey(), [], llm, recorder.events, agent)
    for text in said:
        await held.say(text)
    return held


@pytest.fixture(name="hold")
def hold_fixture() -> Any:
    return hold

"""Reads journeys as their authors wrote them, without running their tools."""

from __future__ import annotations

from typing import Any

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey.source.agent import read_agent
from agent_runtime_framework.journey.source.journey import read_journey
from agent_runtime_framework.journey.source.reading import Reading, ReadPrompt, ReadSchema, Returned
from agent_runtime_framework.journey.source.values import Note

__all__ = ["Note", "ReadPrompt", "ReadSchema", "Reading", "Returned", "read", "read_agent", "read_journey"]


def read(subject: Any) -> Reading:
    """What a journey is: a `Journey` class, its agent, or an agent in the long form.

    Raises:
        ConfigurationError: It is none of these, or has no initial state.
    """
    journey = getattr(subject, "journey", subject)
    if isinstance(journey, type) and hasattr(journey, "definition"):
        return read_journey(journey)
    if not isinstance(subject, type) and hasattr(subject, "get_initial_state"):
        return read_agent(subject)
    raise ConfigurationError(f"{subject!r:.80} is no journey; expected a Journey class, or an agent with steps")

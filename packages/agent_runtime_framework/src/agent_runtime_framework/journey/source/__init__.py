"""Reads journeys as their authors wrote them, without running their tools."""

from agent_runtime_framework.journey.source.agent import read_agent
from agent_runtime_framework.journey.source.journey import read_journey
from agent_runtime_framework.journey.source.reading import Reading, ReadPrompt, ReadSchema, Returned
from agent_runtime_framework.journey.source.values import Note

__all__ = ["Note", "ReadPrompt", "ReadSchema", "Reading", "Returned", "read_agent", "read_journey"]

"""Doubles for tests of journeys: offline, deterministic, the same ones that our own tests use."""

from agent_runtime_framework.testing.conversation.talk import Talk
from agent_runtime_framework.testing.conversation.talker import Talker
from agent_runtime_framework.testing.histories import anthropic_problems, openai_problems
from agent_runtime_framework.testing.person import Habits, Person
from agent_runtime_framework.testing.scripted import (
    Call,
    Say,
    ScriptedLLM,
    ScriptedRequest,
    ScriptError,
    call,
    say,
)

__all__ = [
    "Call",
    "Habits",
    "Person",
    "Say",
    "ScriptError",
    "ScriptedLLM",
    "ScriptedRequest",
    "Talk",
    "Talker",
    "anthropic_problems",
    "call",
    "openai_problems",
    "say",
]

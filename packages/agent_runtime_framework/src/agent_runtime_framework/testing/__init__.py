"""Doubles for tests of journeys: offline, deterministic, the same ones that our own tests use."""

from agent_runtime_framework.testing.scripted import (
    Call,
    Say,
    ScriptedLLM,
    ScriptedRequest,
    ScriptError,
    call,
    say,
)

__all__ = ["Call", "Say", "ScriptError", "ScriptedLLM", "ScriptedRequest", "call", "say"]

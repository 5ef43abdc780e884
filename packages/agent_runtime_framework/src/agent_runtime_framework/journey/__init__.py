"""The short form: a conversation that must get somewhere, as one class."""

from agent_runtime_framework.journey.declare import Field, IdempotencyKey, Injected, Step, derived, step
from agent_runtime_framework.journey.definition import JourneyDefinition, StepDefinition, ToolDefinition
from agent_runtime_framework.journey.journey import Journey

__all__ = [
    "Field",
    "IdempotencyKey",
    "Injected",
    "Journey",
    "JourneyDefinition",
    "Step",
    "StepDefinition",
    "ToolDefinition",
    "derived",
    "step",
]

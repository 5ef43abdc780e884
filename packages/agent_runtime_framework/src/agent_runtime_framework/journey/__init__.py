"""The short form: a conversation that must get somewhere, as one class."""

from agent_runtime_framework.journey.ask import Ask
from agent_runtime_framework.journey.declare import (
    CollectStep,
    Field,
    IdempotencyKey,
    Injected,
    Said,
    Step,
    derived,
    step,
)
from agent_runtime_framework.journey.definition import IdleRule, JourneyDefinition, StepDefinition, ToolDefinition
from agent_runtime_framework.journey.form import Form
from agent_runtime_framework.journey.form_journey import FormJourney
from agent_runtime_framework.journey.idle import expire, remind
from agent_runtime_framework.journey.journey import Journey
from agent_runtime_framework.state.versions import migrate

__all__ = [
    "Ask",
    "CollectStep",
    "Field",
    "Form",
    "FormJourney",
    "IdempotencyKey",
    "IdleRule",
    "Injected",
    "Journey",
    "JourneyDefinition",
    "Said",
    "Step",
    "StepDefinition",
    "ToolDefinition",
    "derived",
    "expire",
    "migrate",
    "remind",
    "step",
]

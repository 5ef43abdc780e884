"""What code of a journey returns: words, the step to go to, or both; and whether it may go there."""

from __future__ import annotations

from typing import cast

from agent_runtime_framework.errors import ConfigurationError, MoveRefused
from agent_runtime_framework.journey.declare import Step
from agent_runtime_framework.journey.definition import StepDefinition, ToolDefinition


def split_result(result: object) -> tuple[object, Step | None]:
    """What code returned, as text and step: a step, a text, or a pair of both in either order."""
    if isinstance(result, Step):
        return None, result
    if isinstance(result, tuple):
        parts = cast("tuple[object, ...]", result)
        steps = [each for each in parts if isinstance(each, Step)]
        if len(parts) == 2 and len(steps) == 1:
            return parts[0] if parts[1] is steps[0] else parts[1], steps[0]
    return cast("object", result), None


def read_result(tool: ToolDefinition, result: object, moved_to: str | None = None) -> tuple[object, str | None]:
    """What a tool returned, as what the model is told and the step to move to.

    Args:
        tool: The tool.
        result: What it returned.
        moved_to: The step it assigned to the journey itself, if it did.

    Raises:
        MoveRefused: It chose a step that it does not declare, or none where it has to choose.
    """
    text, step = split_result(result)
    name = step.name if step is not None else moved_to
    if name is not None:
        if name not in tool.targets:
            allowed = ", ".join(tool.targets) or "none"
            raise MoveRefused(f"{tool.name} may not move to {name!r}; it declares: {allowed}")
        return text, name
    if len(tool.targets) > 1:
        raise MoveRefused(f"{tool.name} moved nowhere; it has to return one of its steps: {', '.join(tool.targets)}")
    return text, tool.targets[0] if tool.targets else None


def declared_target(step: StepDefinition, name: str | None) -> str | None:
    """Where a `run` step goes on to.

    Args:
        step: The step.
        name: The step that its code returned; None if it returned none.

    Raises:
        ConfigurationError: It may not go there, or has to choose and did not.
    """
    if name is None:
        if len(step.to) > 1:
            raise ConfigurationError(
                f"run= of step {step.name!r} returned no step; expected one of its to=: {', '.join(step.to)}"
            )
        return step.to[0] if step.to else None
    if step.to and name not in step.to:
        raise ConfigurationError(
            f"run= of step {step.name!r} chose {name!r}; expected one of its to=: {', '.join(step.to)}"
        )
    return name

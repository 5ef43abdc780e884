"""A state to begin with, in the middle of a journey."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from agent_runtime_framework.agents.making import Agent
from agent_runtime_framework.agents.scene import step_name, step_of
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.journey import Journey


def placed(agent: Agent, step: str | None, fields: Mapping[str, Any] | None = None) -> Any:
    """An agent's state in a step, with some fields as given and the others as in the initial one.

    Raises:
        ConfigurationError: There is no such step or field, or a value does not fit.
    """
    initial: Any = agent.get_initial_state()
    data: dict[str, Any] = {**initial.to_dict(), **(fields or {})}
    unknown = [name for name in fields or {} if name not in initial.to_dict()]
    if unknown:
        known = ", ".join(name for name in initial.to_dict() if not name.startswith("_"))
        raise ConfigurationError(f"the state has no {', '.join(map(repr, unknown))}; it has: {known}")
    if step is not None:
        data["step"] = step
    cls = cast("Any", type(initial))
    try:
        state = cls.from_dict(data)
    except Exception as error:
        raise ConfigurationError(f"the state does not fit: {error}") from error
    if step is not None and step_name(step_of(state)) != step:
        known = f"; there are: {', '.join(cls.definition.steps)}" if issubclass(cls, Journey) else ""
        raise ConfigurationError(f"there is no step {step!r}{known}")
    return state

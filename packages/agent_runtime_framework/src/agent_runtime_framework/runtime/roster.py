"""The agents of a runtime, by key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast

from agent_runtime_framework.agents.base import LLMClient
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.making import agent_of
from agent_runtime_framework.errors import ConfigurationError

Agent: TypeAlias = JourneyAgent[Any, Any, Any]


def roster(
    subjects: Iterable[object],
    llm_client: LLMClient | None = None,
    provide: Mapping[Any, object] | Sequence[object] = (),
) -> dict[str, Agent]:
    """The agents for these subjects, in their order.

    Args:
        subjects: Journey classes, forms, models, `JourneyAgent`s or their classes.
        llm_client: The model of those that are made here.
        provide: What the `Injected` parameters of those get.

    Raises:
        ConfigurationError: There is none, two have the same key, or one keeps its own state.
    """
    agents: dict[str, Agent] = {}
    for subject in subjects:
        agent = _agent(subject, {"llm_client": llm_client, "provide": provide})
        _refuse_own_state(agent)
        if agent.key in agents:
            raise ConfigurationError(
                f"two agents have the key {agent.key!r}; states are kept under it, so give one of them another key"
            )
        agents[agent.key] = agent
    if not agents:
        raise ConfigurationError("a Runtime needs somebody who answers; pass agents=[MyJourney]")
    return agents


def _agent(subject: object, options: Mapping[str, Any]) -> Agent:
    is_made = isinstance(subject, JourneyAgent) or (isinstance(subject, type) and issubclass(subject, JourneyAgent))
    if is_made:
        return agent_of(cast("object", subject))
    return agent_of(cast("object", subject), **{name: value for name, value in options.items() if value})


def keeps_own_state(agent: Agent) -> bool:
    """True if the agent keeps its state somewhere by itself."""
    return bool(_overridden(agent))


def _overridden(agent: Agent) -> list[str]:
    own: Any = type(agent)
    base: Any = JourneyAgent
    return [name for name in ("load_state", "save_state") if getattr(own, name) is not getattr(base, name)]


def _refuse_own_state(agent: Agent) -> None:
    overridden = _overridden(agent)
    if overridden:
        raise ConfigurationError(
            f"{type(agent).__name__} overrides {' and '.join(overridden)}, but under a Runtime the store keeps the "
            "state, together with what was done; remove the override, or run the agent without a Runtime"
        )

"""Which model a conversation is held with.

What was named, else what the environment configures, else the offline model. A local server that answers is named, and
never used without being asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent_runtime_core.config import get_config
from agent_runtime_core.llm import get_llm_client
from agent_runtime_core.llm.models import parse_model
from agent_runtime_framework.cli.failures import UsageError
from agent_runtime_framework.cli.person import PersonClient
from agent_runtime_framework.cli.screen import Screen
from agent_runtime_framework.cli.targets import Agent
from agent_runtime_framework.executor.asking import LLMClient

ME = "me"
OFFLINE = "offline"

_NAMES = "offline, me, a provider and its model (anthropic/claude-sonnet-5-5), or an address (http://127.0.0.1:8080/v1)"
_WAYS = "set OPENAI_API_KEY or ANTHROPIC_API_KEY, or name one with --model"


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model.

    Attributes:
        client: To be asked.
        name: What it is called.
        remark: Why it is this one, where nobody chose it.
        is_fallback: True if nothing was named or configured.
    """

    client: LLMClient
    name: str
    remark: str = ""
    is_fallback: bool = False

    @property
    def title(self) -> str:
        """The model as one would introduce it."""
        return {ME: "you are the model", OFFLINE: "offline model"}.get(self.name, f"model {self.name}")

    @property
    def is_person(self) -> bool:
        """True if a person plays the model."""
        return self.name == ME


def choose_model(name: str | None, agent: Agent, screen: Screen) -> ChosenModel:
    """The model that was named, else the agent's own, else the configured one, else the offline model.

    Args:
        name: As in `get_llm_client(model=...)`, "offline", or "me".
        agent: It may bring a client of its own.
        screen: Where the person sits who plays the model, if it is "me".

    Raises:
        ConfigurationError: The named or configured model cannot be used; the text says what is missing.
    """
    if name == ME:
        return ChosenModel(PersonClient(screen, agent), ME)
    if name:
        if parse_model(name) is None and not is_configured():
            raise UsageError(f"{name!r} names no provider; expected {_NAMES}")
        return ChosenModel(get_llm_client(model=name), name)
    if agent.llm_client is not None:
        return ChosenModel(agent.llm_client, _name_of(agent.llm_client, type(agent.llm_client).__name__))
    if is_configured():
        client = get_llm_client()
        return ChosenModel(client, _name_of(client, "the configured model"))
    remark = f"no model is configured, so the offline model answers: rules, no key, no network ({_WAYS})"
    return ChosenModel(get_llm_client(OFFLINE), OFFLINE, remark, is_fallback=True)


def is_configured() -> bool:
    """True if settings or keys name a model; a wrong one counts, so that it is reported and not passed over."""
    config = get_config()
    is_set = config.is_set("model_provider") or config.is_set("default_model")
    has_key = config.get_openai_api_key() or config.get_anthropic_api_key()
    return bool(is_set or has_key or config.get_openai_base_url())


def _name_of(client: object, otherwise: str) -> str:
    name = getattr(client, "default_model", None) or getattr(client, "model", None)
    return name if isinstance(name, str) else otherwise

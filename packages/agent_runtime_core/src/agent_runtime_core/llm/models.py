"""Models known by name, and which provider serves a model id.

The list is for menus and defaults; a model that is not in it works just as well. Limits are the vendors' published
figures; prices are not kept here.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent_runtime_core.config import get_config

PROVIDERS = ("anthropic", "litellm", "offline", "openai")
"""What `get_llm_client` takes as a provider."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """One model, as a menu shows it.

    Attributes:
        id: What the provider calls it.
        name: What people call it.
        provider: As in `get_llm_client`.
        context_window: Tokens that fit, prompt and reply together.
        supports_tools: True if it can ask for tools.
        supports_vision: True if it reads images.
        supports_streaming: True if it can answer piece by piece.
        description: Half a sentence for the menu.
    """

    id: str
    name: str
    provider: str
    context_window: int
    supports_tools: bool = True
    supports_vision: bool = False
    supports_streaming: bool = True
    description: str = ""


def _openai(id: str, name: str, window: int, description: str) -> ModelInfo:
    return ModelInfo(id, name, "openai", window, supports_vision=True, description=description)


def _anthropic(id: str, name: str, window: int, description: str) -> ModelInfo:
    return ModelInfo(id, name, "anthropic", window, supports_vision=True, description=description)


SUPPORTED_MODELS: list[ModelInfo] = [
    _openai("gpt-4o", "GPT-4o", 128_000, "fast all-rounder, reads images"),
    _openai("gpt-4o-mini", "GPT-4o mini", 128_000, "small and cheap"),
    _openai("gpt-4.1", "GPT-4.1", 1_047_576, "long context, follows instructions closely"),
    _openai("gpt-4.1-mini", "GPT-4.1 mini", 1_047_576, "long context, cheap"),
    _openai("gpt-5.4-mini", "GPT-5.4 mini", 272_000, "reasons, small"),
    _openai("gpt-5.5", "GPT-5.5", 1_050_000, "reasons before it answers"),
    _anthropic("claude-opus-5-5", "Claude Opus 5.5", 1_000_000, "most capable"),
    _anthropic("claude-sonnet-5-5", "Claude Sonnet 5.5", 1_000_000, "balanced"),
    _anthropic("claude-haiku-5-5", "Claude Haiku 5.5", 1_000_000, "small and fast"),
    _anthropic("claude-haiku-4-5", "Claude Haiku 4.5", 200_000, "small and fast, previous generation"),
    ModelInfo("offline", "Offline", "offline", 1_000_000, description="patterns, no network: to try things out"),
]
"""Models a menu can offer."""

DEFAULT_MODEL = "gpt-4o"
"""The model of a client that was told nothing else."""

DEFAULT_CLAUDE = "claude-sonnet-5-5"
"""The same for Anthropic."""

_BY_ID = {model.id: model for model in SUPPORTED_MODELS}
_PREFIXES = (("gpt-", "openai"), ("chatgpt-", "openai"), ("o1", "openai"), ("o3", "openai"), ("o4-", "openai"))


def get_model_info(model_id: str) -> ModelInfo | None:
    """What is known of a model, or None."""
    return _BY_ID.get(model_id)


def get_provider_for_model(model_id: str) -> str | None:
    """Who serves this model: from the list, else from how vendors name their models, else None."""
    known = _BY_ID.get(model_id)
    if known is not None:
        return known.provider
    if model_id.startswith("claude"):
        return "anthropic"
    return next((provider for prefix, provider in _PREFIXES if model_id.startswith(prefix)), None)


def list_models_for_ui() -> list[dict[str, str]]:
    """The list for a menu: id, name, provider and description of each model."""
    return [
        {"id": model.id, "name": model.name, "provider": model.provider, "description": model.description}
        for model in SUPPORTED_MODELS
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which provider, which model of it, at which address."""

    provider: str
    model: str | None = None
    base_url: str | None = None


def parse_model(model: str) -> Choice | None:
    """The provider, model and address a model string names; None if it names no provider.

    >>> parse_model("anthropic/claude-sonnet-5-5")
    Choice(provider='anthropic', model='claude-sonnet-5-5', base_url=None)
    >>> parse_model("http://127.0.0.1:11434/v1#qwen")
    Choice(provider='openai', model='qwen', base_url='http://127.0.0.1:11434/v1')
    """
    if model.startswith(("http://", "https://")):
        address, _, name = model.partition("#")
        return Choice("openai", name or None, address)
    if model == "offline":
        return Choice("offline")
    prefix, slash, rest = model.partition("/")
    if slash and prefix in PROVIDERS:
        return Choice(prefix, rest)
    provider = get_provider_for_model(model)
    return Choice(provider, model) if provider else None


def configured_model(provider: str) -> str | None:
    """The configured default model, where one is set and it belongs to `provider`."""
    config = get_config()
    if not config.is_set("default_model"):
        return None
    named = parse_model(config.default_model)
    if named is not None and named.provider == provider:
        return named.model
    return config.default_model if config.model_provider == provider else None

"""From what was asked for and what is configured to a client.

A provider is looked for in this order: the argument, the model's name, the configuration, a key that is present.
Nothing found is an error: no client is made, and no network used, that nobody asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from agent_runtime_core.config import RuntimeConfig, get_config
from agent_runtime_core.errors import ConfigurationError, OpenAIConfigurationError
from agent_runtime_core.interfaces import LLMClient
from agent_runtime_core.llm.models import PROVIDERS, Choice, parse_model


def get_llm_client(provider: str | None = None, model: str | None = None, **kwargs: Any) -> LLMClient:
    """A client for a provider, a model, or whatever is configured.

    Args:
        provider: openai, anthropic, litellm or offline.
        model: A model id (`gpt-4o`), a provider and its model (`anthropic/claude-sonnet-5-5`), or the address of an
            OpenAI-compatible server (`http://127.0.0.1:8080/v1`, or `…/v1#name` where it serves several models). It is
            also the client's default model.
        **kwargs: For the client: `api_key`, `base_url`, `default_model`, `retry`, `max_concurrency` …

    Raises:
        ConfigurationError: The provider is unknown, its key is missing, or nothing is configured at all.
    """
    choice = _choose(provider, model, kwargs)
    make = _MAKERS.get(choice.provider)
    if make is None:
        known = ", ".join(PROVIDERS)
        raise ConfigurationError(
            f"Unknown LLM provider: {choice.provider}; known: {known}. For an OpenAI-compatible server pass its "
            "address as the model, for anything else provider='litellm'"
        )
    options = dict(kwargs)
    if choice.model is not None:
        options.setdefault("default_model", choice.model)
    if choice.base_url is not None:
        options.setdefault("base_url", choice.base_url)
    return make(options)


def get_llm_client_for_model(model: str, **kwargs: Any) -> LLMClient:
    """A client for `model`, which names its provider.

    Raises:
        ConfigurationError: No provider is known for that model.
    """
    if parse_model(model) is None:
        raise ConfigurationError(
            f"no provider is known for the model {model!r}; write it as provider/model, for instance openai/{model}"
        )
    return get_llm_client(model=model, **kwargs)


def default_provider() -> str | None:
    """Who is asked where nobody is named; None if nothing is configured."""
    try:
        return _configured(get_config(), has_address=False).provider
    except OpenAIConfigurationError:
        return None


def _choose(provider: str | None, model: str | None, options: Mapping[str, Any]) -> Choice:
    named = parse_model(model) if model else None
    if provider is not None:
        if named is not None and (named.provider == provider or named.base_url):
            return Choice(provider, named.model, named.base_url)
        return Choice(provider, model)
    if named is not None:
        return named
    configured = _configured(get_config(), has_address="api_key" in options or "base_url" in options)
    return Choice(configured.provider, model) if model else configured


def _configured(config: RuntimeConfig, *, has_address: bool) -> Choice:
    has_model = config.is_set("default_model")
    named = parse_model(config.default_model) if has_model else None
    if config.is_set("model_provider"):
        if named is not None and named.provider == config.model_provider:
            return named
        return Choice(config.model_provider, config.default_model if has_model else None)
    if has_model:
        return named or Choice(config.model_provider, config.default_model)
    if has_address or config.get_openai_api_key() or config.get_openai_base_url():
        return Choice(config.model_provider)
    if config.get_anthropic_api_key():
        return Choice("anthropic")
    raise OpenAIConfigurationError(_NOTHING_CONFIGURED)


_NOTHING_CONFIGURED = """\
no model is configured, and none is used unasked. Any one of these will do:
  OPENAI_API_KEY=…  or  ANTHROPIC_API_KEY=…              in the environment
  AGENT_RUNTIME_DEFAULT_MODEL=anthropic/claude-sonnet-5-5  in the environment (any of the forms below)
  configure(model_provider="anthropic", default_model="claude-sonnet-5-5")
  get_llm_client(model="openai/gpt-4o", api_key="…")
  get_llm_client(model="http://127.0.0.1:11434/v1")      a local server: Ollama, llama.cpp, vLLM …
  get_llm_client("offline")                              no key, no network: to try things out"""


def _make_openai(options: dict[str, Any]) -> LLMClient:
    from agent_runtime_core.llm.openai import OpenAIClient

    return OpenAIClient(**options)


def _make_anthropic(options: dict[str, Any]) -> LLMClient:
    from agent_runtime_core.llm.anthropic import AnthropicClient

    return AnthropicClient(**options)


def _make_litellm(options: dict[str, Any]) -> LLMClient:
    from agent_runtime_core.llm.litellm_client import LiteLLMClient

    return LiteLLMClient(**options)


def _make_offline(options: dict[str, Any]) -> LLMClient:
    from agent_runtime_core.llm.offline import OfflineClient

    return OfflineClient(**{name: value for name, value in options.items() if name != "default_model"})


_MAKERS: dict[str, Callable[[dict[str, Any]], LLMClient]] = {
    "anthropic": _make_anthropic,
    "litellm": _make_litellm,
    "offline": _make_offline,
    "openai": _make_openai,
}

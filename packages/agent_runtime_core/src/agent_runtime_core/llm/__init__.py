"""Models behind one interface; choosing one imports that vendor's SDK and no other.

client = get_llm_client()                                   as configured
client = get_llm_client(model="anthropic/claude-sonnet-5-5")  a provider and its model
client = get_llm_client(model="http://127.0.0.1:8080/v1")   any OpenAI-compatible server
client = get_llm_client("offline")                          no key, no network
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agent_runtime_core.errors import AnthropicConfigurationError, OpenAIConfigurationError
from agent_runtime_core.interfaces import LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_core.llm.choose import get_llm_client, get_llm_client_for_model
from agent_runtime_core.llm.models import (
    DEFAULT_MODEL,
    SUPPORTED_MODELS,
    ModelInfo,
    get_model_info,
    get_provider_for_model,
    list_models_for_ui,
)

if TYPE_CHECKING:
    from agent_runtime_core.llm.available import Availability, available_models, local_servers
    from agent_runtime_core.llm.deadline import turn_deadline
    from agent_runtime_core.llm.fallback import FallbackClient
    from agent_runtime_core.llm.retry import RetryPolicy

__all__ = [
    "DEFAULT_MODEL",
    "SUPPORTED_MODELS",
    "AnthropicConfigurationError",
    "Availability",
    "FallbackClient",
    "LLMClient",
    "LLMResponse",
    "LLMStreamChunk",
    "ModelInfo",
    "OpenAIConfigurationError",
    "RetryPolicy",
    "available_models",
    "get_llm_client",
    "get_llm_client_for_model",
    "get_model_info",
    "get_provider_for_model",
    "list_models_for_ui",
    "local_servers",
    "turn_deadline",
]

_LOADED_LATER = {
    "Availability": "available",
    "FallbackClient": "fallback",
    "RetryPolicy": "retry",
    "available_models": "available",
    "local_servers": "available",
    "turn_deadline": "deadline",
}


def __getattr__(name: str) -> Any:
    module = _LOADED_LATER.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value

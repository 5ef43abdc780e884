"""Models behind one interface; choosing one imports that vendor's SDK and no other.

client = get_llm_client()                                   as configured
client = get_llm_client(model="anthropic/claude-sonnet-5-5")  a provider and its model
client = get_llm_client(model="http://127.0.0.1:8080/v1")   any OpenAI-compatible server
client = get_llm_client("offline")                          no key, no network
"""

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

__all__ = [
    "DEFAULT_MODEL",
    "SUPPORTED_MODELS",
    "AnthropicConfigurationError",
    "LLMClient",
    "LLMResponse",
    "LLMStreamChunk",
    "ModelInfo",
    "OpenAIConfigurationError",
    "get_llm_client",
    "get_llm_client_for_model",
    "get_model_info",
    "get_provider_for_model",
    "list_models_for_ui",
]

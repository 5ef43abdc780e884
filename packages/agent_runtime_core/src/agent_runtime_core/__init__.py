"""Model clients, run contexts and workflow steps for agent runtimes.

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from agent_runtime_core._version import __version__

if TYPE_CHECKING:
    from agent_runtime_core.config import RuntimeConfig, configure, get_config, override_config, reset_config
    from agent_runtime_core.contexts import FileRunContext, InMemoryRunContext
    from agent_runtime_core.errors import (
        AgentRuntimeError,
        AnthropicConfigurationError,
        AuthenticationError,
        ConfigurationError,
        ContentFiltered,
        ContextTooLong,
        InvalidRequest,
        OpenAIConfigurationError,
        ProviderError,
        ProviderProtocolError,
        ProviderUnavailable,
        RateLimited,
        RunError,
        StepCancelledError,
        StepExecutionError,
        ToolError,
        UnknownRuntimeError,
    )
    from agent_runtime_core.interfaces import (
        AgentRuntime,
        ErrorInfo,
        EventType,
        EventVisibility,
        JSONObject,
        LLMClient,
        LLMResponse,
        LLMStreamChunk,
        LLMToolCall,
        Message,
        RunContext,
        RunResult,
        Tool,
        ToolDefinition,
        ToolRegistry,
        TraceSink,
        conversation_key,
    )
    from agent_runtime_core.logs import (
        ContextFilter,
        JSONFormatter,
        SecretFilter,
        TextFormatter,
        configure_logging,
        log_context,
        log_ids,
    )
    from agent_runtime_core.masking import mask_secrets, register_secret
    from agent_runtime_core.registry import (
        clear_registry,
        get_runtime,
        list_runtimes,
        register_runtime,
        unregister_runtime,
    )
    from agent_runtime_core.runs import run_agent
    from agent_runtime_core.steps import ExecutionState, Step, StepExecutor, StepResult, StepStatus
    from agent_runtime_core.testing import (
        LLMEvaluator,
        ManualClock,
        MockLLMClient,
        MockLLMResponse,
        MockRunContext,
        create_test_context,
        run_agent_test,
    )
    from agent_runtime_core.tools import ToolParameter, ToolSchema, ToolSchemaBuilder, schemas_to_openai_format
    from agent_runtime_core.usage import PricedClient, TokenCounts, UsageLimit, add_usage, estimate_cost, with_cost

__all__ = [
    "AgentRuntime",
    "AgentRuntimeError",
    "AnthropicConfigurationError",
    "AuthenticationError",
    "ConfigurationError",
    "ContentFiltered",
    "ContextFilter",
    "ContextTooLong",
    "ErrorInfo",
    "EventType",
    "EventVisibility",
    "ExecutionState",
    "FileRunContext",
    "InMemoryRunContext",
    "InvalidRequest",
    "JSONFormatter",
    "JSONObject",
    "LLMClient",
    "LLMEvaluator",
    "LLMResponse",
    "LLMStreamChunk",
    "LLMToolCall",
    "ManualClock",
    "Message",
    "MockLLMClient",
    "MockLLMResponse",
    "MockRunContext",
    "OpenAIConfigurationError",
    "PricedClient",
    "ProviderError",
    "ProviderProtocolError",
    "ProviderUnavailable",
    "RateLimited",
    "RunContext",
    "RunError",
    "RunResult",
    "RuntimeConfig",
    "SecretFilter",
    "Step",
    "StepCancelledError",
    "StepExecutionError",
    "StepExecutor",
    "StepResult",
    "StepStatus",
    "TextFormatter",
    "TokenCounts",
    "Tool",
    "ToolDefinition",
    "ToolError",
    "ToolParameter",
    "ToolRegistry",
    "ToolSchema",
    "ToolSchemaBuilder",
    "TraceSink",
    "UnknownRuntimeError",
    "UsageLimit",
    "__version__",
    "add_usage",
    "clear_registry",
    "configure",
    "configure_logging",
    "conversation_key",
    "create_test_context",
    "estimate_cost",
    "get_config",
    "get_runtime",
    "list_runtimes",
    "log_context",
    "log_ids",
    "mask_secrets",
    "override_config",
    "register_runtime",
    "register_secret",
    "reset_config",
    "run_agent",
    "run_agent_test",
    "schemas_to_openai_format",
    "unregister_runtime",
    "with_cost",
]

_MODULES = {
    "config": ["RuntimeConfig", "configure", "get_config", "override_config", "reset_config"],
    "contexts": ["FileRunContext", "InMemoryRunContext"],
    "errors": [
        "AgentRuntimeError",
        "AnthropicConfigurationError",
        "AuthenticationError",
        "ConfigurationError",
        "ContentFiltered",
        "ContextTooLong",
        "InvalidRequest",
        "OpenAIConfigurationError",
        "ProviderError",
        "ProviderProtocolError",
        "ProviderUnavailable",
        "RateLimited",
        "RunError",
        "StepCancelledError",
        "StepExecutionError",
        "ToolError",
        "UnknownRuntimeError",
    ],
    "interfaces": [
        "AgentRuntime",
        "ErrorInfo",
        "EventType",
        "EventVisibility",
        "JSONObject",
        "LLMClient",
        "LLMResponse",
        "LLMStreamChunk",
        "LLMToolCall",
        "Message",
        "RunContext",
        "RunResult",
        "Tool",
        "ToolDefinition",
        "ToolRegistry",
        "TraceSink",
        "conversation_key",
    ],
    "logs": [
        "ContextFilter",
        "JSONFormatter",
        "SecretFilter",
        "TextFormatter",
        "configure_logging",
        "log_context",
        "log_ids",
    ],
    "masking": ["mask_secrets", "register_secret"],
    "registry": ["clear_registry", "get_runtime", "list_runtimes", "register_runtime", "unregister_runtime"],
    "runs": ["run_agent"],
    "steps": ["ExecutionState", "Step", "StepExecutor", "StepResult", "StepStatus"],
    "testing": [
        "LLMEvaluator",
        "ManualClock",
        "MockLLMClient",
        "MockLLMResponse",
        "MockRunContext",
        "create_test_context",
        "run_agent_test",
    ],
    "tools": ["ToolParameter", "ToolSchema", "ToolSchemaBuilder", "schemas_to_openai_format"],
    "usage": ["PricedClient", "TokenCounts", "UsageLimit", "add_usage", "estimate_cost", "with_cost"],
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

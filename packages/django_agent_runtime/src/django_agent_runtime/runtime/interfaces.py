"""The interfaces of `agent_runtime_core`, under the name they have always had in Django projects."""

from agent_runtime_core.interfaces import (
    AgentRuntime,
    ErrorInfo,
    EventType,
    EventVisibility,
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
)

ToolCall = LLMToolCall

__all__ = [
    "AgentRuntime",
    "ErrorInfo",
    "EventType",
    "EventVisibility",
    "LLMClient",
    "LLMResponse",
    "LLMStreamChunk",
    "LLMToolCall",
    "Message",
    "RunContext",
    "RunResult",
    "Tool",
    "ToolCall",
    "ToolDefinition",
    "ToolRegistry",
    "TraceSink",
]

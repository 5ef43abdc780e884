"""Conversations that must get somewhere: the model talks, code decides."""

from agent_runtime_core._version import __version__
from agent_runtime_framework.agents import AgentContext, AgentMessage, AgentResult, JourneyAgent, JourneyConfig
from agent_runtime_framework.config import (
    FrameworkConfig,
    configure,
    get_config,
    is_debug,
    set_config,
    should_swallow_exceptions,
)
from agent_runtime_framework.events import Event, Sink
from agent_runtime_framework.executor import (
    CallableToolExecutor,
    CompositeHooks,
    Executor,
    ExecutorConfig,
    ExecutorHooks,
    LLMExecutor,
    LLMExecutorConfig,
    LoggingHooks,
    MethodToolExecutor,
    ToolExecutor,
)
from agent_runtime_framework.memory import (
    ConversationStore,
    InMemoryStore,
    MemoryContext,
    MemoryManager,
    MemoryStore,
    StateStore,
    build_memory_context,
)
from agent_runtime_framework.prompts import PromptManager, PromptTemplate, StepPromptMapping
from agent_runtime_framework.router import IntentDetector, IntentRouter, RouteDefinition
from agent_runtime_framework.state import BaseJourneyState, StateSerializer
from agent_runtime_framework.tools import BaseJourneyTools, ToolParameter, ToolResult, ToolSchema, ToolSchemaBuilder

__all__ = [
    "AgentContext",
    "AgentMessage",
    "AgentResult",
    "BaseJourneyState",
    "BaseJourneyTools",
    "CallableToolExecutor",
    "CompositeHooks",
    "ConversationStore",
    "Event",
    "Executor",
    "ExecutorConfig",
    "ExecutorHooks",
    "FrameworkConfig",
    "InMemoryStore",
    "IntentDetector",
    "IntentRouter",
    "JourneyAgent",
    "JourneyConfig",
    "LLMExecutor",
    "LLMExecutorConfig",
    "LoggingHooks",
    "MemoryContext",
    "MemoryManager",
    "MemoryStore",
    "MethodToolExecutor",
    "PromptManager",
    "PromptTemplate",
    "RouteDefinition",
    "Sink",
    "StateSerializer",
    "StateStore",
    "StepPromptMapping",
    "ToolExecutor",
    "ToolParameter",
    "ToolResult",
    "ToolSchema",
    "ToolSchemaBuilder",
    "__version__",
    "build_memory_context",
    "configure",
    "get_config",
    "is_debug",
    "set_config",
    "should_swallow_exceptions",
]

"""Conversations that must get somewhere: the model talks, code decides."""

from typing import TYPE_CHECKING

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
from agent_runtime_framework.errors import ToolRetry
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
from agent_runtime_framework.state.versions import migrate
from agent_runtime_framework.tools import BaseJourneyTools, ToolParameter, ToolResult, ToolSchema, ToolSchemaBuilder

if TYPE_CHECKING:
    from agent_runtime_framework.journey import (
        Ask,
        Field,
        FormJourney,
        IdempotencyKey,
        Injected,
        Journey,
        Step,
        derived,
        expire,
        remind,
        step,
    )

__all__ = [
    "AgentContext",
    "AgentMessage",
    "AgentResult",
    "Ask",
    "BaseJourneyState",
    "BaseJourneyTools",
    "CallableToolExecutor",
    "CompositeHooks",
    "ConversationStore",
    "Event",
    "Executor",
    "ExecutorConfig",
    "ExecutorHooks",
    "Field",
    "FormJourney",
    "FrameworkConfig",
    "IdempotencyKey",
    "InMemoryStore",
    "Injected",
    "IntentDetector",
    "IntentRouter",
    "Journey",
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
    "Step",
    "StepPromptMapping",
    "ToolExecutor",
    "ToolParameter",
    "ToolResult",
    "ToolRetry",
    "ToolSchema",
    "ToolSchemaBuilder",
    "__version__",
    "build_memory_context",
    "configure",
    "derived",
    "expire",
    "get_config",
    "is_debug",
    "migrate",
    "remind",
    "set_config",
    "should_swallow_exceptions",
    "step",
]

_SHORT_FORM = frozenset(
    {
        "Ask", "Field", "FormJourney", "IdempotencyKey", "Injected", "Journey", "Step", "derived", "expire", "remind",
        "step",
    }
)  # fmt: skip
"""Imported when first asked for: a program that writes the long form does not pay for it."""


def __getattr__(name: str) -> object:
    if name not in _SHORT_FORM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from agent_runtime_framework import journey

    value: object = getattr(journey, name)
    globals()[name] = value
    return value

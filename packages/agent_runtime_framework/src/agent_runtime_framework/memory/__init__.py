"""What agents remember: the documented stores, and the manager that commits a turn as one."""

from agent_runtime_framework.memory.context import MemoryContext, MemoryManager, build_memory_context
from agent_runtime_framework.memory.conversation import Conversation
from agent_runtime_framework.memory.keyvalue import KeyValueStore
from agent_runtime_framework.memory.store import (
    ConversationStore,
    InMemoryStore,
    MemoryStore,
    StateStore,
    StoredMessage,
)

__all__ = [
    "Conversation",
    "ConversationStore",
    "InMemoryStore",
    "KeyValueStore",
    "MemoryContext",
    "MemoryManager",
    "MemoryStore",
    "StateStore",
    "StoredMessage",
    "build_memory_context",
]

"""Where conversations are kept: the protocol, and a store by URL."""

from agent_runtime_framework.store.open import open_store
from agent_runtime_framework.store.protocol import Commit, ConversationInfo, Store, Stored

__all__ = ["Commit", "ConversationInfo", "Store", "Stored", "open_store"]

"""What an agent remembers, in one object; and the manager that loads, keeps and commits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from uuid import UUID

from agent_runtime_core.interfaces import JSONObject, conversation_key
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.memory.conversation import Conversation, HotConversations
from agent_runtime_framework.memory.keyvalue import KeyValueStore
from agent_runtime_framework.memory.store import ConversationStore, StateStore, StoredMessage
from agent_runtime_framework.memory.views import MessagesOf, StatesOf, store_behind
from agent_runtime_framework.messages import ContextPolicy
from agent_runtime_framework.store.open import open_store
from agent_runtime_framework.store.protocol import Store
from agent_runtime_framework.store.volatile import VolatileStore

HOT_CONVERSATIONS = 256
"""How many conversations a manager keeps in memory by default."""


@dataclass
class MemoryContext:
    """What is remembered of a conversation.

    Attributes:
        state: The agent's state; None if it has none.
        messages: The messages, oldest first.
        metadata: The author's own.
    """

    state: JSONObject | None = None
    messages: list[StoredMessage] = field(default_factory=list[StoredMessage])
    metadata: JSONObject = field(default_factory=dict[str, Any])

    def has_state(self) -> bool:
        """True if there is a state."""
        return self.state is not None

    def get_message_dicts(self) -> list[JSONObject]:
        """The messages as dicts."""
        return [message.to_dict() for message in self.messages]


async def build_memory_context(
    conversation_id: UUID | str,
    agent_key: str,
    state_store: StateStore | None = None,
    conversation_store: ConversationStore | None = None,
    message_limit: int | None = None,
) -> MemoryContext:
    """What the given stores hold of a conversation; a store that is not given holds nothing."""
    context = MemoryContext()
    if state_store is not None:
        context.state = await state_store.load_state(conversation_id, agent_key)
    if conversation_store is not None:
        context.messages = await conversation_store.get_messages(conversation_id, limit=message_limit)
    return context


class MemoryManager:
    """States and messages of conversations in one place.

    Agents use `turn`; everything else is for reading and writing beside them. It can be used from several event loops
    and threads, closed, and used again.

    Args:
        state_store: Where states are kept.
        conversation_store: Where messages are kept.
        store: Where both are kept, instead of the pair. With none of the three, everything is in memory.
        hot: How many conversations to keep in memory, those used last.

    Attributes:
        store: The `Store` behind both; every turn is one commit to it.
        state_store: The states.
        conversation_store: The messages.
    """

    def __init__(
        self,
        state_store: StateStore | None = None,
        conversation_store: ConversationStore | None = None,
        *,
        store: Store | None = None,
        hot: int = HOT_CONVERSATIONS,
    ) -> None:
        is_pair = state_store is not None or conversation_store is not None
        if store is not None and is_pair:
            raise ConfigurationError("a MemoryManager takes either a store, or a state_store and a conversation_store")
        if is_pair:
            self.state_store = StateStore() if state_store is None else state_store
            self.conversation_store = ConversationStore() if conversation_store is None else conversation_store
            behind = store_behind(self.state_store, self.conversation_store)
            self.store = behind or KeyValueStore(self.state_store, self.conversation_store)
        else:
            self.store = VolatileStore() if store is None else store
            self.state_store = StateStore(StatesOf(self.store))
            self.conversation_store = ConversationStore(MessagesOf(self.store))
        self._conversations = HotConversations(self.store, hot)

    @classmethod
    def from_url(cls, url: str, *, hot: int = HOT_CONVERSATIONS) -> Self:
        """A manager of the store that `url` names, such as `sqlite:///chat.db`.

        Raises:
            ConfigurationError: No store is known by that URL; the text lists what is possible.
        """
        return cls(store=open_store(url), hot=hot)

    def turn(self, conversation_id: UUID | str, agent_key: str, context: ContextPolicy = "all") -> Conversation:
        """A turn of a conversation, as an async context manager.

        One turn of a conversation runs at a time in this process, in the order of arrival; another process that was
        faster shows as a `ConversationConflict` at the commit.

        Args:
            conversation_id: The conversation.
            agent_key: Whose state to load and keep.
            context: The history wanted: "all", "step" (since the current step was entered) or the number of last
                messages, which never parts a call from its result.
        """
        return self._conversations.turn(conversation_key(conversation_id), agent_key, context)

    async def load_context(
        self, conversation_id: UUID | str, agent_key: str, message_limit: int | None = None
    ) -> MemoryContext:
        """State and last messages of a conversation."""
        return await build_memory_context(
            conversation_id, agent_key, self.state_store, self.conversation_store, message_limit
        )

    async def save_state(self, conversation_id: UUID | str, agent_key: str, state: object) -> None:
        """Keep an agent's state: a dict, or an object with `to_dict`."""
        await self.state_store.save_state(conversation_id, agent_key, state)

    async def save_messages(self, conversation_id: UUID | str, messages: Sequence[object]) -> None:
        """Append messages: dicts, `AgentMessage`s or `StoredMessage`s."""
        await self.conversation_store.add_messages(conversation_id, messages)

    async def clear_conversation(self, conversation_id: UUID | str) -> None:
        """Forget the messages of a conversation; states stay."""
        await self.store.clear_messages(conversation_key(conversation_id))

    async def delete_state(self, conversation_id: UUID | str, agent_key: str) -> None:
        """Forget an agent's state."""
        await self.state_store.delete_state(conversation_id, agent_key)

    async def aclose(self) -> None:
        """Close the store's files and connections; they are opened again at the next use."""
        await self.store.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

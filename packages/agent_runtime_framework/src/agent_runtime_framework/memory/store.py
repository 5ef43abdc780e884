"""The documented stores: values by key, and on top of them states and messages by conversation.

Rules:
    - What is stored is a snapshot: lists and dicts are copied on the way in and on the way out.
    - Keys are `state:<conversation_id>:<agent_key>` and `conversation:<conversation_id>`. A `%` or `:` of an agent
      key is percent-escaped, so that two different pairs never share a key.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar, cast
from urllib.parse import unquote
from uuid import UUID

from agent_runtime_core.interfaces import JSONObject, conversation_key
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.memory.snapshot import snapshot

T = TypeVar("T")

_STATE = "state:"
_CONVERSATION = "conversation:"


class MemoryStore(ABC, Generic[T]):
    """Values by key. Subclass it to keep them elsewhere: `get`, `set` and `delete` suffice."""

    @abstractmethod
    async def get(self, key: str) -> T | None:
        """The value, or None."""

    @abstractmethod
    async def set(self, key: str, value: T) -> None:
        """Keep a value; an earlier one of that key is replaced."""

    @abstractmethod
    async def delete(self, key: str) -> None:
        """Forget a value; a missing one is no error."""

    async def exists(self, key: str) -> bool:
        """True if there is a value of that key."""
        return await self.get(key) is not None

    async def append(self, key: str, items: Sequence[Any]) -> None:
        """Add to the end of a stored list; a missing one begins empty.

        Override it where a list can grow without being read and written again.
        """
        await self.set(key, cast("T", [*cast("list[Any]", await self.get(key) or []), *items]))

    async def tail(self, key: str, after: int) -> list[Any]:
        """A stored list from index `after` on, counted as a slice counts: negative ones from the end.

        Override it where a part of a list can be read alone.
        """
        return cast("list[Any]", await self.get(key) or [])[after:]


class InMemoryStore(MemoryStore[T]):
    """Values in this process, gone with it."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    async def get(self, key: str) -> T | None:
        return snapshot(self._values.get(key))

    async def set(self, key: str, value: T) -> None:
        self._values[key] = snapshot(value)

    async def delete(self, key: str) -> None:
        self._values.pop(key, None)

    async def exists(self, key: str) -> bool:
        return self._values.get(key) is not None

    async def append(self, key: str, items: Sequence[Any]) -> None:
        self._values.setdefault(key, []).extend(snapshot(list(items)))

    async def tail(self, key: str, after: int) -> list[Any]:
        return snapshot(self._values.get(key, [])[after:])

    def clear(self) -> None:
        """Forget everything."""
        self._values.clear()


class StateStore(MemoryStore[JSONObject]):
    """The states of agents, by conversation.

    Args:
        backend: Where they are kept; in memory by default.
    """

    def __init__(self, backend: MemoryStore[JSONObject] | None = None) -> None:
        self.backend: MemoryStore[JSONObject] = InMemoryStore() if backend is None else backend

    async def get(self, key: str) -> JSONObject | None:
        return await self.backend.get(key)

    async def set(self, key: str, value: object) -> None:
        await self.backend.set(key, as_state(value))

    async def delete(self, key: str) -> None:
        await self.backend.delete(key)

    async def save_state(self, conversation_id: UUID | str, agent_key: str, state: object) -> None:
        """Keep an agent's state: a dict, or an object with `to_dict`."""
        await self.set(state_key(conversation_id, agent_key), state)

    async def load_state(self, conversation_id: UUID | str, agent_key: str) -> JSONObject | None:
        """An agent's state, or None."""
        return await self.get(state_key(conversation_id, agent_key))

    async def delete_state(self, conversation_id: UUID | str, agent_key: str) -> None:
        """Forget an agent's state."""
        await self.delete(state_key(conversation_id, agent_key))


@dataclass
class StoredMessage:
    """A message of a conversation, as it is stored.

    Attributes:
        role: user, assistant, tool or system.
        content: The text, or a list of content blocks, or None.
        metadata: The author's own; never sent to a model.
        tool_calls: The calls of an assistant message.
        tool_call_id: The call a tool message answers.
        name: The tool that answered.
    """

    role: str
    content: Any = None
    metadata: JSONObject = field(default_factory=dict[str, Any])
    tool_calls: list[JSONObject] = field(default_factory=list[JSONObject])
    tool_call_id: str | None = None
    name: str | None = None

    @classmethod
    def of(cls, message: object) -> Self:
        """The same message as one of these: from a wire dict, or from anything with `to_dict`.

        Raises:
            ConfigurationError: It is no message.
        """
        convert = getattr(message, "to_dict", None)
        data: object = convert() if callable(convert) else message
        if not isinstance(data, Mapping) or not isinstance(cast("Mapping[str, Any]", data).get("role"), str):
            raise ConfigurationError(
                f"{message!r} is no message; expected a dict with 'role' and 'content', or an AgentMessage"
            )
        wire = cast("Mapping[str, Any]", data)
        metadata: JSONObject = getattr(message, "metadata", None) or wire.get("metadata") or {}
        return cls(
            role=wire["role"],
            content=snapshot(wire.get("content")),
            metadata=snapshot(dict(metadata)),
            tool_calls=snapshot(list(wire.get("tool_calls") or ())),
            tool_call_id=wire.get("tool_call_id"),
            name=wire.get("name"),
        )

    def to_dict(self) -> JSONObject:
        """The wire form with `metadata`; what is empty is left out."""
        message: JSONObject = {"role": self.role}
        if self.content is not None:
            message["content"] = self.content
        for key in ("tool_calls", "tool_call_id", "name", "metadata"):
            if value := getattr(self, key):
                message[key] = value
        return message


class ConversationStore(MemoryStore[list[StoredMessage]]):
    """The messages of conversations.

    Args:
        backend: Where they are kept, as lists of dicts; in memory by default.
    """

    def __init__(self, backend: MemoryStore[list[JSONObject]] | None = None) -> None:
        self.backend: MemoryStore[list[JSONObject]] = InMemoryStore() if backend is None else backend

    async def get(self, key: str) -> list[StoredMessage] | None:
        found = await self.backend.get(key)
        return None if found is None else [StoredMessage.of(message) for message in found]

    async def set(self, key: str, value: Sequence[object]) -> None:
        await self.backend.set(key, message_dicts(value))

    async def delete(self, key: str) -> None:
        await self.backend.delete(key)

    async def exists(self, key: str) -> bool:
        return await self.backend.exists(key)

    async def append(self, key: str, items: Sequence[object]) -> None:
        await self.backend.append(key, message_dicts(items))

    async def tail(self, key: str, after: int) -> list[StoredMessage]:
        return [StoredMessage.of(message) for message in await self.backend.tail(key, after)]

    async def get_messages(self, conversation_id: UUID | str, limit: int | None = None) -> list[StoredMessage]:
        """The messages of a conversation, oldest first.

        Args:
            conversation_id: The conversation.
            limit: Only the last so many; fewer where the first of them would be a result without its call.
        """
        key = messages_key(conversation_id)
        if limit is None:
            return await self.get(key) or []
        if limit <= 0:
            return []
        messages = await self.tail(key, -limit)
        start = 0
        while start < len(messages) and messages[start].role == "tool":
            start += 1
        return messages[start:]

    async def add_message(self, conversation_id: UUID | str, message: object) -> None:
        """Append a message: a dict, an `AgentMessage` or a `StoredMessage`."""
        await self.append(messages_key(conversation_id), [message])

    async def add_messages(self, conversation_id: UUID | str, messages: Sequence[object]) -> None:
        """Append messages: dicts, `AgentMessage`s or `StoredMessage`s."""
        await self.append(messages_key(conversation_id), messages)

    async def clear_conversation(self, conversation_id: UUID | str) -> None:
        """Forget the messages of a conversation."""
        await self.delete(messages_key(conversation_id))


def state_key(conversation_id: UUID | str, agent_key: str) -> str:
    """The key of an agent's state."""
    escaped = agent_key.replace("%", "%25").replace(":", "%3A")
    return f"{_STATE}{conversation_key(conversation_id)}:{escaped}"


def read_state_key(key: str) -> tuple[str, str]:
    """Conversation and agent of a state's key.

    Raises:
        ConfigurationError: It is no such key.
    """
    conversation_id, separator, agent_key = key.removeprefix(_STATE).rpartition(":")
    if not key.startswith(_STATE) or not separator or not conversation_id:
        raise ConfigurationError(f"{key!r} is no key of a state; expected 'state:<conversation_id>:<agent_key>'")
    return conversation_key(conversation_id), unquote(agent_key)


def messages_key(conversation_id: UUID | str) -> str:
    """The key of a conversation's messages."""
    return f"{_CONVERSATION}{conversation_key(conversation_id)}"


def read_messages_key(key: str) -> str:
    """The conversation of a key of messages.

    Raises:
        ConfigurationError: It is no such key.
    """
    if not key.startswith(_CONVERSATION):
        raise ConfigurationError(f"{key!r} is no key of messages; expected 'conversation:<conversation_id>'")
    return conversation_key(key.removeprefix(_CONVERSATION))


def message_dicts(messages: Sequence[object]) -> list[JSONObject]:
    """Messages of any kind in the form in which they are stored."""
    return [StoredMessage.of(message).to_dict() for message in messages]


def as_state(value: object) -> JSONObject:
    """A state as a dict of its own: from a mapping, or from an object with `to_dict`.

    Raises:
        ConfigurationError: It is neither.
    """
    convert = getattr(value, "to_dict", None)
    data: object = convert() if callable(convert) else value
    if not isinstance(data, Mapping):
        raise ConfigurationError(f"{value!r} is no state; expected a dict, or an object with to_dict()")
    return dict(cast("Mapping[str, Any]", data))

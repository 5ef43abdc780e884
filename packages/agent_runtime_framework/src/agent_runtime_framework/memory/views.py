"""A `Store` as the backend of the documented stores: what one side writes the other side sees."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import count

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError, ConversationConflict
from agent_runtime_framework.memory.snapshot import snapshot
from agent_runtime_framework.memory.store import (
    ConversationStore,
    MemoryStore,
    StateStore,
    read_messages_key,
    read_state_key,
)
from agent_runtime_framework.state.serializer import StateSerializer
from agent_runtime_framework.store.protocol import Commit, Store

_ATTEMPTS = 100


class StatesOf(MemoryStore[JSONObject]):
    """The states in a `Store`, by the keys of `StateStore`."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def get(self, key: str) -> JSONObject | None:
        stored = await self.store.load(*read_state_key(key), context=0)
        return None if stored.state is None else json.loads(stored.state)

    async def set(self, key: str, value: JSONObject) -> None:
        conversation_id, agent_key = read_state_key(key)
        await self.store.save_state(conversation_id, agent_key, state_text(value, agent_key))

    async def delete(self, key: str) -> None:
        await self.store.save_state(*read_state_key(key), None)


class MessagesOf(MemoryStore[list[JSONObject]]):
    """The messages in a `Store`, by the keys of `ConversationStore`.

    Messages are added and cleared there, never rewritten; `set` does the one after the other.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    async def get(self, key: str) -> list[JSONObject] | None:
        stored = await self.store.load(read_messages_key(key), "")
        return snapshot(stored.messages) or None

    async def set(self, key: str, value: list[JSONObject]) -> None:
        await self.delete(key)
        await self.append(key, value)

    async def delete(self, key: str) -> None:
        await self.store.clear_messages(read_messages_key(key))

    async def exists(self, key: str) -> bool:
        return bool((await self.store.load(read_messages_key(key), "", context=1)).messages)

    async def append(self, key: str, items: Sequence[JSONObject]) -> None:
        conversation_id = read_messages_key(key)
        messages = [_wire(item) for item in items]
        for attempt in count(1):
            head = await self.store.load(conversation_id, "", context=0)
            turn = Commit(conversation_id=conversation_id, agent_key="", revision=head.revision, messages=messages)
            try:
                await self.store.commit(turn)
            except ConversationConflict:
                # Adding is right whatever came in between, so it is tried again on what is there now.
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    async def tail(self, key: str, after: int) -> list[JSONObject]:
        conversation_id = read_messages_key(key)
        if after < 0:
            stored = await self.store.load(conversation_id, "", context=-after)
        else:
            head = await self.store.load(conversation_id, "", context=0)
            stored = await self.store.load(conversation_id, "", after=head.oldest_seq - 1 + after)
        return snapshot(stored.messages)


def _wire(item: JSONObject) -> JSONObject:
    # The documented form leaves out an empty content; a turn's messages always have the key.
    return {"role": item["role"], "content": None, **snapshot(item)}


def store_behind(states: StateStore, messages: ConversationStore) -> Store | None:
    """The `Store` that both are views of, if they are."""
    # A subclass with a place of its own may have no backend at all.
    one, other = getattr(states, "backend", None), getattr(messages, "backend", None)
    if isinstance(one, StatesOf) and isinstance(other, MessagesOf) and one.store is other.store:
        return one.store
    return None


def state_text(state: JSONObject, agent_key: str) -> str:
    """A state as JSON text.

    Raises:
        ConfigurationError: It holds what JSON cannot.
    """
    try:
        return json.dumps(StateSerializer.serialize(state), ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError) as exc:
        raise ConfigurationError(
            f"the state of agent {agent_key!r} cannot be stored, because it is no JSON: {exc}"
        ) from exc

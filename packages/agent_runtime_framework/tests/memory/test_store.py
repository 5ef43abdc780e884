"""The documented stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest

from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.memory import (
    ConversationStore,
    InMemoryStore,
    MemoryManager,
    MemoryStore,
    StateStore,
    StoredMessage,
)
from agent_runtime_framework.messages import AgentMessage

CALLS = [{"id": "c1", "type": "function", "function": {"name": "save", "arguments": "{}"}}]


class Minimal(MemoryStore[list[int]]):
    def __init__(self) -> None:
        self.values: dict[str, list[int]] = {}

    async def get(self, key: str) -> list[int] | None:
        return self.values.get(key)

    async def set(self, key: str, value: list[int]) -> None:
        self.values[key] = value

    async def delete(self, key: str) -> None:
        self.values.pop(key, None)


@pytest.fixture(params=["documented", "memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[StateStore, ConversationStore]:
    if request.param == "documented":
        return StateStore(), ConversationStore()
    url = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'chat.db'}"
    manager = MemoryManager.from_url(url)
    return manager.state_store, manager.conversation_store


@pytest.fixture
def states(stores: tuple[StateStore, ConversationStore]) -> StateStore:
    return stores[0]


@pytest.fixture
def messages(stores: tuple[StateStore, ConversationStore]) -> ConversationStore:
    return stores[1]


@pytest.mark.asyncio
async def test_an_in_memory_store_keeps_and_forgets() -> None:
    store = InMemoryStore[dict]()
    await store.set("a", {"n": 1})
    assert (await store.get("a"), await store.exists("a"), await store.exists("b")) == ({"n": 1}, True, False)

    await store.delete("a")
    await store.delete("a")
    assert await store.get("a") is None

    await store.set("b", {})
    store.clear()
    assert await store.exists("b") is False


@pytest.mark.asyncio
async def test_an_in_memory_store_keeps_snapshots() -> None:
    store = InMemoryStore[dict]()
    value = {"list": [1, {"deep": 1}]}
    await store.set("a", value)
    value["list"][1]["deep"] = 2
    (await store.get("a"))["list"].append(3)

    assert await store.get("a") == {"list": [1, {"deep": 1}]}


@pytest.mark.asyncio
@pytest.mark.parametrize("make", [Minimal, InMemoryStore])
async def test_lists_grow_and_are_read_from_any_place(make: Callable[[], MemoryStore[list[int]]]) -> None:
    store = make()
    await store.append("a", [1, 2])
    await store.append("a", [3])

    assert await store.get("a") == [1, 2, 3]
    assert await store.tail("a", 1) == [2, 3]
    assert await store.tail("a", -1) == [3]
    assert await store.tail("a", 9) == []
    assert await store.tail("b", 0) == []


@pytest.mark.asyncio
async def test_the_documented_keys_are_used() -> None:
    states, messages = InMemoryStore[dict](), InMemoryStore[list[dict]]()
    await StateStore(states).save_state("ada", "intake", {"n": 1})
    await ConversationStore(messages).add_message("ada", AgentMessage(role="user", content="hi"))

    assert await states.get("state:ada:intake") == {"n": 1}
    assert await messages.get("conversation:ada") == [{"role": "user", "content": "hi"}]


@pytest.mark.asyncio
async def test_pairs_that_look_alike_do_not_share_a_state(states: StateStore) -> None:
    pairs = [("a:b", "c"), ("a", "b:c"), ("a", "b%3Ac"), ("a:b%3Ac", "d")]
    for number, pair in enumerate(pairs):
        await states.save_state(*pair, {"n": number})

    assert [await states.load_state(*pair) for pair in pairs] == [{"n": number} for number in range(4)]


@pytest.mark.asyncio
async def test_a_state_is_saved_loaded_and_deleted(states: StateStore) -> None:
    conversation_id = UUID("9f0f8f5e-7e61-4a7b-9a77-0e9f4a9f9b11")
    assert await states.load_state(conversation_id, "intake") is None

    await states.save_state(conversation_id, "intake", {"n": 1})
    assert await states.load_state(str(conversation_id), "intake") == {"n": 1}
    assert await states.get(f"state:{conversation_id}:intake") == {"n": 1}

    await states.delete_state(conversation_id, "intake")
    assert await states.load_state(conversation_id, "intake") is None
    assert await states.exists(f"state:{conversation_id}:intake") is False


@pytest.mark.asyncio
async def test_a_stored_state_is_a_snapshot(states: StateStore) -> None:
    state = {"items": ["tea"]}
    await states.save_state("ada", "cart", state)
    state["items"].append("milk")
    loaded = await states.load_state("ada", "cart")
    assert loaded is not None
    loaded["items"].clear()

    assert await states.load_state("ada", "cart") == {"items": ["tea"]}


@pytest.mark.asyncio
async def test_a_state_object_is_stored_by_its_dict(states: StateStore) -> None:
    @dataclass
    class State:
        name: str

        def to_dict(self) -> dict[str, str]:
            return {"name": self.name}

    await states.save_state("ada", "intake", State("Ada"))

    assert await states.load_state("ada", "intake") == {"name": "Ada"}


@pytest.mark.asyncio
async def test_what_is_no_state_is_refused(states: StateStore) -> None:
    with pytest.raises(ConfigurationError, match="7 is no state; expected a dict, or an object with to_dict"):
        await states.save_state("ada", "intake", 7)


@pytest.mark.asyncio
async def test_messages_of_every_kind_come_back_whole(messages: ConversationStore) -> None:
    await messages.add_messages(
        "ada",
        [
            {"role": "user", "content": "hi", "metadata": {"via": "web"}},
            AgentMessage(role="assistant", tool_calls=CALLS),
            StoredMessage("tool", "Saved.", tool_call_id="c1", name="save"),
        ],
    )

    assert await messages.get_messages("ada") == [
        StoredMessage("user", "hi", {"via": "web"}),
        StoredMessage("assistant", None, tool_calls=CALLS),
        StoredMessage("tool", "Saved.", tool_call_id="c1", name="save"),
    ]


def test_a_message_leaves_out_what_is_empty() -> None:
    assert StoredMessage("assistant", None).to_dict() == {"role": "assistant"}
    assert StoredMessage("user", "hi", {"a": 1}).to_dict() == {"role": "user", "content": "hi", "metadata": {"a": 1}}


@pytest.mark.asyncio
async def test_what_is_no_message_is_refused(messages: ConversationStore) -> None:
    with pytest.raises(ConfigurationError, match="'hi' is no message; expected a dict with 'role' and 'content'"):
        await messages.add_message("ada", "hi")


@pytest.mark.asyncio
async def test_a_limit_gives_the_last_messages_and_no_result_without_its_call(messages: ConversationStore) -> None:
    turn = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "tool_calls": CALLS},
        {"role": "tool", "content": "Saved.", "tool_call_id": "c1", "name": "save"},
        {"role": "assistant", "content": "Done."},
    ]
    await messages.add_messages("ada", turn)

    def roles(found: list[StoredMessage]) -> list[str]:
        return [message.role for message in found]

    assert roles(await messages.get_messages("ada", limit=1)) == ["assistant"]
    assert roles(await messages.get_messages("ada", limit=2)) == ["assistant"]
    assert roles(await messages.get_messages("ada", limit=3)) == ["assistant", "tool", "assistant"]
    assert roles(await messages.get_messages("ada", limit=9)) == ["user", "assistant", "tool", "assistant"]
    assert await messages.get_messages("ada", limit=0) == []


@pytest.mark.asyncio
async def test_a_conversation_can_be_replaced_and_cleared(messages: ConversationStore) -> None:
    key = "conversation:ada"
    assert await messages.get(key) is None
    await messages.add_message("ada", {"role": "user", "content": "a"})
    await messages.set(key, [AgentMessage(role="user", content="b")])
    assert await messages.get(key) == [StoredMessage("user", "b")]
    assert await messages.exists(key) is True
    assert await messages.tail(key, 0) == [StoredMessage("user", "b")]

    await messages.clear_conversation("ada")
    assert await messages.get_messages("ada") == []
    assert await messages.exists(key) is False


@pytest.mark.asyncio
@pytest.mark.parametrize("conversation_id", ["", "x" * 256, "a\nb"])
async def test_an_impossible_conversation_id_is_refused(messages: ConversationStore, conversation_id: str) -> None:
    with pytest.raises(ConfigurationError, match="expected 1 to 255 characters"):
        await messages.get_messages(conversation_id)


@pytest.mark.asyncio
async def test_a_foreign_key_is_refused_by_the_views() -> None:
    manager = MemoryManager()

    with pytest.raises(
        ConfigurationError, match="'colour' is no key of a state; expected 'state:<conversation_id>:<agent_key>'"
    ):
        await manager.state_store.get("colour")
    with pytest.raises(ConfigurationError, match="'colour' is no key of messages"):
        await manager.conversation_store.get("colour")

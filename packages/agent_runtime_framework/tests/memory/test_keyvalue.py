"""What happens past the manager, in the documented stores it was given."""

from __future__ import annotations

import pytest

from agent_runtime_framework.errors import ConversationConflict
from agent_runtime_framework.memory import ConversationStore, InMemoryStore, MemoryManager, StateStore


def message(text: str) -> dict:
    return {"role": "user", "content": text}


@pytest.fixture
def messages() -> ConversationStore:
    return ConversationStore()


@pytest.fixture
def memory(messages: ConversationStore) -> MemoryManager:
    return MemoryManager(StateStore(), messages)


async def say(memory: MemoryManager, *texts: str) -> None:
    async with memory.turn("ada", "intake") as conversation:
        await conversation.commit([message(text) for text in texts], state="{}", step="one")


async def heard(memory: MemoryManager) -> list[str]:
    async with memory.turn("ada", "intake") as conversation:
        return [each["content"] for each in conversation.history.messages]


@pytest.mark.asyncio
async def test_a_message_added_past_the_manager_is_seen(memory: MemoryManager, messages: ConversationStore) -> None:
    await say(memory, "a")
    await messages.add_message("ada", message("b"))

    assert await heard(memory) == ["a", "b"]
    await say(memory, "c")
    assert await heard(memory) == ["a", "b", "c"]


@pytest.mark.asyncio
async def test_a_message_added_past_the_manager_in_a_turn_is_a_conflict(
    memory: MemoryManager, messages: ConversationStore
) -> None:
    await say(memory, "a")

    async with memory.turn("ada", "intake") as conversation:
        await messages.add_message("ada", message("b"))
        with pytest.raises(ConversationConflict):
            await conversation.commit([message("c")])


@pytest.mark.asyncio
async def test_messages_cleared_past_the_manager_are_gone(memory: MemoryManager, messages: ConversationStore) -> None:
    await say(memory, "a", "b")
    await messages.clear_conversation("ada")

    assert await heard(memory) == []
    assert (await memory.store.load("ada", "intake")).oldest_seq == 3
    await say(memory, "c")
    assert await heard(memory) == ["c"]


@pytest.mark.asyncio
async def test_a_long_conversation_shortened_past_the_manager_is_read_again(
    memory: MemoryManager, messages: ConversationStore
) -> None:
    await say(memory, "a", "b", "c", "d")
    await messages.set("conversation:ada", [message("d")])

    assert await heard(memory) == ["d"]


@pytest.mark.asyncio
async def test_a_history_from_before_the_manager_is_taken_over(messages: ConversationStore) -> None:
    await messages.add_messages("ada", [message("a"), message("b")])
    states = StateStore()
    await states.save_state("ada", "intake", {"n": 1})

    async with MemoryManager(states, messages).turn("ada", "intake") as conversation:
        assert [each["content"] for each in conversation.history.messages] == ["a", "b"]
        assert conversation.state == '{"n":1}'
        await conversation.commit([message("c")], state='{"n":2}')

    assert await states.load_state("ada", "intake") == {"n": 2}


@pytest.mark.asyncio
async def test_a_state_store_that_is_its_own_place_is_used(messages: ConversationStore) -> None:
    class OwnPlace(StateStore):
        def __init__(self) -> None:
            self.kept = {}

        async def get(self, key):
            return self.kept.get(key)

        async def set(self, key, value):
            self.kept[key] = value

        async def delete(self, key):
            self.kept.pop(key, None)

    states = OwnPlace()
    await say(MemoryManager(states, messages), "a")

    assert states.kept["state:ada:intake"] == {}


@pytest.mark.asyncio
async def test_a_turn_of_a_long_conversation_does_not_read_it_all() -> None:
    class Watched(InMemoryStore):
        handed_out = 0

        async def tail(self, key, after):
            found = await super().tail(key, after)
            self.handed_out += len(found)
            return found

        async def get(self, key):
            found = await super().get(key)
            self.handed_out += len(found or [])
            return found

    backend = Watched()
    memory = MemoryManager(StateStore(), ConversationStore(backend))
    for number in range(300):
        await say(memory, str(number))

    # A look at the last message when a turn begins, and one when it is committed.
    assert backend.handed_out <= 2 * 300

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_framework.errors import ConfigurationError, StoreError
from agent_runtime_framework.memory import (
    ConversationStore,
    KeyValueStore,
    MemoryContext,
    MemoryManager,
    StateStore,
    StoredMessage,
    build_memory_context,
)
from agent_runtime_framework.messages import AgentMessage


@pytest_asyncio.fixture(params=["default", "documented stores", "sqlite"])
async def manager(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryManager]:
    match request.param:
        case "default":
            made = MemoryManager()
        case "documented stores":
            made = MemoryManager(StateStore(), ConversationStore())
        case _:
            made = MemoryManager.from_url(f"sqlite:///{tmp_path / 'chat.db'}")
    async with made as entered:
        yield entered


def test_an_empty_context_has_no_state() -> None:
    assert MemoryContext().has_state() is False
    assert MemoryContext(state={}).has_state() is True
    assert MemoryContext(messages=[StoredMessage("user", "hi")]).get_message_dicts() == [
        {"role": "user", "content": "hi"}
    ]


@pytest.mark.asyncio
async def test_a_context_is_built_of_what_is_given() -> None:
    states, messages = StateStore(), ConversationStore()
    await states.save_state("ada", "intake", {"n": 1})
    await messages.add_messages("ada", [AgentMessage(role="user", content=text) for text in "abc"])

    assert await build_memory_context("ada", "intake") == MemoryContext()
    context = await build_memory_context("ada", "intake", states, messages, message_limit=2)
    assert context.state == {"n": 1}
    assert [message.content for message in context.messages] == ["b", "c"]


@pytest.mark.asyncio
async def test_what_a_manager_saves_it_loads(manager: MemoryManager) -> None:
    await manager.save_state("ada", "intake", {"n": 1})
    await manager.save_messages("ada", [AgentMessage(role="user", content="a")])
    await manager.save_messages("ada", [{"role": "assistant", "content": "b"}])

    context = await manager.load_context("ada", "intake")

    assert context.state == {"n": 1}
    assert [message.content for message in context.messages] == ["a", "b"]
    assert [each.content for each in (await manager.load_context("ada", "intake", message_limit=1)).messages] == ["b"]


@pytest.mark.asyncio
async def test_state_and_messages_are_forgotten_apart(manager: MemoryManager) -> None:
    await manager.save_state("ada", "intake", {"n": 1})
    await manager.save_messages("ada", [{"role": "user", "content": "a"}])

    await manager.clear_conversation("ada")
    assert await manager.load_context("ada", "intake") == MemoryContext(state={"n": 1})

    await manager.delete_state("ada", "intake")
    assert await manager.load_context("ada", "intake") == MemoryContext()


@pytest.mark.asyncio
async def test_turns_and_documented_stores_see_the_same(manager: MemoryManager) -> None:
    await manager.state_store.save_state("ada", "intake", {"n": 1})
    async with manager.turn("ada", "intake") as conversation:
        assert conversation.state == '{"n":1}'
        await conversation.commit([{"role": "user", "content": "hi"}], state='{"n":2}')

    assert await manager.state_store.load_state("ada", "intake") == {"n": 2}
    assert await manager.conversation_store.get_messages("ada") == [StoredMessage("user", "hi")]


@pytest.mark.asyncio
async def test_additions_at_once_all_arrive(manager: MemoryManager) -> None:
    texts = [str(number) for number in range(20)]
    await asyncio.gather(*(manager.save_messages("ada", [{"role": "user", "content": text}]) for text in texts))

    messages = (await manager.load_context("ada", "intake")).messages
    assert sorted(message.content for message in messages) == sorted(texts)


@pytest.mark.asyncio
async def test_a_manager_can_be_closed_and_used_again(manager: MemoryManager) -> None:
    await manager.save_state("ada", "intake", {"n": 1})
    await manager.aclose()
    await manager.aclose()

    assert (await manager.load_context("ada", "intake")).state == {"n": 1}


def test_the_documented_stores_are_kept_as_they_were_given() -> None:
    states, messages = StateStore(), ConversationStore()
    manager = MemoryManager(states, messages)

    assert manager.state_store is states
    assert manager.conversation_store is messages
    assert isinstance(manager.store, KeyValueStore)


def test_a_store_and_a_pair_of_stores_are_not_both_taken() -> None:
    with pytest.raises(ConfigurationError, match="either a store, or a state_store and a conversation_store"):
        MemoryManager(StateStore(), store=MemoryManager().store)


def test_the_views_of_a_store_lead_back_to_it() -> None:
    first = MemoryManager()

    assert MemoryManager(first.state_store, first.conversation_store).store is first.store


@pytest.mark.asyncio
async def test_a_state_that_is_no_json_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="the state of agent 'intake' cannot be stored, because it is no JSON"):
        await MemoryManager().save_state("ada", "intake", {"client": object()})


@pytest.mark.asyncio
async def test_key_value_stores_say_that_they_cannot_list() -> None:
    with pytest.raises(StoreError, match=r"cannot list its conversations; keep them with MemoryManager\.from_url"):
        await KeyValueStore(StateStore(), ConversationStore()).conversations()

"""`memory.turn`: what an agent sees of a conversation, and what becomes of its commit."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_framework.errors import ConfigurationError, ConversationConflict, NestedTurn, StoreError
from agent_runtime_framework.memory import ConversationStore, MemoryManager, MemoryStore, StateStore
from agent_runtime_framework.messages import INTERRUPTED, ContextPolicy, tool_message
from agent_runtime_framework.store import Store, Stored


class DictStore(MemoryStore):
    """A backend as a user writes one: nothing but get, set and delete."""

    def __init__(self) -> None:
        self.values = {}

    async def get(self, key):
        return self.values.get(key)

    async def set(self, key, value):
        self.values[key] = value

    async def delete(self, key):
        self.values.pop(key, None)


class Others:
    """Makes managers that share one place, as several processes do."""

    def __init__(self, kind: str, folder: Path) -> None:
        self._url = f"sqlite:///{folder / 'chat.db'}"
        self._kind = kind
        self._backends = DictStore(), DictStore()
        self._first: MemoryManager | None = None
        self.made: list[MemoryManager] = []

    def manager(self, *, hot: int = 256) -> MemoryManager:
        if self._kind == "sqlite":
            made = MemoryManager.from_url(self._url, hot=hot)
        elif self._kind == "key-value":
            states, messages = self._backends
            made = MemoryManager(StateStore(states), ConversationStore(messages), hot=hot)
        else:
            self._first = self._first or MemoryManager.from_url("memory://")
            made = MemoryManager(store=self._first.store, hot=hot)
        self.made.append(made)
        return made


@pytest_asyncio.fixture(params=["memory", "sqlite", "key-value"])
async def others(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Others]:
    made = Others(request.param, tmp_path)
    yield made
    for manager in made.made:
        await manager.aclose()


@pytest.fixture
def memory(others: Others) -> MemoryManager:
    return others.manager()


def turn_of(number: int) -> list[dict]:
    call = {"id": f"c{number}", "type": "function", "function": {"name": "save", "arguments": "{}"}}
    return [
        {"role": "user", "content": f"message {number}"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        tool_message(f"c{number}", "save", "Saved."),
        {"role": "assistant", "content": f"reply {number}"},
    ]


async def talk(
    memory: MemoryManager,
    numbers: range,
    *,
    context: ContextPolicy = "all",
    step: str | None = None,
    agent_key: str = "intake",
) -> None:
    for number in numbers:
        async with memory.turn("ada", agent_key, context) as conversation:
            await conversation.commit(turn_of(number), state=f'{{"n":{number}}}', step=step)


async def seen(memory: MemoryManager, context: ContextPolicy = "all", agent_key: str = "intake") -> list[dict]:
    async with memory.turn("ada", agent_key, context) as conversation:
        return list(conversation.history.messages)


def said(*numbers: int) -> list[dict]:
    return [message for number in numbers for message in turn_of(number)]


@pytest.mark.asyncio
async def test_a_new_conversation_has_neither_state_nor_history(memory: MemoryManager) -> None:
    async with memory.turn("ada", "intake") as conversation:
        assert (conversation.state, conversation.revision, conversation.history.messages) == (None, 0, [])


@pytest.mark.asyncio
async def test_the_next_turn_sees_what_the_last_one_committed(memory: MemoryManager) -> None:
    async with memory.turn("ada", "intake") as conversation:
        await conversation.commit(turn_of(1), state='{"n":1}', step="email")
        assert conversation.revision == 1

    async with memory.turn("ada", "intake") as conversation:
        assert (conversation.state, conversation.revision) == ('{"n":1}', 1)
        assert conversation.history.messages == turn_of(1)
        assert conversation.history.call_ids == {"c1"}


@pytest.mark.asyncio
async def test_a_turn_that_breaks_leaves_the_conversation_as_it_was(memory: MemoryManager) -> None:
    await talk(memory, range(1))

    with pytest.raises(ValueError, match="broken"):
        async with memory.turn("ada", "intake"):
            raise ValueError("broken")

    assert await seen(memory) == turn_of(0)


@pytest.mark.asyncio
async def test_a_turn_is_committed_at_most_once(memory: MemoryManager) -> None:
    async with memory.turn("ada", "intake") as conversation:
        await conversation.commit(turn_of(0))
        with pytest.raises(ConfigurationError, match="'ada' is committed already"):
            await conversation.commit(turn_of(1))

    assert await seen(memory) == turn_of(0)


@pytest.mark.asyncio
async def test_the_turn_of_another_manager_is_picked_up(others: Others) -> None:
    here, there = others.manager(), others.manager()
    await talk(here, range(2))
    await talk(there, range(2, 4))

    async with here.turn("ada", "intake") as conversation:
        assert conversation.history.messages == said(0, 1, 2, 3)
        assert conversation.state == '{"n":3}'
        assert "c3" in conversation.history.call_ids


@pytest.mark.asyncio
@pytest.mark.parametrize("context", ["all", "step", 8])
async def test_managers_that_take_turns_see_the_same(others: Others, context: ContextPolicy) -> None:
    here, there = others.manager(), others.manager()
    for number in range(12):
        manager = (here, there)[number // 2 % 2]
        await talk(manager, range(number, number + 1), context=context, step=f"step {number // 4}")

        expected = await seen(others.manager(), context)
        assert await seen(here, context) == expected
        assert await seen(there, context) == expected


@pytest.mark.asyncio
async def test_the_slower_of_two_writers_gets_a_conflict_and_nothing_of_it_is_kept(others: Others) -> None:
    here, there = others.manager(), others.manager()
    await talk(here, range(1))

    async with here.turn("ada", "intake") as slow:
        await talk(there, range(1, 2))
        with pytest.raises(
            ConversationConflict, match="'ada' was changed by another writer: this turn began at revision 1"
        ):
            await slow.commit(turn_of(9), state='{"n":9}')

    async with here.turn("ada", "intake") as again:
        assert again.history.messages == said(0, 1)
        assert (again.state, again.revision) == ('{"n":1}', 2)
        await again.commit(turn_of(2))


@pytest.mark.asyncio
async def test_cleared_messages_are_noticed(others: Others) -> None:
    here, there = others.manager(), others.manager()
    await talk(here, range(3))
    await there.clear_conversation("ada")

    assert await seen(here) == []
    await talk(here, range(5, 6))
    assert await seen(here) == turn_of(5)
    assert await seen(there) == turn_of(5)


@pytest.mark.asyncio
async def test_messages_saved_beside_a_turn_are_noticed(others: Others) -> None:
    here = others.manager()
    await talk(here, range(1))
    await here.save_messages("ada", [{"role": "user", "content": "by the way"}])

    assert await seen(here) == [*turn_of(0), {"role": "user", "content": "by the way"}]


@pytest.mark.asyncio
async def test_a_history_saved_beside_turns_is_repaired(others: Others) -> None:
    here = others.manager()
    assert await seen(here) == []
    await here.save_messages("ada", turn_of(1)[:2])

    assert await seen(here) == [*turn_of(1)[:2], tool_message("c1", "save", INTERRUPTED)]

    await here.save_messages("ada", turn_of(1)[2:])
    assert await seen(here) == turn_of(1)


@pytest.mark.asyncio
@pytest.mark.parametrize("hot", [0, 256])
async def test_a_number_limits_the_history_to_whole_turns(others: Others, hot: int) -> None:
    memory = others.manager(hot=hot)
    for number in range(6):
        await talk(memory, range(number, number + 1), context=6)

    assert await seen(memory, 6) == turn_of(5)
    assert await seen(memory, 8) == said(4, 5)
    assert await seen(memory, 100) == said(0, 1, 2, 3, 4, 5)
    assert await seen(memory, 0) == []


@pytest.mark.asyncio
@pytest.mark.parametrize("hot", [0, 256])
async def test_step_limits_the_history_to_the_current_step(others: Others, hot: int) -> None:
    memory = others.manager(hot=hot)
    await talk(memory, range(2), context="step", step="name")
    assert await seen(memory, "step") == said(0, 1)

    await talk(memory, range(2, 4), context="step", step="email")
    assert await seen(memory, "step") == said(2, 3)

    await talk(memory, range(4, 5), context="step", step="email", agent_key="quote")
    assert await seen(memory, "step") == said(2, 3, 4)
    assert await seen(memory, "step", "quote") == said(4)
    assert await seen(memory) == said(0, 1, 2, 3, 4)


@pytest.mark.asyncio
@pytest.mark.parametrize("context", ["turn", -1])
async def test_an_unknown_context_is_refused(context: ContextPolicy) -> None:
    with pytest.raises(ConfigurationError, match="expected 'all', 'step' or a number"):
        MemoryManager().turn("ada", "intake", context)


@pytest.mark.asyncio
async def test_turns_of_one_conversation_run_one_after_another(memory: MemoryManager) -> None:
    async def add(number: int) -> None:
        async with memory.turn("ada", "intake") as conversation:
            before = len(conversation.history.messages)
            await asyncio.sleep(0)
            await conversation.commit(turn_of(number))
            assert len(conversation.history.messages) == before + 4

    await asyncio.gather(*(add(number) for number in range(20)))

    assert await seen(memory) == said(*range(20))


@pytest.mark.asyncio
async def test_turns_of_different_conversations_do_not_wait_for_each_other(memory: MemoryManager) -> None:
    async with memory.turn("ada", "intake") as one, memory.turn("grace", "intake") as other:
        await other.commit(turn_of(1))
        await one.commit(turn_of(2))

    assert await seen(memory) == turn_of(2)


@pytest.mark.asyncio
async def test_a_turn_inside_a_turn_of_the_same_conversation_is_refused(memory: MemoryManager) -> None:
    async with memory.turn("ada", "intake") as conversation:
        with pytest.raises(NestedTurn, match="'ada' was begun inside another turn of it, by the same task"):
            await talk(memory, range(1))
        await conversation.commit(turn_of(7))

    assert await seen(memory) == turn_of(7)


@pytest.mark.asyncio
async def test_who_gives_up_waiting_keeps_nobody_waiting(memory: MemoryManager) -> None:
    async with memory.turn("ada", "intake"):
        waiting = [asyncio.create_task(talk(memory, range(number, number + 1))) for number in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        waiting[2].cancel()

    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert isinstance(results[0], asyncio.CancelledError)
    assert results[1] is None
    assert await asyncio.wait_for(seen(memory), 5) == turn_of(1)


@pytest.mark.asyncio
async def test_who_is_cancelled_when_it_is_let_in_lets_the_next_one_in(memory: MemoryManager) -> None:
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(memory.turn("ada", "intake"))
        first = asyncio.create_task(talk(memory, range(1)))
        second = asyncio.create_task(talk(memory, range(1, 2)))
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()

    await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), 5)

    assert await seen(memory) in (turn_of(1), said(0, 1))


def test_one_manager_serves_one_event_loop_after_another(tmp_path: Path) -> None:
    memory = MemoryManager.from_url(f"sqlite:///{tmp_path / 'chat.db'}")
    for number in range(3):
        asyncio.run(talk(memory, range(number, number + 1)))

    assert asyncio.run(seen(memory)) == said(0, 1, 2)
    asyncio.run(memory.aclose())


def test_threads_with_loops_of_their_own_take_turns(tmp_path: Path) -> None:
    memory = MemoryManager.from_url(f"sqlite:///{tmp_path / 'chat.db'}")

    def work(first: int) -> None:
        for number in range(first, first + 10):
            asyncio.run(talk(memory, range(number, number + 1)))

    threads = [threading.Thread(target=work, args=(number * 10,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(asyncio.run(seen(memory))) == 160
    asyncio.run(memory.aclose())


class Counting(Store):
    """Counts what it is asked for, and how much it hands out."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.handed_out: list[int] = []

    async def load(self, conversation_id, agent_key, *, after=0, context="all") -> Stored:
        stored = await self.store.load(conversation_id, agent_key, after=after, context=context)
        self.handed_out.append(len(stored.messages))
        return stored

    async def commit(self, commit):
        return await self.store.commit(commit)

    async def save_state(self, conversation_id, agent_key, state):
        await self.store.save_state(conversation_id, agent_key, state)

    async def clear_messages(self, conversation_id):
        await self.store.clear_messages(conversation_id)

    async def conversations(self, *, limit=100, offset=0):
        return await self.store.conversations(limit=limit, offset=offset)


class Flaky(Counting):
    """Fails once to read."""

    async def load(self, conversation_id, agent_key, *, after=0, context="all") -> Stored:
        if not self.handed_out:
            self.handed_out.append(0)
            raise StoreError("the disk is on holiday")
        return await super().load(conversation_id, agent_key, after=after, context=context)


@pytest.mark.asyncio
async def test_a_conversation_that_could_not_be_read_is_not_locked_afterwards(others: Others) -> None:
    memory = MemoryManager(store=Flaky(others.manager().store))

    with pytest.raises(StoreError, match="on holiday"):
        await talk(memory, range(1))

    await asyncio.wait_for(talk(memory, range(1)), 5)
    assert await seen(memory) == turn_of(0)


@pytest.mark.asyncio
@pytest.mark.parametrize("context", ["all", "step", 10])
async def test_a_hot_conversation_reads_nothing_again_at_turn_1000(others: Others, context: ContextPolicy) -> None:
    counting = Counting(others.manager().store)
    memory = MemoryManager(store=counting)

    await talk(memory, range(1000), context=context, step="one")

    assert counting.handed_out == [0] * 1000


@pytest.mark.asyncio
async def test_without_heat_the_history_is_read_in_every_turn(others: Others) -> None:
    counting = Counting(others.manager().store)
    memory = MemoryManager(store=counting, hot=0)

    await talk(memory, range(4))

    assert counting.handed_out == [0, 4, 8, 12]


@pytest.mark.asyncio
async def test_a_window_is_read_without_the_rest(others: Others) -> None:
    await talk(others.manager(), range(50))
    counting = Counting(others.manager().store)

    assert await seen(MemoryManager(store=counting), 4) == turn_of(49)

    assert counting.handed_out == [5]


@pytest.mark.asyncio
async def test_only_the_conversations_used_last_stay_hot() -> None:
    counting = Counting(MemoryManager().store)
    memory = MemoryManager(store=counting, hot=2)
    for name in ("a", "b", "a", "c", "a", "b"):
        async with memory.turn(name, "intake") as conversation:
            await conversation.commit(turn_of(len(counting.handed_out)))

    assert counting.handed_out == [0, 0, 0, 0, 0, 4]


@pytest.mark.asyncio
async def test_a_conversation_nobody_talks_in_holds_no_lock(memory: MemoryManager) -> None:
    for number in range(50):
        async with memory.turn(f"c{number}", "intake"):
            pass

    assert memory._conversations.turnstile._places == {}

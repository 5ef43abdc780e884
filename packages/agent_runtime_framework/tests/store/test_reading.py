"""What readers ask: pages of messages and turns, whose a conversation is, which turn has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_framework.store.delivery import DurableStore
from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.store.sqlite import SQLiteStore
from agent_runtime_framework.testing.stores.samples import begun, end, message, say


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[DurableStore]:
    if request.param == "sqlite":
        opened: DurableStore = SQLiteStore(tmp_path / "chat.db")
    else:
        opened = PostgresStore(request.getfixturevalue("postgres_url"))
    yield opened
    await opened.aclose()


@pytest.mark.asyncio
async def test_messages_come_in_pages_from_the_last_one_back(store: DurableStore) -> None:
    await say(store, "a", "b", "c", "d", "e")

    last = await store.messages("ada", limit=2)
    before = await store.messages("ada", limit=2, before=last[0].seq)
    rest = await store.messages("ada", limit=2, before=before[0].seq)

    pages = [[each.body["content"] for each in page] for page in (rest, before, last)]
    assert pages == [["a"], ["b", "c"], ["d", "e"]]
    assert [(each.seq, each.turn) for each in last] == [(4, 4), (5, 5)]
    assert await store.messages("nobody") == []


@pytest.mark.asyncio
async def test_the_messages_of_one_turn_are_its_own(store: DurableStore) -> None:
    await say(store, "a")
    claim = await begun(store)
    assert await store.messages("ada", turn=2) == []
    await store.finish(claim, end(claim))
    await say(store, "b")

    assert [each.body["content"] for each in await store.messages("ada", turn=2)] == ["hi", "Hello."]
    assert [each.body["content"] for each in await store.messages("ada", turn=2, before=3)] == ["hi"]
    assert await store.messages("ada", turn=9) == []


@pytest.mark.asyncio
async def test_turns_come_in_pages_too(store: DurableStore) -> None:
    await say(store, "a", "b", "c", "d")

    assert [each.no for each in await store.turns("ada", last=2)] == [3, 4]
    assert [each.no for each in await store.turns("ada", last=2, before=3)] == [1, 2]
    assert [each.no for each in await store.turns("ada", last=2, before=1)] == []


@pytest.mark.asyncio
async def test_a_turn_that_runs_has_not_ended(store: DurableStore) -> None:
    assert await store.ended(["ada"]) == {}
    await say(store, "a")
    claim = await begun(store)
    running = await store.ended(["ada", "nobody"])
    await store.finish(claim, end(claim))

    assert (running, await store.ended(["ada"])) == ({"ada": 1}, {"ada": 2})


@pytest.mark.asyncio
async def test_many_are_asked_for_at_once(store: DurableStore) -> None:
    names = [f"c{each}" for each in range(250)]
    for each in (0, 99, 100, 249):
        await say(store, "hi", conversation=names[each])

    assert await store.ended(names) == {"c0": 1, "c99": 1, "c100": 1, "c249": 1}


@pytest.mark.asyncio
async def test_a_conversation_begins_once_and_keeps_its_owner(store: DurableStore) -> None:
    assert await store.begin("ada", owner="ada@example.org", agent_key="quote")
    assert not await store.begin("ada", owner="bob@example.org", agent_key="claim")
    claim = await begun(store)
    running = await store.info("ada")
    await store.finish(claim, end(claim))
    info = await store.info("ada")

    assert running is not None
    assert info is not None
    assert (running.running, info.running) == (1, None)
    assert (info.owner, info.agent_key, info.revision, info.messages) == ("ada@example.org", "quote", 1, 2)
    assert info.created_at <= info.updated_at
    assert await store.info("nobody") is None


@pytest.mark.asyncio
async def test_the_conversations_of_an_owner_are_listed_the_last_used_first(store: DurableStore) -> None:
    for name, owner in (("a", "ada"), ("b", "bob"), ("c", "ada"), ("d", None)):
        await store.begin(name, owner=owner, agent_key="quote")
    await say(store, "hi", conversation="a")

    assert [each.conversation_id for each in await store.conversations_of("ada")] == ["a", "c"]
    assert [each.conversation_id for each in await store.conversations_of("ada", limit=1, offset=1)] == ["c"]
    assert await store.conversations_of("eve") == []
    assert len(await store.conversations()) == 4


@pytest.mark.asyncio
async def test_conversations_are_found_by_a_message_that_they_hold(store: DurableStore) -> None:
    for name in ("chat-a-1", "chat-a-2", "chat-b-1"):
        await store.accept(message("m1", conversation=name))
    await store.begin("chat-a-3", owner="ada", agent_key="quote")

    assert sorted(await store.holding("m1", prefix="chat-a-")) == ["chat-a-1", "chat-a-2"]
    assert len(await store.holding("m1", prefix="chat-a-", limit=1)) == 1
    assert len(await store.holding("m1", prefix="")) == 3
    assert await store.holding("m2", prefix="chat-a-") == []
    assert await store.holding("m1", prefix="nothing-") == []

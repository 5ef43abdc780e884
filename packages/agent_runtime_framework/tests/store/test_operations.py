"""Operations on whole conversations: listed, exported, put back, erased, pruned."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError, ConversationBusy, LeaseLost
from agent_runtime_framework.store import Commit
from agent_runtime_framework.store.delivery import Claim, DurableStore, Entry, Finished, Incoming, Lease
from agent_runtime_framework.store.operations import Wanted
from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.store.sql.operations import PARTS
from agent_runtime_framework.store.sqlite import SQLiteStore
from agent_runtime_framework.store.timers import Timer

TTL = timedelta(seconds=30)
ME = Lease(owner="me", ttl=TTL)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[DurableStore]:
    if request.param == "sqlite":
        opened: DurableStore = SQLiteStore(tmp_path / "chat.db", clock=clock)
    else:
        opened = PostgresStore(request.getfixturevalue("postgres_url"), clock=clock)
    yield opened
    await opened.aclose()


async def begin(store: DurableStore, name: str = "ada", agent: str = "quote", message_id: str = "m1") -> Claim:
    body: JSONObject = {"role": "user", "content": "hi"}
    message = Incoming(conversation_id=name, message_id=message_id, default_agent=agent, body=body)
    claim = (await store.accept(message, ME)).claim
    assert claim is not None
    return claim


def end(claim: Claim, step: str = "offer", over: str | None = None) -> Finished:
    commit = Commit(
        conversation_id=claim.conversation_id,
        agent_key=claim.agent_key,
        revision=claim.revision,
        messages=[*claim.bodies, {"role": "assistant", "content": "Hello."}],
        state=json.dumps({"step": step}),
        step=step,
        usage='{"total_tokens":7}',
    )
    receipt: JSONObject = {"stopped_reason": "text_response", "done": []}
    effects: list[JSONObject] = [{"call": "c1", "changed": {"paid": True}, "gone": []}]
    over_as: JSONObject = {} if over is None else {"over": over}
    return Finished(commit=commit, ending="answered", reply="Hello.", receipt=receipt | over_as, effects=effects)


async def talk(
    store: DurableStore, name: str, step: str = "offer", over: str | None = None, agent: str = "quote"
) -> None:
    claim = await begin(store, name, agent)
    await store.finish(claim, end(claim, step, over))


@pytest.mark.asyncio
async def test_a_summary_says_where_a_conversation_stands(store: DurableStore, clock: Clock) -> None:
    await talk(store, "ada")
    clock.pass_by(hours=1)
    await talk(store, "bob", "done", over="completed")
    await begin(store, "cyd")

    found = {each.conversation_id: each for each in await store.summaries(Wanted())}

    assert {name: each.status for name, each in found.items()} == {"ada": "open", "bob": "completed", "cyd": "running"}
    ada = found["ada"]
    assert (ada.agent_key, ada.step, ada.turns, ada.messages, ada.usage) == (
        "quote",
        "offer",
        1,
        2,
        {"total_tokens": 7},
    )
    assert ada.created_at == "2026-01-01T00:00:00.000+00:00"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (Wanted(agent_key="claim"), ["cyd"]),
        (Wanted(step="done"), ["bob"]),
        (Wanted(status="open"), ["cyd", "ada"]),
        (Wanted(older_than=timedelta(hours=2)), ["ada"]),
        (Wanted(agent_key="quote", status="completed", step="done"), ["bob"]),
        (Wanted(limit=1, offset=1), ["bob"]),
        (Wanted(agent_key="nobody"), []),
    ],
)
async def test_summaries_can_be_narrowed(store: DurableStore, clock: Clock, wanted: Wanted, names: list[str]) -> None:
    await talk(store, "ada")
    clock.pass_by(hours=2)
    await talk(store, "bob", "done", over="completed")
    clock.pass_by(minutes=1)
    await talk(store, "cyd", agent="claim")

    assert [each.conversation_id for each in await store.summaries(wanted)] == names


@pytest.mark.asyncio
async def test_what_is_exported_can_be_put_back_and_is_the_same(store: DurableStore, tmp_path: Path) -> None:
    await talk(store, "ada")
    exported = await store.export("ada")
    assert exported is not None
    other = SQLiteStore(tmp_path / "other.db")

    await other.restore(json.loads(json.dumps(exported)))

    assert await other.export("ada") == exported
    assert (await other.load("ada", "quote")).messages == (await store.load("ada", "quote")).messages
    assert exported["turns"][0]["effects"] == [{"call": "c1", "changed": {"paid": True}, "gone": []}]
    assert (await begin(other, message_id="m2")).turn == 2
    with pytest.raises(ConfigurationError, match="there is a conversation 'ada' already"):
        await other.restore(exported)
    await other.aclose()


@pytest.mark.asyncio
async def test_a_turn_that_had_not_ended_is_put_back_as_failed(store: DurableStore, tmp_path: Path) -> None:
    await begin(store)
    exported = await store.export("ada")
    assert exported is not None
    other = SQLiteStore(tmp_path / "other.db")

    await other.restore(exported)

    outcome = await other.outcome("ada", "m1")
    assert outcome is not None
    assert outcome.status == "failed"
    assert [each.status for each in await other.turns("ada")] == ["failed"]
    await other.aclose()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("document", "said"),
    [({}, "format None"), ({"format": "agent-runtime/conversation", "version": 2}, "version 2")],
)
async def test_what_is_no_exported_conversation_is_refused(
    store: DurableStore, document: JSONObject, said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        await store.restore(document)


@pytest.mark.asyncio
async def test_an_exported_conversation_that_is_not_whole_is_refused(store: DurableStore) -> None:
    await talk(store, "ada")
    exported = await store.export("ada")
    assert exported is not None
    del exported["turns"][0]["reply"]

    with pytest.raises(ConfigurationError, match="lacks turns: reply"):
        await store.restore(exported)


@pytest.mark.asyncio
async def test_nothing_of_an_erased_conversation_is_left(store: DurableStore, tmp_path: Path) -> None:
    await talk(store, "ada")
    await talk(store, "bob")
    await store.record(claim := await begin(store, message_id="m2"), [Entry(no=0, kind="heard", outcome={})], TTL)
    await store.release(claim)

    assert await store.erase("ada")
    assert not await store.erase("ada")

    assert await store.export("ada") is None
    assert await store.turns("ada") == []
    assert await store.outcome("ada", "m1") is None
    assert [each.conversation_id for each in await store.conversations()] == ["bob"]


@pytest.mark.asyncio
async def test_every_table_with_a_conversation_is_erased_from(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    await talk(store, "ada")
    await store.erase("ada")
    await store.aclose()
    with sqlite3.connect(tmp_path / "chat.db") as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        holding = {
            name
            for name in tables
            for each in database.execute(f"PRAGMA table_info({name})")
            if each[1] == "conversation"
        }
        left = {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in holding}
    database.close()

    assert set(PARTS) == holding
    assert set(left.values()) == {0}


@pytest.mark.asyncio
async def test_a_conversation_whose_turn_is_run_is_not_erased_unless_it_has_to_be(store: DurableStore) -> None:
    await begin(store)
    with pytest.raises(ConversationBusy):
        await store.erase("ada")

    assert await store.unfinished("ada") is not None
    assert await store.erase("ada", force=True)


@pytest.mark.asyncio
async def test_a_turn_that_still_runs_cannot_bring_an_erased_conversation_back(store: DurableStore) -> None:
    earlier = await begin(store)
    await store.erase("ada", force=True)

    with pytest.raises(LeaseLost):
        await store.record(earlier, [Entry(no=0, kind="heard", outcome={})], TTL)
    with pytest.raises(LeaseLost):
        await store.finish(earlier, end(earlier))

    later = await begin(store)
    assert (later.turn, later.run_id != earlier.run_id) == (1, True)
    with pytest.raises(LeaseLost):
        await store.finish(earlier, end(earlier))
    assert await store.renew([earlier, later], TTL) == ["lost", None]
    await store.finish(later, end(later))


@pytest.mark.asyncio
async def test_only_what_is_old_and_at_rest_is_pruned(store: DurableStore, clock: Clock) -> None:
    await talk(store, "old")
    await talk(store, "older")
    await begin(store, "running")
    waiting = await begin(store, "waiting")
    await store.accept(Incoming(conversation_id="waiting", message_id="m2", body={}, default_agent="quote"))
    await store.finish(waiting, end(waiting))
    await talk(store, "scheduled")
    await store.schedule(Timer(conversation_id="scheduled", timer_id="renewal", due=timedelta(days=365), body={}))
    clock.pass_by(days=91)
    await talk(store, "new")

    gone = await store.prune(Wanted(older_than=timedelta(days=90)))

    assert sorted(gone) == ["old", "older"]
    kept = sorted(each.conversation_id for each in await store.conversations())
    assert kept == ["new", "running", "scheduled", "waiting"]


@pytest.mark.asyncio
async def test_pruning_takes_the_oldest_first_and_no_more_than_asked_for(store: DurableStore, clock: Clock) -> None:
    for name in ("a", "b", "c"):
        await talk(store, name)
        clock.pass_by(hours=1)

    assert await store.prune(Wanted(older_than=timedelta(minutes=1), limit=2)) == ["a", "b"]


@pytest.mark.asyncio
async def test_all_turns_come_in_pages_and_in_order(store: DurableStore) -> None:
    for name in ("ada", "bob"):
        await talk(store, name)
        claim = await begin(store, name, message_id="m2")
        await store.finish(claim, end(claim))
    await begin(store, "running")

    first = await store.all_turns(limit=3)
    rest = await store.all_turns(after=first[-1].place, limit=3)

    assert [(each.conversation_id, each.turn.no) for each in (*first, *rest)] == [
        ("ada", 1), ("ada", 2), ("bob", 1), ("bob", 2),
    ]  # fmt: skip
    assert first[0].turn.receipt == {"stopped_reason": "text_response", "done": []}


@pytest.mark.asyncio
async def test_an_unfinished_turn_can_be_looked_at_without_being_taken(store: DurableStore) -> None:
    claim = await begin(store)
    await store.record(claim, [Entry(no=0, kind="heard", outcome={"messages": []})], TTL)

    found = await store.unfinished("ada")

    assert found is not None
    assert (found.turn, found.message_ids, found.bodies[0]["content"]) == (1, ("m1",), "hi")
    assert [each.kind for each in found.entries] == ["heard"]
    await store.finish(claim, end(claim))
    assert await store.unfinished("ada") is None

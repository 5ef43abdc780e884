from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_framework.errors import ConversationBusy, ConversationConflict, LeaseLost
from agent_runtime_framework.store import Commit
from agent_runtime_framework.store.delivery import Claim, Ending, Entry, Finished, Incoming, Lease, Policy
from agent_runtime_framework.store.sql import delivery
from agent_runtime_framework.store.sqlite import SQLiteStore

TTL = timedelta(seconds=30)
ME, YOU = Lease(owner="me", ttl=TTL), Lease(owner="you", ttl=TTL)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[SQLiteStore]:
    opened = SQLiteStore(":memory:" if request.param == "memory" else tmp_path / "chat.db", clock=clock)
    yield opened
    await opened.aclose()


def message(message_id: str, text: str = "hi", policy: Policy = "queue", max_waiting: int = 100) -> Incoming:
    return Incoming(
        conversation_id="ada",
        message_id=message_id,
        default_agent="quote",
        body={"role": "user", "content": text},
        policy=policy,
        max_waiting=max_waiting,
    )


def end(claim: Claim, reply: str = "Hello.", ending: Ending = "answered") -> Finished:
    messages = [*claim.bodies, {"role": "assistant", "content": reply}]
    commit = Commit(
        conversation_id="ada", agent_key="quote", revision=claim.revision, messages=messages, state='{"n":1}', step="a"
    )
    return Finished(commit=commit, ending=ending, reply=reply, receipt={"stopped_reason": "text_response"})


async def begun(store: SQLiteStore, message_id: str = "m1", lease: Lease = ME) -> Claim:
    claim = (await store.accept(message(message_id), lease)).claim
    assert claim is not None
    return claim


@pytest.mark.asyncio
async def test_an_idle_conversation_is_claimed_with_the_message(store: SQLiteStore) -> None:
    accepted = await store.accept(message("m1", "hello"), ME)

    assert accepted.is_new
    assert accepted.outcome.status == "running"
    claim = accepted.claim
    assert claim is not None
    assert (claim.agent_key, claim.turn, claim.attempts, claim.revision) == ("quote", 1, 1, 0)
    assert claim.bodies == ({"role": "user", "content": "hello"},)


@pytest.mark.asyncio
async def test_a_finished_turn_is_read_like_any_other(store: SQLiteStore) -> None:
    claim = await begun(store)
    await store.finish(claim, end(claim))

    stored = await store.load("ada", "quote")
    assert [each["content"] for each in stored.messages] == ["hi", "Hello."]
    assert (stored.revision, stored.state, stored.step) == (1, '{"n":1}', "a")
    (turn,) = await store.turns("ada")
    assert (turn.no, turn.status, turn.step, turn.reply) == (1, "answered", "a", "Hello.")


@pytest.mark.asyncio
async def test_the_same_message_id_again_changes_nothing_and_tells_the_outcome(store: SQLiteStore) -> None:
    claim = await begun(store)
    while_running = await store.accept(message("m1"), YOU)
    await store.finish(claim, end(claim))
    afterwards = await store.accept(message("m1", "other words"), YOU)

    assert (while_running.is_new, while_running.claim, while_running.outcome.status) == (False, None, "running")
    assert (afterwards.is_new, afterwards.claim) == (False, None)
    assert (afterwards.outcome.status, afterwards.outcome.reply) == ("answered", "Hello.")
    assert len((await store.load("ada", "quote")).messages) == 2


@pytest.mark.asyncio
async def test_messages_are_answered_in_the_order_of_arrival(store: SQLiteStore) -> None:
    claim: Claim | None = await begun(store)
    for each in ("m2", "m3"):
        assert (await store.accept(message(each), YOU)).claim is None
    order = list[str]()
    while claim is not None:
        order += claim.message_ids
        claim = await store.finish(claim, end(claim), ME)

    assert order == ["m1", "m2", "m3"]
    assert [turn.no for turn in await store.turns("ada")] == [1, 2, 3]


@pytest.mark.asyncio
async def test_nobody_else_gets_a_turn_while_its_lease_lasts(store: SQLiteStore, clock: Clock) -> None:
    await begun(store)
    clock.pass_by(29)

    assert await store.claim("ada", YOU) is None
    assert await store.stranded() == [("ada", "me")]


@pytest.mark.asyncio
async def test_a_turn_whose_lease_ran_out_is_continued_with_all_that_was_recorded(
    store: SQLiteStore, clock: Clock
) -> None:
    first = await begun(store)
    entries = [
        Entry(no=0, kind="model", outcome={"text": "x"}),
        Entry(no=1, kind="tool", name="pay", call_id="c1", effect="once", state='{"n":2}', notes={"k": 1}),
    ]
    await store.record(first, entries, TTL)
    clock.pass_by(31)

    assert await store.stranded() == [("ada", None)]
    again = await store.claim("ada", YOU)
    assert again is not None
    assert again.entries == tuple(entries)
    assert (again.turn, again.run_id, again.attempts) == (first.turn, first.run_id, 2)
    assert again.epoch > first.epoch


@pytest.mark.asyncio
async def test_an_outcome_takes_the_place_of_the_intention(store: SQLiteStore, clock: Clock) -> None:
    claim = await begun(store)
    await store.record(claim, [Entry(no=0, kind="tool", name="pay", call_id="c1", effect="once")], TTL)
    done = Entry(no=0, kind="tool", name="pay", call_id="c1", effect="once", outcome={"text": "ok"}, state="{}")
    await store.record(claim, [done], TTL)
    clock.pass_by(31)

    again = await store.claim("ada", ME)
    assert again is not None
    assert again.entries == (done,)


@pytest.mark.asyncio
async def test_who_lost_the_lease_writes_nothing_more(store: SQLiteStore, clock: Clock) -> None:
    zombie = await begun(store)
    clock.pass_by(31)
    heir = await store.claim("ada", YOU)
    assert heir is not None

    with pytest.raises(LeaseLost, match="turn 1 of conversation 'ada'"):
        await store.record(zombie, [Entry(no=0, kind="model", outcome={})], TTL)
    with pytest.raises(LeaseLost):
        await store.finish(zombie, end(zombie))
    assert await store.renew([zombie, heir], TTL) == ["lost", None]
    await store.release(zombie)
    await store.finish(heir, end(heir))
    assert [turn.status for turn in await store.turns("ada")] == ["answered"]


@pytest.mark.asyncio
async def test_recording_and_renewing_hold_the_lease(store: SQLiteStore, clock: Clock) -> None:
    claim = await begun(store)
    clock.pass_by(20)
    await store.record(claim, [Entry(no=0, kind="model", outcome={})], TTL)
    clock.pass_by(20)
    assert await store.claim("ada", YOU) is None
    await store.renew([claim], TTL)
    clock.pass_by(20)
    assert await store.claim("ada", YOU) is None


@pytest.mark.asyncio
async def test_the_lease_of_an_owner_who_is_gone_does_not_count(store: SQLiteStore) -> None:
    await begun(store)

    assert await store.claim("ada", YOU, gone="somebody else") is None
    assert await store.claim("ada", YOU, gone="me") is not None


@pytest.mark.asyncio
async def test_a_turn_given_back_is_continued_at_once_and_the_attempt_does_not_count(store: SQLiteStore) -> None:
    claim = await begun(store)
    await store.release(claim)

    again = await store.claim("ada", YOU)
    assert again is not None
    assert (again.turn, again.attempts) == (1, 1)
    with pytest.raises(LeaseLost):
        await store.finish(claim, end(claim))


@pytest.mark.asyncio
async def test_a_turn_on_a_state_that_was_changed_from_outside_is_refused(store: SQLiteStore) -> None:
    claim = await begun(store)
    await store.save_state("ada", "quote", "{}")

    with pytest.raises(ConversationConflict):
        await store.finish(claim, end(claim))


@pytest.mark.asyncio
async def test_no_turn_of_a_memory_manager_comes_between(store: SQLiteStore) -> None:
    await begun(store)
    beside = Commit(conversation_id="ada", agent_key="quote", revision=0, messages=[{"role": "user", "content": "x"}])

    with pytest.raises(ConversationConflict):
        await store.commit(beside)


@pytest.mark.asyncio
async def test_a_message_too_many_is_refused_and_not_kept(store: SQLiteStore) -> None:
    await begun(store)
    for each in range(3):
        await store.accept(message(f"w{each}", max_waiting=3), ME)

    with pytest.raises(ConversationBusy, match="3 messages are waiting already"):
        await store.accept(message("w3", max_waiting=3), ME)
    assert await store.outcome("ada", "w3") is None


@pytest.mark.asyncio
async def test_reject_refuses_while_a_turn_runs_and_takes_the_message_afterwards(store: SQLiteStore) -> None:
    claim = await begun(store)
    with pytest.raises(ConversationBusy, match="the policy is 'reject'"):
        await store.accept(message("m2", policy="reject"), ME)
    await store.finish(claim, end(claim))

    assert (await store.accept(message("m2", policy="reject"), ME)).claim is not None


@pytest.mark.asyncio
async def test_interrupt_drops_what_waits_and_asks_the_running_turn_to_end(store: SQLiteStore) -> None:
    claim = await begun(store)
    await store.accept(message("m2"), ME)
    accepted = await store.accept(message("m3", policy="interrupt"), ME)

    assert accepted.stopped_turn == 1
    assert await store.renew([claim], TTL) == ["superseded"]
    dropped = await store.outcome("ada", "m2")
    assert dropped is not None
    assert dropped.status == "superseded"
    following = await store.finish(claim, end(claim, "", "superseded"), ME)
    assert following is not None
    assert following.message_ids == ("m3",)
    assert following.stop is None


@pytest.mark.asyncio
async def test_messages_that_may_be_merged_are_answered_in_one_turn(store: SQLiteStore) -> None:
    claim = await begun(store)
    for each in ("m2", "m3"):
        await store.accept(message(each, policy="merge"), ME)
    await store.accept(message("m4"), ME)

    following = await store.finish(claim, end(claim), ME)
    assert following is not None
    assert following.message_ids == ("m2", "m3")
    last = await store.finish(following, end(following), ME)
    assert last is not None
    assert last.message_ids == ("m4",)
    found = [await store.outcome("ada", each) for each in ("m2", "m3")]
    assert [(each.status, each.reply) for each in found if each] == [("answered", "Hello."), ("merged", "Hello.")]


@pytest.mark.asyncio
async def test_stop_reaches_the_owner_and_whoever_continues_the_turn(store: SQLiteStore, clock: Clock) -> None:
    assert await store.stop("ada", "cancelled") is None
    claim = await begun(store)

    assert await store.stop("ada", "cancelled") == 1
    assert await store.renew([claim], TTL) == ["cancelled"]
    clock.pass_by(31)
    heir = await store.claim("ada", YOU)
    assert heir is not None
    assert heir.stop == "cancelled"


@pytest.mark.asyncio
async def test_nothing_of_a_finished_turn_is_kept_twice(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    claim = await begun(store)
    await store.record(claim, [Entry(no=0, kind="model", outcome={}, state="{}")], TTL)
    await store.finish(claim, end(claim))
    await store.aclose()

    with sqlite3.connect(tmp_path / "chat.db") as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)
        assert connection.execute("SELECT body FROM inbox").fetchall() == [(None,)]
        assert connection.execute("SELECT epoch, lease_owner, running FROM conversations").fetchone() == (1, None, None)
    connection.close()


@pytest.mark.asyncio
async def test_no_operation_of_a_turn_reads_what_is_done_with(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    claim = await begun(store)
    await store.finish(claim, end(claim))
    await store.aclose()
    connection = sqlite3.connect(tmp_path / "chat.db")
    statements = [
        value
        for name, value in vars(delivery).items()
        if name.isupper() and isinstance(value, str) and "inbox" in value and value.lstrip()[:6] in ("SELECT", "UPDATE")
    ]
    plans = [
        row[3]
        for statement in statements
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * parameters(statement))
    ]
    connection.close()

    assert [plan for plan in plans if "inbox" in plan or " i " in plan]
    wrong = ("SCAN inbox USING PRIMARY", "SEARCH inbox USING PRIMARY KEY (conversation=?)")
    assert [plan for plan in plans if plan in ("SCAN inbox", "SCAN i") or plan in wrong] == []


def parameters(statement: str) -> int:
    numbered = [int(number) for number in re.findall(r"\?(\d)", statement)]
    return max(numbered) if numbered else statement.count("?")

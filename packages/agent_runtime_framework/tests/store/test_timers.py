from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_framework.errors import ConversationBusy
from agent_runtime_framework.store import Commit
from agent_runtime_framework.store.delivery import Claim, Finished, Incoming, Lease, Policy
from agent_runtime_framework.store.sqlite import SQLiteStore
from agent_runtime_framework.store.timers import Silence, Timer

ME = Lease(owner="me", ttl=timedelta(seconds=30))
HOUR = timedelta(hours=1)
EVENT = {"role": "system", "content": "payment arrived"}


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def jump(self, time: timedelta) -> None:
        self.now += time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def store(tmp_path: Path, clock: Clock) -> AsyncIterator[SQLiteStore]:
    opened = SQLiteStore(tmp_path / "chat.db", clock=clock)
    yield opened
    await opened.aclose()


def message(message_id: str, policy: Policy = "queue", conversation_id: str = "ada") -> Incoming:
    return Incoming(
        conversation_id=conversation_id,
        message_id=message_id,
        default_agent="quote",
        body={"role": "user", "content": "hi"},
        policy=policy,
    )


def end(claim: Claim, silence: timedelta | None = HOUR) -> Finished:
    commit = Commit(
        conversation_id=claim.conversation_id,
        agent_key="quote",
        revision=claim.revision,
        messages=[{"role": "assistant", "content": "Hello."}],
        state='{"n":1}',
    )
    timer = None if silence is None else Silence(after=silence, body={"idle": 1})
    return Finished(commit=commit, ending="answered", reply="Hello.", silence=timer)


async def silent(store: SQLiteStore, conversation_id: str = "ada", silence: timedelta | None = HOUR) -> None:
    """A conversation with a turn behind it, in which something will be done about the silence."""
    claim = (await store.accept(message("m1", conversation_id=conversation_id), ME)).claim
    assert claim is not None
    await store.finish(claim, end(claim, silence))


async def claimed(store: SQLiteStore) -> Claim:
    claim = await store.claim("ada", ME)
    assert claim is not None
    return claim


@pytest.mark.asyncio
async def test_silence_comes_into_the_inbox_when_it_is_due_and_only_once(store: SQLiteStore, clock: Clock) -> None:
    await silent(store)
    clock.jump(HOUR - timedelta(milliseconds=1))
    assert await store.fire() == []

    clock.jump(timedelta(milliseconds=1))
    ((conversation_id, message_id),) = await store.fire()
    assert await store.fire() == []

    claim = await claimed(store)
    assert (conversation_id, claim.message_ids) == ("ada", (message_id,))
    assert claim.bodies == ({"idle": 1},)
    assert claim.agent_key == "quote"


@pytest.mark.asyncio
async def test_a_message_ends_the_silence(store: SQLiteStore, clock: Clock) -> None:
    await silent(store)
    clock.jump(HOUR)
    await store.accept(message("m2"))

    assert await store.fire() == []
    assert await store.timers("ada") == []


@pytest.mark.asyncio
async def test_a_message_supersedes_what_silence_brought_and_nobody_has_begun(store: SQLiteStore, clock: Clock) -> None:
    await silent(store)
    clock.jump(HOUR)
    ((_, message_id),) = await store.fire()

    accepted = await store.accept(message("m2"), ME)

    assert accepted.claim is not None
    assert accepted.claim.message_ids == ("m2",)
    outcome = await store.outcome("ada", message_id)
    assert outcome is not None
    assert outcome.status == "superseded"


@pytest.mark.asyncio
async def test_a_message_waits_for_a_turn_of_silence_that_has_begun(store: SQLiteStore, clock: Clock) -> None:
    await silent(store)
    clock.jump(HOUR)
    await store.fire()
    claim = await claimed(store)
    await store.accept(message("m2"), ME)

    following = await store.finish(claim, end(claim), ME)

    assert following is not None
    assert following.message_ids == ("m2",)


@pytest.mark.asyncio
async def test_what_silence_brought_keeps_no_message_from_being_accepted(store: SQLiteStore, clock: Clock) -> None:
    await silent(store)
    clock.jump(HOUR)
    await store.fire()

    assert (await store.accept(message("m2", "reject"), ME)).claim is not None
    with pytest.raises(ConversationBusy):
        await store.accept(message("m3", "reject"), ME)


@pytest.mark.asyncio
async def test_nothing_is_done_about_silence_while_something_waits_or_runs(store: SQLiteStore, clock: Clock) -> None:
    claim = (await store.accept(message("m1"), ME)).claim
    assert claim is not None
    await store.accept(message("m2"))
    await store.finish(claim, end(claim))  # nobody takes up the next one
    clock.jump(HOUR)
    assert await store.fire() == []

    running = await claimed(store)
    assert await store.fire() == []

    await store.finish(running, end(running, None))
    assert await store.fire() == []


@pytest.mark.asyncio
@pytest.mark.parametrize("change", ["commit", "clear", "forget"])
async def test_whatever_changes_the_conversation_from_outside_ends_the_silence(
    store: SQLiteStore, clock: Clock, change: str
) -> None:
    await silent(store)
    match change:
        case "commit":
            await store.commit(Commit(conversation_id="ada", agent_key="", revision=1, messages=[EVENT]))
        case "clear":
            await store.clear_messages("ada")
        case _:
            await store.save_state("ada", "quote", None)
    clock.jump(HOUR)

    assert await store.fire() == []


@pytest.mark.asyncio
async def test_a_state_that_is_changed_from_outside_leaves_the_silence(store: SQLiteStore, clock: Clock) -> None:
    await silent(store)
    await store.save_state("ada", "quote", '{"n":2}')
    clock.jump(HOUR)

    assert len(await store.fire()) == 1


@pytest.mark.asyncio
async def test_a_clock_that_is_set_back_neither_hastens_nor_repeats_anything(store: SQLiteStore, clock: Clock) -> None:
    await silent(store)
    clock.jump(-HOUR)
    assert await store.fire() == []
    clock.jump(HOUR)
    assert await store.fire() == []
    clock.jump(HOUR)
    assert len(await store.fire()) == 1
    clock.jump(-HOUR)
    assert await store.fire() == []
    clock.jump(HOUR)
    assert await store.fire() == []


@pytest.mark.asyncio
async def test_a_thousand_that_are_due_at_once_all_come_once(store: SQLiteStore, clock: Clock) -> None:
    for number in range(1000):
        await silent(store, f"c{number}")
    clock.jump(HOUR)

    fired: list[tuple[str, str]] = []
    while found := await store.fire():
        assert len(found) <= 100
        fired += found

    assert sorted(each for each, _ in fired) == sorted(f"c{number}" for number in range(1000))


@pytest.mark.asyncio
async def test_of_two_who_look_at_the_same_time_each_finds_what_the_other_does_not(
    store: SQLiteStore, clock: Clock, tmp_path: Path
) -> None:
    other = SQLiteStore(tmp_path / "chat.db", clock=clock)
    for number in range(50):
        await silent(store, f"c{number}")
    clock.jump(HOUR)

    one, two = await asyncio.gather(store.fire(), other.fire())

    await other.aclose()
    assert sorted(each for each, _ in one + two) == sorted(f"c{number}" for number in range(50))


@pytest.mark.asyncio
async def test_a_business_event_comes_at_its_time_whatever_is_said_meanwhile(store: SQLiteStore, clock: Clock) -> None:
    await silent(store)
    due = await store.schedule(Timer(conversation_id="ada", timer_id="pay", due=HOUR, body=EVENT))
    await store.accept(message("m2"))
    assert due == "2026-01-01T01:00:00.000+00:00"
    assert [(each.timer_id, each.due_at, each.body) for each in await store.timers("ada")] == [("pay", due, EVENT)]
    assert await store.fire() == []

    clock.jump(HOUR)
    assert len(await store.fire()) == 1
    assert await store.fire() == []

    claim = await claimed(store)
    assert claim.message_ids == ("m2",)
    following = await store.finish(claim, end(claim), ME)
    assert following is not None
    assert following.bodies == (EVENT,)
    assert following.agent_key == "quote"


@pytest.mark.asyncio
async def test_a_timer_that_is_scheduled_again_is_moved_and_one_that_is_taken_back_never_fires(
    store: SQLiteStore, clock: Clock
) -> None:
    for due in (HOUR, 2 * HOUR):
        await store.schedule(Timer(conversation_id="ada", timer_id="pay", due=due, body=EVENT))
    await store.schedule(Timer(conversation_id="ada", timer_id="other", due=clock.now + HOUR, body=EVENT))
    assert await store.unschedule("ada", "other")
    assert not await store.unschedule("ada", "other")
    assert not await store.unschedule("bob", "pay")

    clock.jump(HOUR)
    assert await store.fire() == []
    clock.jump(HOUR)
    assert len(await store.fire()) == 1


@pytest.mark.asyncio
async def test_a_timer_may_be_the_first_thing_in_a_conversation(store: SQLiteStore, clock: Clock) -> None:
    await store.schedule(Timer(conversation_id="new", timer_id="pay", due=HOUR, body=EVENT, default_agent="quote"))
    clock.jump(HOUR)
    await store.fire()

    claim = await store.claim("new", ME)
    assert claim is not None
    assert (claim.agent_key, claim.bodies) == ("quote", (EVENT,))


@pytest.mark.asyncio
async def test_a_timer_for_an_agent_comes_to_that_agent(store: SQLiteStore, clock: Clock) -> None:
    await silent(store, silence=None)
    await store.schedule(Timer(conversation_id="ada", timer_id="pay", due=HOUR, body=EVENT, agent_key="claims"))
    clock.jump(HOUR)
    await store.fire()

    assert (await claimed(store)).agent_key == "claims"


@pytest.mark.asyncio
async def test_looking_for_what_is_due_reads_an_index_and_nothing_else(store: SQLiteStore, tmp_path: Path) -> None:
    import sqlite3

    from agent_runtime_framework.store.sql import timers

    await silent(store)
    query = next(timers.due(datetime(2026, 1, 1, tzinfo=UTC), 100))
    connection = sqlite3.connect(tmp_path / "chat.db")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query[0]}", query[1])]
    connection.close()

    assert any("USING INDEX conversations_idle" in line for line in plan), plan
    assert any("INDEX timers_due" in line for line in plan), plan
    assert not [line for line in plan if line.startswith("SCAN")], plan

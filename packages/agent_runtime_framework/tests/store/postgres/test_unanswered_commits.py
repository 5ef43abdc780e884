"""A commit without an answer: the store finds out what became of it, and the caller does not notice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from bad_network import BadNetwork, Cut

from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.errors import ConversationBusy, LeaseLost, StoreError
from agent_runtime_framework.store.delivery import Claim, Entry, Finished, Incoming, Lease
from agent_runtime_framework.store.postgres import PostgresStore
from agent_runtime_framework.store.protocol import Commit

TTL = timedelta(seconds=30)
ME, YOU = Lease(owner="me", ttl=TTL), Lease(owner="you", ttl=TTL)
CUTS = pytest.mark.parametrize("cut", ["before", "after"])


class Bench:
    """A store behind a bad network, and one beside it."""

    def __init__(self, network: BadNetwork, store: PostgresStore, other: PostgresStore) -> None:
        self.network, self.store, self.other = network, store, other

    async def cut_off(self, cut: Cut, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do something whose commit gets no answer."""
        await self.store.conversations()
        self.network.cut, before = cut, self.network.cuts
        result = await work()
        assert self.network.cuts == before + 1
        return result

    async def begun(self, message_id: str = "m1", lease: Lease = ME) -> Claim:
        claim = (await self.store.accept(message(message_id), lease)).claim
        assert claim is not None
        return claim


@pytest_asyncio.fixture
async def bench(postgres_url: str) -> AsyncIterator[Bench]:
    async with BadNetwork(postgres_url) as network:
        store, other = PostgresStore(network.url), PostgresStore(postgres_url)
        yield Bench(network, store, other)
        await store.aclose()
        await other.aclose()


def message(message_id: str, policy: Any = "queue") -> Incoming:
    body = {"role": "user", "content": message_id}
    return Incoming(conversation_id="ada", message_id=message_id, default_agent="quote", body=body, policy=policy)


def end(claim: Claim, reply: str = "Hello.") -> Finished:
    messages = [*claim.bodies, {"role": "assistant", "content": reply}]
    commit = Commit(conversation_id="ada", agent_key="quote", revision=claim.revision, messages=messages, state="{}")
    return Finished(commit=commit, ending="answered", reply=reply, receipt={"stopped_reason": "text_response"})


@CUTS
@pytest.mark.asyncio
async def test_a_message_is_taken_in_once_and_its_turn_is_its_sender_s(bench: Bench, cut: Cut) -> None:
    accepted = await bench.cut_off(cut, lambda: bench.store.accept(message("m1"), ME))

    assert (accepted.is_new, accepted.outcome.status) == (True, "running")
    assert accepted.claim is not None
    await bench.store.finish(accepted.claim, end(accepted.claim))
    assert [turn.attempts for turn in await bench.other.turns("ada")] == [1]


@CUTS
@pytest.mark.asyncio
async def test_a_message_that_was_known_stays_known_and_claims_nothing(bench: Bench, cut: Cut) -> None:
    await bench.begun("m1")
    again = await bench.cut_off(cut, lambda: bench.store.accept(message("m1"), ME))

    assert (again.is_new, again.claim, again.outcome.status) == (False, None, "running")


@CUTS
@pytest.mark.asyncio
async def test_an_interrupting_message_interrupts_once(bench: Bench, cut: Cut) -> None:
    await bench.begun("m1")
    accepted = await bench.cut_off(cut, lambda: bench.store.accept(message("m2", "interrupt"), ME))

    assert (accepted.is_new, accepted.claim, accepted.stopped_turn) == (True, None, 1)


@CUTS
@pytest.mark.asyncio
async def test_a_refused_message_is_refused(bench: Bench, cut: Cut) -> None:
    await bench.begun("m1")
    await bench.store.conversations()

    with pytest.raises(ConversationBusy):
        await bench.store.accept(message("m2", "reject"), ME)


@CUTS
@pytest.mark.asyncio
async def test_a_new_turn_is_claimed_once(bench: Bench, cut: Cut) -> None:
    await bench.other.accept(message("m1"))
    claim = await bench.cut_off(cut, lambda: bench.store.claim("ada", ME))

    assert claim is not None
    assert (claim.turn, claim.attempts, claim.message_ids) == (1, 1, ("m1",))
    assert await bench.other.claim("ada", YOU) is None
    await bench.store.finish(claim, end(claim))


@CUTS
@pytest.mark.asyncio
async def test_a_turn_that_was_left_is_claimed_once_with_all_that_was_recorded(bench: Bench, cut: Cut) -> None:
    first = await bench.begun(lease=YOU)
    entry = Entry(no=0, kind="model", outcome={"text": "x"}, state='{"n": 1}')
    await bench.store.record(first, [entry], TTL)
    claim = await bench.cut_off(cut, lambda: bench.store.claim("ada", ME, gone="you"))

    assert claim is not None
    assert (claim.run_id, claim.attempts, claim.entries) == (first.run_id, 2, (entry,))
    await bench.store.finish(claim, end(claim))


@CUTS
@pytest.mark.asyncio
async def test_what_another_owner_has_is_not_taken_for_one_s_own(bench: Bench, cut: Cut) -> None:
    await bench.begun(lease=YOU)

    assert await bench.cut_off(cut, lambda: bench.store.claim("ada", ME)) is None


@CUTS
@pytest.mark.asyncio
async def test_a_call_is_recorded_once(bench: Bench, cut: Cut) -> None:
    claim = await bench.begun()
    entry = Entry(no=0, kind="tool", name="pay", call_id="c1", effect="once")
    await bench.cut_off(cut, lambda: bench.store.record(claim, [entry], TTL))

    await bench.store.release(claim)
    again = await bench.other.claim("ada", YOU)
    assert again is not None
    assert again.entries == (entry,)


@CUTS
@pytest.mark.asyncio
async def test_a_turn_ends_once(bench: Bench, cut: Cut) -> None:
    claim = await bench.begun()

    assert await bench.cut_off(cut, lambda: bench.store.finish(claim, end(claim), ME)) is None
    assert [(turn.no, turn.reply) for turn in await bench.other.turns("ada")] == [(1, "Hello.")]
    assert len((await bench.other.load("ada", "quote")).messages) == 2
    with pytest.raises(LeaseLost):
        await bench.store.finish(claim, end(claim, "Again."))


@CUTS
@pytest.mark.asyncio
async def test_the_turn_that_follows_is_claimed_with_the_end_of_the_one_before(bench: Bench, cut: Cut) -> None:
    claim = await bench.begun()
    await bench.other.accept(message("m2"))
    following = await bench.cut_off(cut, lambda: bench.store.finish(claim, end(claim), ME))

    assert following is not None
    assert (following.turn, following.message_ids) == (2, ("m2",))
    await bench.store.finish(following, end(following))
    assert [turn.status for turn in await bench.other.turns("ada")] == ["answered", "answered"]


@CUTS
@pytest.mark.asyncio
async def test_a_zombie_is_refused_all_the_same(bench: Bench, cut: Cut) -> None:
    zombie = await bench.begun()
    heir = await bench.other.claim("ada", YOU, gone="me")
    assert heir is not None
    await bench.other.finish(heir, end(heir, "By the heir."))

    with pytest.raises(LeaseLost):
        await bench.store.finish(zombie, end(zombie))
    assert [turn.reply for turn in await bench.other.turns("ada")] == ["By the heir."]


@CUTS
@pytest.mark.asyncio
async def test_a_turn_rests_once(bench: Bench, cut: Cut) -> None:
    claim = await bench.begun()
    call = PendingCall(conversation_id="ada", call_id="c1", tool="pay", arguments={}, reason="", turn=1, since="")
    entry = Entry(no=0, kind="tool", name="pay", call_id="c1", effect="once")

    assert await bench.cut_off(cut, lambda: bench.store.pause(claim, [entry], call, "Wait.", ME)) is None
    assert [each.call_id for each in await bench.other.pending("ada")] == ["c1"]


@CUTS
@pytest.mark.asyncio
async def test_a_turn_is_given_back_once(bench: Bench, cut: Cut) -> None:
    claim = await bench.begun()
    await bench.cut_off(cut, lambda: bench.store.release(claim))

    again = await bench.other.claim("ada", YOU)
    assert again is not None
    assert again.attempts == 1


@CUTS
@pytest.mark.asyncio
async def test_leases_are_held(bench: Bench, cut: Cut) -> None:
    claim = await bench.begun()

    assert await bench.cut_off(cut, lambda: bench.store.renew([claim], TTL)) == [None]
    assert await bench.cut_off(cut, lambda: bench.store.stop("ada", "cancelled")) == 1
    assert await bench.store.renew([claim], TTL) == ["cancelled"]


@CUTS
@pytest.mark.asyncio
async def test_a_turn_of_a_memory_manager_is_kept_once(bench: Bench, cut: Cut) -> None:
    turn = Commit(conversation_id="ada", agent_key="a", revision=0, messages=[{"role": "user", "content": "hi"}])

    assert await bench.cut_off(cut, lambda: bench.store.commit(turn)) == 1
    following = Commit(conversation_id="ada", agent_key="a", revision=1, messages=turn.messages, state="{}")
    assert await bench.cut_off(cut, lambda: bench.store.commit(following)) == 2
    stored = await bench.other.load("ada", "a")
    assert (stored.revision, len(stored.messages), stored.state) == (2, 2, "{}")


@pytest.mark.asyncio
async def test_a_server_that_stays_away_is_told_with_its_name_and_without_the_password(postgres_url: str) -> None:
    async with BadNetwork(postgres_url) as network:
        url = network.url
    store = PostgresStore(url, patience=0.2)

    with pytest.raises(StoreError, match=r"could not be reached for 0\.2 s \(ConnectionRefusedError") as caught:
        await store.accept(message("m1"), ME)
    assert "postgresql://postgres@127.0.0.1:" in str(caught.value)
    assert "not-a-secret" not in str(caught.value)

"""Rules of shared data: what one store keeps, another one on the same data finds, now and after a restart."""

from __future__ import annotations

import asyncio

import pytest

from agent_runtime_framework.errors import ConversationConflict, LeaseLost
from agent_runtime_framework.testing.stores.bench import Bench, Rules, rule
from agent_runtime_framework.testing.stores.samples import (
    ME,
    PAID,
    THOUGHT,
    TTL,
    TURN,
    YOU,
    begun,
    end,
    message,
    said,
    status_of,
    taken,
    turn,
)


class SharingRules(Rules):
    """Several stores may be open on the same data, as in several processes."""

    @rule
    async def test_reopening_keeps_everything(self, shared: Bench) -> None:
        store = await shared.open()
        await store.commit(turn(0, state='{"n":1}', step="one", usage='{"total_tokens":7}'))
        await store.save_state("ada", "quote", '{"n":2}')
        before = await store.load("ada", "intake")
        await shared.reopen()

        store = await shared.open()
        assert await store.load("ada", "intake") == before
        assert before.messages == TURN
        assert (await store.load("ada", "quote")).state == '{"n":2}'

    @rule
    async def test_two_stores_on_the_same_data_see_each_other_s_turns(self, shared: Bench) -> None:
        one, two = await shared.open(), await shared.open()
        await one.commit(turn(0, said("from one")))
        await two.commit(turn(1, said("from two")))

        with pytest.raises(ConversationConflict):
            await one.commit(turn(1))
        for store in (one, two):
            assert (await store.load("ada", "intake")).messages == [said("from one"), said("from two")]

    @rule
    async def test_of_two_stores_that_commit_at_once_one_is_refused(self, shared: Bench) -> None:
        stores = [await shared.open(), await shared.open()]
        await stores[0].commit(turn(0))
        outcomes = await asyncio.gather(
            *(store.commit(turn(1, said(f"{number}"))) for number in range(10) for store in stores),
            return_exceptions=True,
        )

        assert [outcome for outcome in outcomes if not isinstance(outcome, ConversationConflict)] == [2]


class DurableSharingRules(Rules):
    """The same of messages that are delivered."""

    @rule
    async def test_reopening_keeps_messages_that_wait_and_a_turn_that_was_left(self, shared: Bench) -> None:
        durable = await shared.open_durable()
        claim = await begun(durable)
        await durable.record(claim, [THOUGHT, PAID], TTL)
        await durable.accept(message("m2", "and?"))
        await durable.stop("ada", "cancelled")
        await shared.reopen()

        durable = await shared.open_durable()
        assert not (await durable.accept(message("m1"))).is_new
        assert await durable.stranded() == [("ada", "me")]
        again = await taken(durable, YOU, gone="me")
        assert (again.turn, again.run_id, again.entries) == (claim.turn, claim.run_id, (THOUGHT, PAID))
        assert (again.stop, again.attempts) == ("cancelled", 2)
        following = await durable.finish(again, end(again), YOU)
        assert following is not None
        assert following.bodies == (said("and?"),)

    @rule
    async def test_reopening_keeps_outcomes_and_turns(self, shared: Bench) -> None:
        durable = await shared.open_durable()
        claim = await begun(durable)
        await durable.finish(claim, end(claim))
        outcome, turns = await durable.outcome("ada", "m1"), await durable.turns("ada")
        await shared.reopen()

        durable = await shared.open_durable()
        assert (await durable.outcome("ada", "m1"), await durable.turns("ada")) == (outcome, turns)
        again = await durable.accept(message("m1"), ME)
        assert (again.is_new, again.outcome.reply) == (False, "Hello.")
        assert (await begun(durable, "m2")).turn == 2

    @rule
    async def test_of_a_hundred_claims_from_two_stores_one_wins(self, shared: Bench) -> None:
        stores = [await shared.open_durable(), await shared.open_durable()]
        await stores[0].accept(message("m1"))
        claims = await asyncio.gather(*(store.claim("ada", ME) for _ in range(50) for store in stores))

        assert len([claim for claim in claims if claim is not None]) == 1

    @rule
    async def test_a_message_sent_to_two_stores_at_once_is_taken_in_once(self, shared: Bench) -> None:
        stores = [await shared.open_durable(), await shared.open_durable()]
        accepted = await asyncio.gather(*(store.accept(message("m1"), ME) for _ in range(10) for store in stores))

        assert [each.is_new for each in accepted].count(True) == 1
        assert len([each for each in accepted if each.claim is not None]) == 1

    @rule
    async def test_the_fence_holds_for_the_owner_at_another_store(self, shared: Bench) -> None:
        mine, yours = await shared.open_durable(), await shared.open_durable()
        zombie = await begun(mine)
        heir = await taken(yours, YOU, gone="me")

        with pytest.raises(LeaseLost):
            await mine.record(zombie, [PAID], TTL)
        with pytest.raises(LeaseLost):
            await mine.finish(zombie, end(zombie))
        await yours.finish(heir, end(heir))
        assert await status_of(mine, "m1") == "answered"

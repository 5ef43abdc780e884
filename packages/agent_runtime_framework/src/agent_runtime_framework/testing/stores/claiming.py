"""Rules of claiming: one owner at a time, and the next one goes on where the last one was."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from agent_runtime_framework.store.delivery import DurableStore, Lease
from agent_runtime_framework.testing.stores.bench import Clock, DeliveryRules, rule
from agent_runtime_framework.testing.stores.samples import (
    ME,
    PAID,
    THOUGHT,
    TTL,
    YOU,
    begun,
    end,
    message,
    said,
    taken,
)

CROWD = [Lease(owner=f"owner {number}", ttl=TTL) for number in range(100)]


class ClaimRules(DeliveryRules):
    """A lease holds off everybody else until it runs out, is given back, or its owner is known to be gone."""

    @rule
    async def test_where_nothing_waits_there_is_nothing_to_claim(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.finish(claim, end(claim))

        assert await durable.claim("ada", ME) is None
        assert await durable.claim("nobody", ME) is None

    @rule
    async def test_nobody_else_gets_a_turn_while_its_lease_lasts(self, durable: DurableStore, clock: Clock) -> None:
        await begun(durable)
        clock.pass_by(29)

        assert await durable.claim("ada", YOU) is None
        assert await durable.stranded() == [("ada", "me")]

    @rule
    async def test_a_turn_whose_lease_ran_out_is_continued_with_all_that_was_recorded(
        self, durable: DurableStore, clock: Clock
    ) -> None:
        first = await begun(durable)
        await durable.record(first, [THOUGHT, PAID], TTL)
        clock.pass_by(31)

        assert await durable.stranded() == [("ada", None)]
        again = await taken(durable, YOU)
        assert again.entries == (THOUGHT, PAID)
        assert (again.turn, again.run_id, again.agent_key) == (first.turn, first.run_id, first.agent_key)
        assert (again.message_ids, again.bodies, again.attempts) == (("m1",), (said("hi"),), 2)
        assert again.epoch > first.epoch
        assert await durable.stranded() == [("ada", "you")]

    @rule
    async def test_of_a_hundred_claims_at_once_one_wins(self, durable: DurableStore) -> None:
        await durable.accept(message("m1"))
        claims = await asyncio.gather(*(durable.claim("ada", lease) for lease in CROWD))

        assert len([claim for claim in claims if claim is not None]) == 1

    @rule
    async def test_of_a_hundred_heirs_one_wins(self, durable: DurableStore, clock: Clock) -> None:
        await begun(durable)
        clock.pass_by(31)
        claims = await asyncio.gather(*(durable.claim("ada", lease) for lease in CROWD))

        assert [claim.attempts for claim in claims if claim is not None] == [2]

    @rule
    async def test_conversations_are_claimed_independently(self, durable: DurableStore) -> None:
        ada, bob = await begun(durable), await begun(durable, lease=YOU, conversation="bob")

        assert (ada.conversation_id, bob.conversation_id, bob.turn) == ("ada", "bob", 1)

    @rule
    async def test_a_lease_is_as_long_as_was_asked_for(self, durable: DurableStore, clock: Clock) -> None:
        await begun(durable, lease=Lease(owner="me", ttl=timedelta(seconds=5)))
        clock.pass_by(4)
        assert await durable.claim("ada", YOU) is None
        clock.pass_by(2)

        await taken(durable, YOU)

    @rule
    async def test_the_lease_of_an_owner_who_is_gone_does_not_count(self, durable: DurableStore) -> None:
        await begun(durable)

        assert await durable.claim("ada", YOU, gone="somebody else") is None
        assert (await taken(durable, YOU, gone="me")).attempts == 2

    @rule
    async def test_every_claim_has_a_later_epoch(self, durable: DurableStore, clock: Clock) -> None:
        claim = await begun(durable)
        epochs = [claim.epoch]
        for _ in range(2):
            clock.pass_by(31)
            claim = await taken(durable)
            epochs.append(claim.epoch)
        await durable.release(claim)
        claim = await taken(durable)
        epochs.append(claim.epoch)
        await durable.accept(message("m2"))
        following = await durable.finish(claim, end(claim), ME)
        assert following is not None
        epochs.append(following.epoch)

        assert epochs == sorted(set(epochs))

    @pytest.mark.parametrize(("counts", "attempts"), [(False, 1), (True, 2)])
    @rule
    async def test_a_turn_given_back_is_continued_at_once(
        self, durable: DurableStore, counts: bool, attempts: int
    ) -> None:
        claim = await begun(durable)
        await durable.record(claim, [THOUGHT], TTL)
        await durable.release(claim, counts=counts)

        assert await durable.stranded() == [("ada", None)]
        again = await taken(durable, YOU)
        assert (again.turn, again.run_id, again.attempts) == (claim.turn, claim.run_id, attempts)
        assert again.entries == (THOUGHT,)

    @rule
    async def test_a_turn_built_on_others_says_so(self, durable: DurableStore) -> None:
        first = await begun(durable)
        await durable.finish(first, end(first))
        await durable.save_state("ada", "quote", "{}")
        second = await begun(durable, "m2")

        assert (second.turn, second.revision) == (2, 2)
        assert second.run_id != first.run_id

    @rule
    async def test_recording_holds_the_lease(self, durable: DurableStore, clock: Clock) -> None:
        claim = await begun(durable)
        clock.pass_by(20)
        await durable.record(claim, [THOUGHT], TTL)
        clock.pass_by(20)

        assert await durable.claim("ada", YOU) is None

    @rule
    async def test_renewing_holds_the_lease(self, durable: DurableStore, clock: Clock) -> None:
        claim = await begun(durable)
        clock.pass_by(20)
        assert await durable.renew([claim], TTL) == [None]
        clock.pass_by(20)

        assert await durable.claim("ada", YOU) is None

    @rule
    async def test_stop_reaches_the_owner_and_whoever_continues_the_turn(
        self, durable: DurableStore, clock: Clock
    ) -> None:
        claim = await begun(durable)

        assert await durable.stop("ada", "cancelled") == 1
        assert await durable.renew([claim], TTL) == ["cancelled"]
        clock.pass_by(31)
        assert (await taken(durable, YOU)).stop == "cancelled"

    @rule
    async def test_stop_ends_nothing_but_the_running_turn(self, durable: DurableStore) -> None:
        assert await durable.stop("ada", "cancelled") is None
        await durable.accept(message("m1"))
        assert await durable.stop("ada", "cancelled") is None
        claim = await taken(durable)
        assert claim.stop is None
        await durable.stop("ada", "cancelled")
        await durable.finish(claim, end(claim, "", "cancelled"))

        assert await durable.stop("ada", "cancelled") is None
        assert await durable.renew([await begun(durable, "m2")], TTL) == [None]

    @rule
    async def test_what_nobody_is_at_is_found(self, durable: DurableStore) -> None:
        assert await durable.stranded() == []
        await durable.accept(message("m1"))
        await begun(durable, conversation="bob")
        done = await begun(durable, conversation="cleo")
        await durable.finish(done, end(done))

        assert sorted(await durable.stranded(), key=str) == [("ada", None), ("bob", "me")]
        assert len(await durable.stranded(1)) == 1

"""Rules of the fence: whoever lost the lease writes nothing more, and nobody writes past a turn that runs."""

from __future__ import annotations

import pytest

from agent_runtime_framework.errors import ConversationConflict, LeaseLost
from agent_runtime_framework.store.delivery import Claim, DurableStore
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
    status_of,
    taken,
    turn,
)


async def _succeeded(durable: DurableStore, clock: Clock) -> tuple[Claim, Claim]:
    """An owner whose lease ran out, and the one who has the turn now."""
    zombie = await begun(durable)
    await durable.record(zombie, [THOUGHT], TTL)
    clock.pass_by(31)
    return zombie, await taken(durable, YOU)


class FenceRules(DeliveryRules):
    """Each claim counts up the epoch, and what an earlier one writes is refused."""

    @rule
    async def test_who_lost_the_lease_records_nothing(self, durable: DurableStore, clock: Clock) -> None:
        zombie, heir = await _succeeded(durable, clock)

        with pytest.raises(LeaseLost) as caught:
            await durable.record(zombie, [PAID, THOUGHT], TTL)
        assert (caught.value.conversation_id, caught.value.turn) == ("ada", 1)
        await durable.release(heir)
        assert (await taken(durable)).entries == (THOUGHT,)

    @rule
    async def test_who_lost_the_lease_finishes_nothing(self, durable: DurableStore, clock: Clock) -> None:
        zombie, heir = await _succeeded(durable, clock)

        with pytest.raises(LeaseLost):
            await durable.finish(zombie, end(zombie))
        stored = await durable.load("ada", "quote")
        assert (stored.messages, stored.state, stored.revision) == ([], None, 0)
        assert await status_of(durable, "m1") == "running"
        await durable.finish(heir, end(heir, "By the heir."))
        assert [each.reply for each in await durable.turns("ada")] == ["By the heir."]

    @rule
    async def test_who_lost_the_lease_holds_it_no_longer(self, durable: DurableStore, clock: Clock) -> None:
        zombie, heir = await _succeeded(durable, clock)
        clock.pass_by(20)

        assert await durable.renew([zombie], TTL) == ["lost"]
        clock.pass_by(20)
        assert (await taken(durable)).epoch > heir.epoch

    @rule
    async def test_of_several_leases_each_is_told_how_it_stands(self, durable: DurableStore, clock: Clock) -> None:
        zombie, heir = await _succeeded(durable, clock)
        stopped = await begun(durable, conversation="bob")
        await durable.stop("bob", "superseded")

        assert await durable.renew([heir, zombie, stopped], TTL) == [None, "lost", "superseded"]
        assert await durable.renew([], TTL) == []

    @rule
    async def test_who_lost_the_lease_gives_nothing_back(self, durable: DurableStore, clock: Clock) -> None:
        zombie, heir = await _succeeded(durable, clock)
        await durable.release(zombie)

        assert await durable.claim("ada", ME) is None
        assert [each.attempts for each in await durable.turns("ada")] == [2]
        await durable.finish(heir, end(heir))

    @rule
    async def test_who_gave_a_turn_back_writes_nothing_more(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.release(claim)

        with pytest.raises(LeaseLost):
            await durable.record(claim, [THOUGHT], TTL)
        with pytest.raises(LeaseLost):
            await durable.finish(claim, end(claim))
        assert await durable.renew([claim], TTL) == ["lost"]

    @pytest.mark.parametrize("goes_on", [True, False], ids=["and the next has begun", "and nothing follows"])
    @rule
    async def test_a_turn_ends_once(self, durable: DurableStore, goes_on: bool) -> None:
        claim = await begun(durable)
        if goes_on:
            await durable.accept(message("m2"))
        await durable.finish(claim, end(claim), ME)

        with pytest.raises(LeaseLost):
            await durable.finish(claim, end(claim, "Again.", revision=1))
        with pytest.raises(LeaseLost):
            await durable.record(claim, [PAID], TTL)
        assert await durable.renew([claim], TTL) == ["lost"]
        await durable.release(claim)
        turns = [(each.no, each.reply, each.attempts) for each in await durable.turns("ada")]
        assert turns == [(1, "Hello.", 1), (2, None, 1)][: len(turns)]
        assert len(turns) == 1 + goes_on
        outcome = await durable.outcome("ada", "m1")
        assert outcome is not None
        assert outcome.is_held is goes_on

    @rule
    async def test_an_owner_whose_lease_ran_out_goes_on_if_nobody_took_over(
        self, durable: DurableStore, clock: Clock
    ) -> None:
        claim = await begun(durable)
        clock.pass_by(31)
        await durable.record(claim, [THOUGHT], TTL)

        assert await durable.claim("ada", YOU) is None
        await durable.finish(claim, end(claim))
        assert await status_of(durable, "m1") == "answered"

    @rule
    async def test_a_turn_on_a_state_that_was_changed_from_outside_is_refused(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.save_state("ada", "quote", '{"from":"outside"}')

        with pytest.raises(ConversationConflict):
            await durable.finish(claim, end(claim))
        stored = await durable.load("ada", "quote")
        assert (stored.messages, stored.state, stored.revision) == ([], '{"from":"outside"}', 1)
        assert await status_of(durable, "m1") == "running"

    @rule
    async def test_a_turn_on_messages_that_were_cleared_meanwhile_is_refused(self, durable: DurableStore) -> None:
        first = await begun(durable)
        await durable.finish(first, end(first))
        claim = await begun(durable, "m2")
        await durable.clear_messages("ada")

        with pytest.raises(ConversationConflict) as caught:
            await durable.finish(claim, end(claim))
        assert (caught.value.expected, caught.value.found) == (1, 2)

    @rule
    async def test_a_refused_turn_can_be_ended_on_the_revision_that_was_found(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.save_state("ada", "quote", "{}")
        with pytest.raises(ConversationConflict) as caught:
            await durable.finish(claim, end(claim))

        await durable.finish(claim, end(claim, "Sorry.", "failed", revision=caught.value.found))
        assert (await durable.load("ada", "quote")).revision == 2
        assert await status_of(durable, "m1") == "failed"

    @rule
    async def test_no_turn_of_somebody_else_comes_between(self, durable: DurableStore) -> None:
        claim = await begun(durable)

        with pytest.raises(ConversationConflict):
            await durable.commit(turn(0))
        await durable.finish(claim, end(claim))
        assert await durable.commit(turn(1)) == 2

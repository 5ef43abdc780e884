"""Rules of persons in the loop: a turn rests until somebody decides, and a person may take a conversation over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.errors import AlreadyDecided, ConversationBusy, LeaseLost, NotPending
from agent_runtime_framework.store.delivery import Claim, Deciding, DurableStore
from agent_runtime_framework.testing.stores.bench import Clock, DeliveryRules, rule
from agent_runtime_framework.testing.stores.samples import (
    ME,
    PAYS,
    THOUGHT,
    TTL,
    YOU,
    begun,
    end,
    message,
    status_of,
    taken,
)

YES, NO = Deciding(call_id="c1", is_approved=True, by="eve"), Deciding(call_id="c1", is_approved=False, note="too much")


async def paused(durable: DurableStore, conversation: str = "ada", call_id: str = "c1") -> Claim:
    """A turn that rests at a call; the claim of whoever let it."""
    claim = await begun(durable, conversation=conversation)
    call = PendingCall(
        conversation_id=conversation, call_id=call_id, tool="pay", arguments={"amount": 7}, reason="much"
    )
    assert await durable.pause(claim, [THOUGHT, PAYS], call, "Somebody has a look.", ME) is None
    return claim


class PauseRules(DeliveryRules):
    """Nobody owns a turn that waits for a person, and nothing that was recorded is lost over it."""

    @rule
    async def test_a_paused_turn_rests_until_somebody_decides(self, durable: DurableStore, clock: Clock) -> None:
        claim = await paused(durable)
        clock.pass_by(3600)

        assert await durable.stranded() == []
        assert await durable.claim("ada", YOU) is None
        outcome = await durable.outcome("ada", "m1")
        assert outcome is not None
        assert (outcome.status, outcome.is_held, outcome.reply) == ("paused", True, "Somebody has a look.")
        assert [call.call_id for call in outcome.pending] == ["c1"]
        await durable.decide("ada", YES)
        assert await durable.stranded() == [("ada", None)]
        again = await taken(durable, YOU)
        assert (again.turn, again.run_id, again.entries) == (claim.turn, claim.run_id, (THOUGHT, PAYS))
        assert (again.message_ids, again.attempts) == (("m1",), 1)

    @pytest.mark.parametrize("deciding", [YES, NO], ids=["approved", "rejected"])
    @rule
    async def test_a_decision_is_told_whoever_continues_the_turn(
        self, durable: DurableStore, deciding: Deciding
    ) -> None:
        await paused(durable)
        assert await durable.decide("ada", deciding)

        (decision,) = (await taken(durable)).decisions
        assert (decision.call_id, decision.tool, decision.is_approved) == ("c1", "pay", deciding.is_approved)
        assert (decision.by, decision.note) == (deciding.by, deciding.note)

    @rule
    async def test_what_waits_for_a_decision_is_listed(self, durable: DurableStore, clock: Clock) -> None:
        await paused(durable)
        clock.pass_by(1)
        await paused(durable, "bob", "c2")

        assert [call.conversation_id for call in await durable.pending()] == ["ada", "bob"]
        (call,) = await durable.pending("bob")
        assert (call.call_id, call.tool, call.arguments, call.reason, call.turn) == (
            "c2",
            "pay",
            {"amount": 7},
            "much",
            1,
        )
        await durable.decide("bob", replace(YES, call_id="c2"))
        assert await durable.pending("bob") == []

    @rule
    async def test_a_decision_is_for_good(self, durable: DurableStore) -> None:
        await paused(durable)

        assert await durable.decide("ada", YES)
        assert not await durable.decide("ada", YES)
        with pytest.raises(AlreadyDecided):
            await durable.decide("ada", NO)
        assert [each.is_approved for each in (await taken(durable)).decisions] == [True]

    @rule
    async def test_nobody_decides_about_a_call_that_does_not_wait(self, durable: DurableStore) -> None:
        await paused(durable)

        with pytest.raises(NotPending):
            await durable.decide("ada", replace(YES, call_id="c2"))
        with pytest.raises(NotPending):
            await durable.decide("bob", YES)

    @rule
    async def test_who_lost_the_lease_pauses_nothing(self, durable: DurableStore) -> None:
        zombie = await begun(durable)
        heir = await taken(durable, YOU, gone="me")

        call = PendingCall(conversation_id="ada", call_id="c1", tool="pay")
        with pytest.raises(LeaseLost):
            await durable.pause(zombie, [PAYS], call, "", ME)
        assert await durable.pending() == []
        await durable.finish(heir, end(heir))

    @rule
    async def test_who_paused_a_turn_writes_nothing_more(self, durable: DurableStore) -> None:
        claim = await paused(durable)

        with pytest.raises(LeaseLost):
            await durable.record(claim, [THOUGHT], TTL)
        with pytest.raises(LeaseLost):
            await durable.finish(claim, end(claim))
        assert await durable.renew([claim], TTL) == ["lost"]

    @rule
    async def test_messages_wait_behind_a_paused_turn(self, durable: DurableStore) -> None:
        await paused(durable)

        assert (await durable.accept(message("m2"), ME)).claim is None
        with pytest.raises(ConversationBusy):
            await durable.accept(message("m3", policy="reject"), ME)
        await durable.decide("ada", YES)
        claim = await taken(durable)
        following = await durable.finish(claim, end(claim), ME)
        assert following is not None
        assert following.message_ids == ("m2",)

    @rule
    async def test_stop_ends_a_paused_turn(self, durable: DurableStore) -> None:
        await paused(durable)

        assert await durable.stop("ada", "cancelled") == 1
        assert (await taken(durable)).stop == "cancelled"
        assert await durable.pending() == []
        with pytest.raises(NotPending):
            await durable.decide("ada", YES)

    @rule
    async def test_interrupt_ends_a_paused_turn(self, durable: DurableStore) -> None:
        await paused(durable)
        accepted = await durable.accept(message("m2", policy="interrupt"), ME)

        claim = accepted.claim
        assert claim is not None
        assert (accepted.stopped_turn, claim.turn, claim.stop) == (1, 1, "superseded")
        following = await durable.finish(claim, end(claim, "", "superseded"), ME)
        assert following is not None
        assert following.message_ids == ("m2",)

    @rule
    async def test_a_turn_that_was_asked_to_end_does_not_rest(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.stop("ada", "cancelled")
        call = PendingCall(conversation_id="ada", call_id="c1", tool="pay")
        again = await durable.pause(claim, [THOUGHT, PAYS], call, "", ME)

        assert again is not None
        assert (again.stop, again.entries) == ("cancelled", (THOUGHT, PAYS))
        assert await durable.pending() == []

    @rule
    async def test_a_person_takes_a_conversation_over_and_gives_it_back(self, durable: DurableStore) -> None:
        assert await durable.hand_over("ada", to="support") is None
        claim = await begun(durable)
        await durable.finish(claim, end(claim))

        assert await durable.hand_over("ada", to="support", reason="hard") is True
        assert await durable.hand_over("ada", to="support") is False
        (held,) = await durable.handed_over()
        assert (held.conversation_id, held.to, held.reason) == ("ada", "support", "hard")
        claim = await begun(durable, "m2")
        assert claim.handoff is not None
        assert claim.handoff["to"] == "support"
        await durable.finish(claim, replace(end(claim), handoff="back"))
        assert await durable.handed_over("ada") == []
        assert (await begun(durable, "m3")).handoff is None

    @rule
    async def test_a_person_who_takes_over_ends_a_paused_turn(self, durable: DurableStore) -> None:
        await paused(durable)
        await durable.hand_over("ada", to="support")

        assert (await taken(durable)).stop == "superseded"
        assert await durable.pending() == []
        assert await status_of(durable, "m1") == "running"

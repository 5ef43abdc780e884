"""Rules of what happens to a message for a conversation that is busy."""

from __future__ import annotations

import pytest

from agent_runtime_framework.errors import ConversationBusy
from agent_runtime_framework.store.delivery import DurableStore, Policy
from agent_runtime_framework.testing.stores.bench import DeliveryRules, rule
from agent_runtime_framework.testing.stores.samples import ME, TTL, begun, end, message, status_of, taken


class PolicyRules(DeliveryRules):
    """queue, reject, interrupt, merge."""

    @pytest.mark.parametrize("policy", ["queue", "reject", "interrupt", "merge"])
    @rule
    async def test_for_an_idle_conversation_every_policy_is_the_same(
        self, durable: DurableStore, policy: Policy
    ) -> None:
        accepted = await durable.accept(message("m1", policy=policy), ME)

        assert accepted.claim is not None
        assert (accepted.claim.message_ids, accepted.claim.stop, accepted.stopped_turn) == (("m1",), None, None)

    @pytest.mark.parametrize("policy", ["queue", "merge"])
    @rule
    async def test_a_message_too_many_is_refused_and_not_kept(self, durable: DurableStore, policy: Policy) -> None:
        await begun(durable)
        for each in range(3):
            await durable.accept(message(f"w{each}", policy=policy, max_waiting=3), ME)

        with pytest.raises(ConversationBusy):
            await durable.accept(message("w3", policy=policy, max_waiting=3), ME)
        assert await durable.outcome("ada", "w3") is None

    @rule
    async def test_a_refused_message_may_be_sent_again(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        with pytest.raises(ConversationBusy):
            await durable.accept(message("m2", policy="reject"), ME)
        assert await durable.outcome("ada", "m2") is None
        await durable.finish(claim, end(claim))

        again = await durable.accept(message("m2", policy="reject"), ME)
        assert again.is_new
        assert again.claim is not None

    @rule
    async def test_reject_refuses_also_while_a_message_waits(self, durable: DurableStore) -> None:
        await durable.accept(message("m1"))

        with pytest.raises(ConversationBusy):
            await durable.accept(message("m2", policy="reject"), ME)

    @rule
    async def test_interrupt_drops_what_waits_and_asks_the_running_turn_to_end(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.accept(message("m2"), ME)
        accepted = await durable.accept(message("m3", policy="interrupt"), ME)

        assert (accepted.stopped_turn, accepted.claim, accepted.outcome.status) == (1, None, "waiting")
        assert await durable.renew([claim], TTL) == ["superseded"]
        assert await status_of(durable, "m2") == "superseded"
        following = await durable.finish(claim, end(claim, "", "superseded"), ME)
        assert following is not None
        assert (following.message_ids, following.stop) == (("m3",), None)
        assert await status_of(durable, "m1") == "superseded"

    @rule
    async def test_interrupt_is_never_refused_for_what_it_drops(self, durable: DurableStore) -> None:
        await begun(durable)
        await durable.accept(message("m2", max_waiting=1), ME)

        accepted = await durable.accept(message("m3", policy="interrupt", max_waiting=1), ME)
        assert accepted.stopped_turn == 1

    @rule
    async def test_interrupt_leaves_other_conversations_alone(self, durable: DurableStore) -> None:
        await begun(durable)
        other = await begun(durable, conversation="bob")
        await durable.accept(message("m2", conversation="bob"))
        await durable.accept(message("m3", policy="interrupt"), ME)

        assert await durable.renew([other], TTL) == [None]
        assert await status_of(durable, "m2", "bob") == "waiting"

    @rule
    async def test_messages_that_may_be_merged_are_answered_in_one_turn(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        for each in ("m2", "m3"):
            await durable.accept(message(each, each, policy="merge"), ME)
        await durable.accept(message("m4"), ME)
        following = await durable.finish(claim, end(claim), ME)

        assert following is not None
        assert following.message_ids == ("m2", "m3")
        assert [body["content"] for body in following.bodies] == ["m2", "m3"]
        last = await durable.finish(following, end(following, "Both."), ME)
        assert last is not None
        assert last.message_ids == ("m4",)
        found = [await durable.outcome("ada", each) for each in ("m2", "m3")]
        assert [(each.status, each.reply, each.turn) for each in found if each] == [
            ("answered", "Both.", 2),
            ("merged", "Both.", 2),
        ]

    @rule
    async def test_only_neighbours_that_say_the_same_are_merged(self, durable: DurableStore) -> None:
        policies: list[Policy] = ["queue", "merge", "queue", "merge"]
        for number, policy in enumerate(policies, 1):
            await durable.accept(message(f"m{number}", policy=policy))
        await durable.accept(message("m5", policy="merge", agent="intake"))
        turns = list[tuple[str, ...]]()
        claim = await durable.claim("ada", ME)
        while claim is not None:
            turns.append(claim.message_ids)
            claim = await durable.finish(claim, end(claim), ME)

        assert turns == [("m1",), ("m2",), ("m3",), ("m4",), ("m5",)]

    @rule
    async def test_a_merged_turn_that_is_continued_answers_the_same_messages(self, durable: DurableStore) -> None:
        for each in ("m1", "m2"):
            await durable.accept(message(each, policy="merge"))
        first = await taken(durable)
        await durable.accept(message("m3", policy="merge"))
        await durable.release(first)

        assert (await taken(durable)).message_ids == ("m1", "m2")

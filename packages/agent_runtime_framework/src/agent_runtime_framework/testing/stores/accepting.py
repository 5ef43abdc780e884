"""Rules of accepting: what was acknowledged is never lost, and the same id is the same message."""

from __future__ import annotations

import asyncio

from agent_runtime_framework.store.delivery import Claim, DurableStore
from agent_runtime_framework.testing.stores.bench import DeliveryRules, rule
from agent_runtime_framework.testing.stores.samples import ME, YOU, begun, end, message, said, status_of, taken, texts


class AcceptRules(DeliveryRules):
    """A message is taken in once, whoever sends it how often, and answered in the order of arrival."""

    @rule
    async def test_an_idle_conversation_is_claimed_with_the_message(self, durable: DurableStore) -> None:
        accepted = await durable.accept(message("m1", "hello"), ME)

        assert (accepted.is_new, accepted.outcome.status, accepted.stopped_turn) == (True, "running", None)
        claim = accepted.claim
        assert claim is not None
        assert (claim.conversation_id, claim.turn, claim.attempts, claim.revision) == ("ada", 1, 1, 0)
        assert (claim.message_ids, claim.bodies, claim.entries) == (("m1",), (said("hello"),), ())
        assert claim.stop is None

    @rule
    async def test_a_message_that_nobody_claims_waits(self, durable: DurableStore) -> None:
        accepted = await durable.accept(message("m1"))

        assert (accepted.claim, accepted.outcome.status) == (None, "waiting")
        assert await status_of(durable, "m1") == "waiting"
        assert (await taken(durable)).message_ids == ("m1",)

    @rule
    async def test_a_busy_conversation_is_not_claimed_again(self, durable: DurableStore) -> None:
        await begun(durable)
        accepted = await durable.accept(message("m2"), YOU)

        assert (accepted.is_new, accepted.claim, accepted.outcome.status) == (True, None, "waiting")

    @rule
    async def test_who_comes_first_is_claimed_first(self, durable: DurableStore) -> None:
        await durable.accept(message("m1"))
        accepted = await durable.accept(message("m2"), ME)

        assert accepted.claim is not None
        assert (accepted.claim.message_ids, accepted.outcome.status) == (("m1",), "waiting")

    @rule
    async def test_the_same_message_id_again_changes_nothing_and_tells_the_outcome(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        while_running = await durable.accept(message("m1"), YOU)
        await durable.finish(claim, end(claim))
        afterwards = await durable.accept(message("m1", "other words"), YOU)

        assert (while_running.is_new, while_running.claim, while_running.outcome.status) == (False, None, "running")
        assert (afterwards.is_new, afterwards.claim) == (False, None)
        outcome = afterwards.outcome
        assert (outcome.status, outcome.reply, outcome.turn) == ("answered", "Hello.", 1)
        assert len((await durable.load("ada", "quote")).messages) == 2

    @rule
    async def test_a_known_message_is_not_refused(self, durable: DurableStore) -> None:
        await begun(durable)
        again = await durable.accept(message("m1", policy="reject", max_waiting=0), YOU)

        assert (again.is_new, again.outcome.status) == (False, "running")

    @rule
    async def test_a_known_message_interrupts_nothing(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.accept(message("m2"))
        again = await durable.accept(message("m1", policy="interrupt"), YOU)

        assert (again.is_new, again.stopped_turn) == (False, None)
        assert await status_of(durable, "m2") == "waiting"
        assert await durable.renew([claim], ME.ttl) == [None]

    @rule
    async def test_the_same_id_in_another_conversation_is_another_message(self, durable: DurableStore) -> None:
        await begun(durable)
        other = await durable.accept(message("m1", "hello", conversation="bob"), ME)

        assert other.is_new
        assert other.claim is not None
        assert (other.claim.conversation_id, other.claim.bodies) == ("bob", (said("hello"),))

    @rule
    async def test_of_a_message_sent_a_hundred_times_at_once_one_is_new(self, durable: DurableStore) -> None:
        accepted = await asyncio.gather(*(durable.accept(message("m1"), ME) for _ in range(100)))

        assert [each.is_new for each in accepted].count(True) == 1
        (claim,) = [each.claim for each in accepted if each.claim is not None]
        assert await durable.finish(claim, end(claim), ME) is None

    @rule
    async def test_messages_are_answered_in_the_order_of_arrival(self, durable: DurableStore) -> None:
        claim: Claim | None = await begun(durable)
        for each in ("z", "b", "a"):
            assert (await durable.accept(message(each, each), YOU)).claim is None
        order = list[str]()
        while claim is not None:
            order += claim.message_ids
            claim = await durable.finish(claim, end(claim), ME)

        assert order == ["m1", "z", "b", "a"]
        assert [turn.no for turn in await durable.turns("ada")] == [1, 2, 3, 4]
        assert texts(await durable.load("ada", "quote"))[::2] == ["hi", "z", "b", "a"]

    @rule
    async def test_of_many_messages_at_once_all_are_kept_and_one_is_claimed(self, durable: DurableStore) -> None:
        names = [f"m{number}" for number in range(50)]
        accepted = await asyncio.gather(*(durable.accept(message(name), ME) for name in names))

        (claim,) = [each.claim for each in accepted if each.claim is not None]
        answered = [*claim.message_ids]
        following = await durable.finish(claim, end(claim), ME)
        while following is not None:
            answered += following.message_ids
            following = await durable.finish(following, end(following), ME)
        assert sorted(answered) == sorted(names)

    @rule
    async def test_who_was_spoken_to_last_answers_where_nobody_is_named(self, durable: DurableStore) -> None:
        answering = list[str]()
        for number, agent in enumerate(["", "intake", "", "quote"]):
            claim = (await durable.accept(message(f"m{number}", agent=agent), ME)).claim
            assert claim is not None
            answering.append(claim.agent_key)
            await durable.finish(claim, end(claim))

        assert answering == ["quote", "intake", "intake", "quote"]

    @rule
    async def test_a_message_that_was_never_accepted_has_no_outcome(self, durable: DurableStore) -> None:
        await begun(durable)

        assert await durable.outcome("ada", "m2") is None
        assert await durable.outcome("nobody", "m1") is None

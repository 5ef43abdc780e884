"""Rules of the end: messages, state, turn and outcome in one transaction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_runtime_framework.store.delivery import DurableStore, Ending
from agent_runtime_framework.testing.stores.bench import Clock, DeliveryRules, rule
from agent_runtime_framework.testing.stores.samples import ME, USER, YOU, begun, end, message, said, status_of, turn


class FinishRules(DeliveryRules):
    """A turn that has begun ends, and then it is read like any other."""

    @rule
    async def test_a_finished_turn_is_read_like_any_other(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.finish(claim, end(claim))

        stored = await durable.load("ada", "quote")
        assert stored.messages == [said("hi"), {"role": "assistant", "content": "Hello."}]
        assert (stored.revision, stored.state, stored.step, stored.step_seq) == (1, '{"turn":1}', "a", 1)
        assert stored.usage == '{"total_tokens":7}'
        (listed,) = await durable.conversations()
        assert (listed.conversation_id, listed.revision, listed.messages) == ("ada", 1, 2)

    @rule
    async def test_numbers_go_on_whoever_adds_messages(self, durable: DurableStore) -> None:
        await durable.commit(turn(0, USER))
        claim = await begun(durable)
        await durable.finish(claim, end(claim))
        await durable.commit(turn(2, USER))

        stored = await durable.load("ada", "quote")
        assert [each["content"] for each in stored.messages] == [USER["content"], "hi", "Hello.", USER["content"]]
        assert (stored.first_seq, stored.step_seq, stored.revision) == (1, 2, 3)
        assert [each.no for each in await durable.turns("ada")] == [1, 2, 3]

    @pytest.mark.parametrize("ending", ["answered", "superseded", "cancelled", "failed"])
    @rule
    async def test_every_message_ends_with_the_outcome_of_its_turn(self, durable: DurableStore, ending: Ending) -> None:
        claim = await begun(durable)
        before = await durable.outcome("ada", "m1")
        await durable.finish(claim, end(claim, "Bye.", ending))

        assert before is not None
        assert (before.status, before.reply, before.turn, before.stopped_reason) == ("running", None, 1, None)
        after = await durable.outcome("ada", "m1")
        assert after is not None
        assert (after.status, after.reply, after.turn) == (ending, "Bye.", 1)
        assert (after.stopped_reason, after.is_final) == ("text_response", True)

    @rule
    async def test_an_outcome_says_whether_somebody_is_at_the_conversation(
        self, durable: DurableStore, clock: Clock
    ) -> None:
        await durable.accept(message("m1"))
        held = [await durable.outcome("ada", "m1")]
        claim = await durable.claim("ada", ME)
        held.append(await durable.outcome("ada", "m1"))
        clock.pass_by(31)
        held.append(await durable.outcome("ada", "m1"))
        assert claim is not None
        await durable.finish(claim, end(claim))
        held.append(await durable.outcome("ada", "m1"))

        assert [each.is_held for each in held if each] == [False, True, False, False]

    @rule
    async def test_the_next_turn_is_claimed_with_the_end_of_the_last(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.accept(message("m2", "and?"))
        following = await durable.finish(claim, end(claim), ME)

        assert following is not None
        assert (following.turn, following.revision, following.attempts) == (2, 1, 1)
        assert (following.message_ids, following.bodies) == (("m2",), (said("and?"),))
        assert await durable.claim("ada", YOU) is None
        assert await durable.finish(following, end(following), ME) is None

    @rule
    async def test_who_wants_no_more_leaves_the_next_turn_to_others(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.accept(message("m2"))

        assert await durable.finish(claim, end(claim)) is None
        assert await status_of(durable, "m2") == "waiting"
        assert await durable.stranded() == [("ada", None)]

    @rule
    async def test_a_turn_without_a_trace_has_its_outcome_too(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        finished = end(claim, "")
        silent = replace(finished.commit, messages=[], state=None, step=None, usage=None)
        await durable.finish(claim, replace(finished, commit=silent))

        stored = await durable.load("ada", "quote")
        assert (stored.messages, stored.state, stored.usage) == ([], None, None)
        assert await status_of(durable, "m1") == "answered"
        assert await durable.stranded() == []

    @rule
    async def test_turns_are_listed_with_all_that_is_known_of_them(self, durable: DurableStore, clock: Clock) -> None:
        claim = await begun(durable)
        clock.pass_by(5)
        finished = replace(end(claim), receipt={"stopped_reason": "x", "done": [{"call": "pay"}]})
        await durable.finish(claim, finished)
        clock.pass_by(5)
        await begun(durable, "m2")

        done, running = await durable.turns("ada")
        assert (done.no, done.agent_key, done.status, done.step, done.attempts) == (1, "quote", "answered", "a", 1)
        assert (done.reply, done.receipt) == ("Hello.", {"stopped_reason": "x", "done": [{"call": "pay"}]})
        assert (running.no, running.status, running.step, running.reply) == (2, "running", None, None)
        assert (running.ended_at, running.receipt) == (None, None)
        assert done.started_at is not None
        assert done.ended_at is not None
        assert running.started_at is not None
        assert done.started_at < done.ended_at < running.started_at

    @rule
    async def test_the_last_turns_are_listed_oldest_first(self, durable: DurableStore) -> None:
        for number in range(5):
            claim = await begun(durable, f"m{number}")
            await durable.finish(claim, end(claim, f"{number}"))

        assert [each.reply for each in await durable.turns("ada", last=2)] == ["3", "4"]
        assert await durable.turns("nobody") == []

    @rule
    async def test_a_turn_that_was_not_delivered_is_listed_too(self, durable: DurableStore) -> None:
        await durable.commit(turn(0, step="one"))

        (listed,) = await durable.turns("ada")
        assert (listed.no, listed.agent_key, listed.status, listed.step) == (1, "intake", "answered", "one")
        assert (listed.started_at, listed.reply) == (None, None)

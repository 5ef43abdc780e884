"""Rules of what is to come: silence, and business events at a time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConversationBusy
from agent_runtime_framework.store.delivery import Claim, DurableStore, Finished
from agent_runtime_framework.store.timers import Silence, Timer
from agent_runtime_framework.testing.stores.bench import Bench, Clock, DeliveryRules, rule
from agent_runtime_framework.testing.stores.samples import ME, begun, end, message, status_of, taken, turn

HOUR = timedelta(hours=1)
SECONDS = HOUR.total_seconds()
EVENT: JSONObject = {"role": "system", "content": "payment arrived"}
IDLE: JSONObject = {"role": "system", "content": "", "idle": 1}


class TimerRules(DeliveryRules):
    """What is due comes once, not before its time, and of silence nothing once somebody has spoken."""

    @rule
    async def test_silence_comes_when_it_is_due_and_once(self, durable: DurableStore, clock: Clock) -> None:
        await silent(durable)
        clock.pass_by(SECONDS - 0.001)
        assert await durable.fire() == []

        clock.pass_by(0.001)
        ((conversation_id, message_id),) = await durable.fire()
        assert await durable.fire() == []

        claim = await taken(durable)
        assert (conversation_id, claim.message_ids, claim.bodies) == ("ada", (message_id,), (IDLE,))
        assert claim.agent_key == "quote"

    @rule
    async def test_a_turn_ends_without_a_timer_unless_it_sets_one(self, durable: DurableStore, clock: Clock) -> None:
        await silent(durable)
        claim = await begun(durable, "m2")
        await durable.finish(claim, end(claim))
        clock.pass_by(SECONDS)

        assert (await durable.timers("ada"), await durable.fire()) == ([], [])

    @rule
    async def test_a_message_ends_the_silence(self, durable: DurableStore, clock: Clock) -> None:
        await silent(durable)
        clock.pass_by(SECONDS)
        await durable.accept(message("m2"))

        assert (await durable.timers("ada"), await durable.fire()) == ([], [])

    @rule
    async def test_a_message_supersedes_what_silence_brought(self, durable: DurableStore, clock: Clock) -> None:
        await silent(durable)
        clock.pass_by(SECONDS)
        ((_, message_id),) = await durable.fire()

        accepted = await durable.accept(message("m2"), ME)

        assert accepted.claim is not None
        assert accepted.claim.message_ids == ("m2",)
        assert await status_of(durable, message_id) == "superseded"

    @rule
    async def test_a_message_waits_for_a_turn_of_silence_that_has_begun(
        self, durable: DurableStore, clock: Clock
    ) -> None:
        await silent(durable)
        clock.pass_by(SECONDS)
        await durable.fire()
        claim = await taken(durable)
        await durable.accept(message("m2"), ME)

        following = await durable.finish(claim, end(claim), ME)

        assert following is not None
        assert following.message_ids == ("m2",)
        assert await status_of(durable, claim.message_ids[0]) == "answered"

    @rule
    async def test_what_silence_brought_keeps_no_message_out(self, durable: DurableStore, clock: Clock) -> None:
        await silent(durable)
        clock.pass_by(SECONDS)
        await durable.fire()

        assert (await durable.accept(message("m2", policy="reject"), ME)).claim is not None
        with pytest.raises(ConversationBusy):
            await durable.accept(message("m3", policy="reject"), ME)

    @rule
    async def test_it_is_not_silent_while_something_waits_or_runs(self, durable: DurableStore, clock: Clock) -> None:
        claim = await begun(durable)
        await durable.accept(message("m2"))
        await durable.finish(claim, until_then(claim))  # nobody takes up the next one
        clock.pass_by(SECONDS)
        assert await durable.fire() == []

        running = await taken(durable)
        assert await durable.fire() == []

        await durable.finish(running, end(running))
        assert await durable.fire() == []

    @rule
    async def test_it_is_not_silent_while_a_person_has_the_conversation(
        self, durable: DurableStore, clock: Clock
    ) -> None:
        await silent(durable)
        await durable.hand_over("ada", to="support")
        clock.pass_by(SECONDS)

        assert await durable.fire() == []

    @rule
    async def test_who_takes_over_drops_what_silence_brought(self, durable: DurableStore, clock: Clock) -> None:
        await silent(durable)
        clock.pass_by(SECONDS)
        ((_, message_id),) = await durable.fire()
        await durable.hand_over("ada", to="support")

        assert await durable.claim("ada", ME) is None
        assert await status_of(durable, message_id) == "superseded"

    @pytest.mark.parametrize("change", ["commit", "clear", "forget"])
    @rule
    async def test_a_change_from_outside_ends_the_silence(
        self, durable: DurableStore, clock: Clock, change: str
    ) -> None:
        await silent(durable)
        match change:
            case "commit":
                await durable.commit(turn(1))
            case "clear":
                await durable.clear_messages("ada")
            case _:
                await durable.save_state("ada", "quote", None)
        clock.pass_by(SECONDS)

        assert await durable.fire() == []

    @rule
    async def test_a_clock_that_is_set_back_neither_hastens_nor_repeats(
        self, durable: DurableStore, clock: Clock
    ) -> None:
        await silent(durable)
        for seconds in (-SECONDS, SECONDS):
            clock.pass_by(seconds)
            assert await durable.fire() == []
        clock.pass_by(SECONDS)
        assert len(await durable.fire()) == 1
        for seconds in (-SECONDS, SECONDS):
            clock.pass_by(seconds)
            assert await durable.fire() == []

    @rule
    async def test_all_that_is_due_comes_a_batch_at_a_time(self, durable: DurableStore, clock: Clock) -> None:
        names = [f"c{number}" for number in range(7)]
        for name in names:
            await silent(durable, name)
        clock.pass_by(SECONDS)

        batches = [await durable.fire(limit=3) for _ in range(4)]

        assert [len(batch) for batch in batches] == [3, 3, 1, 0]
        assert sorted(name for batch in batches for name, _ in batch) == names

    @rule
    async def test_of_those_who_look_at_once_one_gets_each(
        self, durable: DurableStore, shared: Bench, clock: Clock
    ) -> None:
        quiet, paid = [f"a{number}" for number in range(10)], [f"b{number}" for number in range(10)]
        for name in quiet:
            await silent(durable, name)
        for name in paid:
            await durable.schedule(Timer(conversation_id=name, timer_id="pay", due=HOUR, body=EVENT))
        clock.pass_by(SECONDS)

        others = [await shared.open_durable() for _ in range(2)]
        found = await asyncio.gather(*(each.fire() for each in (durable, *others)))

        assert sorted(name for each in found for name, _ in each) == [*quiet, *paid]

    @rule
    async def test_an_event_comes_at_its_time_whatever_is_said(self, durable: DurableStore, clock: Clock) -> None:
        await silent(durable)
        due = await durable.schedule(Timer(conversation_id="ada", timer_id="pay", due=HOUR, body=EVENT))
        await durable.accept(message("m2"))
        assert [(each.timer_id, each.due_at, each.body) for each in await durable.timers("ada")] == [
            ("pay", due, EVENT)
        ]
        assert await durable.fire() == []

        clock.pass_by(SECONDS)
        assert [conversation_id for conversation_id, _ in await durable.fire()] == ["ada"]
        assert await durable.fire() == []

        claim = await taken(durable)
        following = await durable.finish(claim, end(claim), ME)
        assert following is not None
        assert (claim.message_ids, following.bodies, following.agent_key) == (("m2",), (EVENT,), "quote")

    @rule
    async def test_an_event_that_is_scheduled_again_is_moved(self, durable: DurableStore, clock: Clock) -> None:
        for due in (HOUR, 2 * HOUR):
            await durable.schedule(Timer(conversation_id="ada", timer_id="pay", due=due, body=EVENT))
        await durable.schedule(Timer(conversation_id="ada", timer_id="at", due=clock() + 1.5 * HOUR, body=EVENT))

        for expected in ([0, 0], [1, 0], [1, 0]):
            clock.pass_by(SECONDS if expected == [0, 0] else SECONDS / 2)
            assert [len(await durable.fire()), len(await durable.fire())] == expected

    @rule
    async def test_an_event_that_is_taken_back_never_comes(self, durable: DurableStore, clock: Clock) -> None:
        await durable.schedule(Timer(conversation_id="ada", timer_id="pay", due=HOUR, body=EVENT))
        assert not await durable.unschedule("ada", "other")
        assert not await durable.unschedule("bob", "pay")
        assert await durable.unschedule("ada", "pay")
        clock.pass_by(SECONDS)

        assert await durable.fire() == []

    @rule
    async def test_an_event_may_be_the_first_thing_in_a_conversation(self, durable: DurableStore, clock: Clock) -> None:
        await durable.schedule(
            Timer(conversation_id="ada", timer_id="pay", due=HOUR, body=EVENT, default_agent="intake")
        )
        clock.pass_by(SECONDS)
        await durable.fire()

        claim = await taken(durable)
        assert (claim.agent_key, claim.bodies) == ("intake", (EVENT,))

    @rule
    async def test_an_event_for_an_agent_comes_to_that_agent(self, durable: DurableStore, clock: Clock) -> None:
        await silent(durable)
        await durable.schedule(Timer(conversation_id="ada", timer_id="pay", due=HOUR / 2, body=EVENT, agent_key="pays"))
        clock.pass_by(SECONDS / 2)
        await durable.fire()

        assert (await taken(durable)).agent_key == "pays"

    @rule
    async def test_an_erased_conversation_takes_its_timers_along(self, durable: DurableStore, clock: Clock) -> None:
        await silent(durable)
        await durable.schedule(Timer(conversation_id="ada", timer_id="pay", due=HOUR, body=EVENT))
        await durable.erase("ada")
        clock.pass_by(SECONDS)

        assert (await durable.timers("ada"), await durable.fire()) == ([], [])


async def silent(store: DurableStore, conversation: str = "ada") -> None:
    """A conversation with a turn behind it, in which something is done about the silence in an hour."""
    claim = await begun(store, conversation=conversation)
    await store.finish(claim, until_then(claim))


def until_then(claim: Claim) -> Finished:
    """The end of a turn behind which an hour of silence means something."""
    return replace(end(claim), silence=Silence(after=HOUR, body=IDLE))

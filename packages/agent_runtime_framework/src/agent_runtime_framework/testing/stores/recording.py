"""Rules of the journal: what a turn has done outlives whoever did it, and ends with the turn."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from agent_runtime_framework.store.delivery import DurableStore, Entry
from agent_runtime_framework.testing.stores.bench import DeliveryRules, rule
from agent_runtime_framework.testing.stores.samples import ME, PAID, PAYS, THOUGHT, TTL, begun, end, message, taken

EVERYTHING = Entry(
    no=2,
    kind="tool",
    outcome={"text": "ok", "nested": [{"a": None, "b": 1.5, "c": True}]},
    name="pay",
    call_id="c2",
    effect="idempotent",
    state='{"n":2}',
    notes={"asked": 1},
)


class RecordRules(DeliveryRules):
    """Outcomes are kept with the state after them, and brought along by the next claim."""

    @rule
    async def test_an_entry_comes_back_with_all_that_it_tells(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        kinds = [Entry(no=0, kind="heard", outcome={}), Entry(no=1, kind="said", outcome={"text": ""}), EVERYTHING]
        await durable.record(claim, kinds, TTL)
        await durable.release(claim)

        assert (await taken(durable)).entries == tuple(kinds)

    @rule
    async def test_entries_come_back_in_the_order_of_their_numbers(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        entries = [Entry(no=number, kind="tool", outcome={"n": number}) for number in range(12)]
        await durable.record(claim, entries[6:], TTL)
        await asyncio.gather(*(durable.record(claim, [each], TTL) for each in reversed(entries[:6])))
        await durable.release(claim)

        assert (await taken(durable)).entries == tuple(entries)

    @rule
    async def test_an_outcome_takes_the_place_of_the_intention(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.record(claim, [THOUGHT, PAYS], TTL)
        await durable.record(claim, [PAID], TTL)
        await durable.release(claim)

        assert (await taken(durable)).entries == (THOUGHT, PAID)

    @rule
    async def test_a_later_entry_replaces_the_whole_of_an_earlier_one(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.record(claim, [replace(EVERYTHING, no=0)], TTL)
        await durable.record(claim, [THOUGHT], TTL)
        await durable.release(claim)

        assert (await taken(durable)).entries == (THOUGHT,)

    @rule
    async def test_what_is_recorded_is_not_yet_said(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.record(claim, [PAID], TTL)

        stored = await durable.load("ada", "quote")
        assert (stored.messages, stored.state, stored.revision) == ([], None, 0)

    @rule
    async def test_what_was_recorded_is_forgotten_when_the_turn_has_ended(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.record(claim, [THOUGHT, PAID], TTL)
        await durable.accept(message("m2"))
        following = await durable.finish(claim, end(claim), ME)
        assert following is not None
        assert following.entries == ()
        await durable.release(following)

        assert (await taken(durable)).entries == ()

    @rule
    async def test_every_conversation_has_a_journal_of_its_own(self, durable: DurableStore) -> None:
        ada, bob = await begun(durable), await begun(durable, conversation="bob")
        await durable.record(ada, [PAID], TTL)
        await durable.record(bob, [THOUGHT], TTL)
        await durable.finish(ada, end(ada))
        await durable.release(bob)

        assert (await taken(durable, conversation="bob")).entries == (THOUGHT,)

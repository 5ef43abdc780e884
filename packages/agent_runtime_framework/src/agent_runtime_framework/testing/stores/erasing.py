"""Rules of whole conversations: gone with everything of them, or put back as they were."""

from __future__ import annotations

from datetime import timedelta

import pytest

from agent_runtime_framework.errors import ConfigurationError, ConversationBusy, LeaseLost
from agent_runtime_framework.store.delivery import DurableStore
from agent_runtime_framework.store.operations import Wanted
from agent_runtime_framework.store.protocol import Stored
from agent_runtime_framework.testing.stores.bench import Clock, DeliveryRules, rule
from agent_runtime_framework.testing.stores.samples import THOUGHT, TTL, begun, end, message, status_of


class EraseRules(DeliveryRules):
    """Who still works on an erased conversation can write no more, also not into a later one of its name."""

    @rule
    async def test_an_erased_conversation_is_gone_with_everything_of_it(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.finish(claim, end(claim))

        assert await durable.erase("ada")
        assert await durable.load("ada", "quote") == Stored()
        assert await status_of(durable, "m1") is None
        assert (await durable.turns("ada"), await durable.conversations()) == ([], [])
        assert await durable.export("ada") is None
        assert not await durable.erase("ada")
        assert (await durable.accept(message("m1"))).is_new

    @rule
    async def test_erasing_leaves_other_conversations_alone(self, durable: DurableStore) -> None:
        for name in ("ada", "bob"):
            claim = await begun(durable, conversation=name)
            await durable.finish(claim, end(claim))
        await durable.erase("ada")

        assert len((await durable.load("bob", "quote")).messages) == 2
        assert await status_of(durable, "m1", "bob") == "answered"

    @rule
    async def test_a_conversation_is_not_erased_while_a_turn_of_it_is_run(self, durable: DurableStore) -> None:
        claim = await begun(durable)

        with pytest.raises(ConversationBusy):
            await durable.erase("ada")
        await durable.finish(claim, end(claim))
        assert len((await durable.load("ada", "quote")).messages) == 2

    @rule
    async def test_who_works_on_an_erased_conversation_writes_nothing_more(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.erase("ada", force=True)
        later = await begun(durable)

        with pytest.raises(LeaseLost):
            await durable.record(claim, [THOUGHT], TTL)
        with pytest.raises(LeaseLost):
            await durable.finish(claim, end(claim))
        assert await durable.renew([claim, later], TTL) == ["lost", None]

    @rule
    async def test_an_exported_conversation_can_be_put_back(self, durable: DurableStore) -> None:
        claim = await begun(durable)
        await durable.finish(claim, end(claim))
        before = await durable.load("ada", "quote"), await durable.turns("ada"), await durable.outcome("ada", "m1")
        document = await durable.export("ada")
        assert document is not None
        with pytest.raises(ConfigurationError):
            await durable.restore(document)
        await durable.erase("ada")
        await durable.restore(document)

        after = await durable.load("ada", "quote"), await durable.turns("ada"), await durable.outcome("ada", "m1")
        assert after == before
        assert not (await durable.accept(message("m1"))).is_new

    @rule
    async def test_only_what_is_old_and_done_with_is_pruned(self, durable: DurableStore, clock: Clock) -> None:
        for name in ("old", "busy", "new"):
            if name == "new":
                clock.pass_by(3600)
            claim = await begun(durable, conversation=name)
            await durable.finish(claim, end(claim))
            if name == "busy":
                await durable.accept(message("m2", conversation=name))

        assert await durable.prune(Wanted(older_than=timedelta(minutes=30))) == ["old"]
        assert sorted(each.conversation_id for each in await durable.conversations()) == ["busy", "new"]

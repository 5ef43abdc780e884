"""Somebody changes a conversation while a turn of it runs."""

from __future__ import annotations

import asyncio

import pytest
from corner_shop import Held, Ledger, Shop, first_calls

from agent_runtime_framework.runtime import Runtime


@pytest.mark.asyncio
async def test_a_state_that_was_changed_during_a_turn_stays_and_the_turn_ends_politely() -> None:
    llm, ledger = Held(first_calls("charge")), Ledger()
    ledger.may_go_on.clear()
    async with Runtime("memory://", agents=[Shop.agent(llm, provide=[ledger])], apology="Sorry.") as chats:
        await chats.accept("ada", "hi", message_id="m1")
        await ledger.has_begun.wait()
        await chats.store.save_state("ada", "shop", '{"step":"choose","count":70}')
        ledger.may_go_on.set()

        reply = await asyncio.wait_for(chats.reply_to("ada", "m1"), 5)
        assert (reply.status, reply.stopped_reason) == ("failed", "failed:ConversationConflict")
        assert (await chats.state("ada")).count == 70
        # What was done is told, so that the next turn knows of it.
        assert [each.content for each in await chats.history("ada") if each.role == "tool"] == ["Charged."]
        assert (await asyncio.wait_for(chats.send("ada", "again"), 5)).text == "Charged."
        assert (await chats.state("ada")).count == 80

"""Approvals and handing over, on PostgreSQL as on SQLite."""

from __future__ import annotations

import pytest
from corner_shop import Held, Ledger, echo, first_calls
from help_desk import Desk

from agent_runtime_framework.runtime import Runtime


@pytest.mark.asyncio
async def test_calls_wait_and_conversations_are_handed_over(postgres_url: str) -> None:
    ledger, llm = Ledger(), Held(first_calls("add", "pay"))
    agents = [Desk.agent(llm, provide=[ledger])]
    async with Runtime(postgres_url, agents) as chats:
        paused = await chats.send("ada", "pay", message_id="m1")
        assert paused.status == "paused"
        assert list(paused.pending) == await chats.pending("ada") == await chats.pending()
    async with Runtime(postgres_url, agents) as chats:
        assert await chats.approve("ada", paused.pending[0].call_id, by="anna") is True
        assert await chats.approve("ada", paused.pending[0].call_id, by="anna") is False
        assert (await chats.reply_to("ada", "m1")).text == "added paid"
        await chats.send("ada", "again", message_id="m2")
        assert await chats.hand_over("ada", to="anna", reason="she knows them")
        assert (await chats.reply_to("ada", "m2")).status == "superseded"
        assert (await chats.send("ada", "hello")).stopped_reason == "handed_off"
        await chats.say("ada", "Anna here.", by="anna")
        assert [each.to for each in await chats.handed_over()] == ["anna"]
        assert await chats.hand_back("ada", by="anna", step="serve")
        assert await chats.handed_over() == []
        await chats.send("ada", "again", message_id="m3")
        llm._reply = echo  # pyright: ignore[reportPrivateUsage]  the model of the next turn
        assert (await chats.send("ada", "no", policy="interrupt")).text == "You said: no"
        assert await chats.erase("ada")
    assert ledger.done == ["pay"]

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from agent_runtime_framework.journey import Journey, step
from agent_runtime_framework.runtime import Runtime
from agent_runtime_framework.testing import ScriptedLLM, call, say
from agent_runtime_framework.testing.invariants import broken_invariants


class Desk(Journey):
    """A desk."""

    serving = step("Serve them.")

    @serving.tool(effect="once", requires_approval=True)
    async def pay(self) -> str:
        """Pay."""
        return "paid"


@pytest_asyncio.fixture
async def place(tmp_path: Path) -> AsyncIterator[Path]:
    """A store with two turns; a person was asked in the first, and is being asked in the second."""
    llm = ScriptedLLM(call("pay"), say("Paid."), call("pay"))
    async with Runtime(f"sqlite:///{tmp_path}/chat.db", [Desk], llm_client=llm) as chats:
        first = await chats.send("ada", "pay", message_id="m1")
        await chats.approve("ada", first.pending[0].call_id, by="anna")
        await chats.reply_to("ada", "m1")
        assert (await chats.send("ada", "pay again", message_id="m2")).status == "paused"
    yield tmp_path / "chat.db"


@pytest.mark.asyncio
async def test_nothing_is_wrong_with_a_store_in_use(place: Path) -> None:
    assert broken_invariants(place, at_rest=False) == []


@pytest.mark.asyncio
async def test_a_turn_that_waits_for_a_person_is_not_at_rest(place: Path) -> None:
    assert "conversation 'ada' has a turn that has not ended" in broken_invariants(place)


BROKEN = {
    "has a gap in its messages": "DELETE FROM messages WHERE seq = 2",
    "has a gap in its turns": "DELETE FROM turns WHERE no = 2",
    "has a gap in its inbox": "DELETE FROM inbox WHERE no = 1",
    "has fewer changes than turns that ended": "UPDATE conversations SET revision = 0",
    "has a message with another outcome than its turn": "UPDATE inbox SET status = 'cancelled' WHERE no = 1",
    "rests, and is owned or has no turn": "UPDATE conversations SET running = NULL",
    "asks a person about a call of a turn that does not rest": "UPDATE approvals SET turn = 1 WHERE turn = 2",
    "has a decision that nobody made at any time": "UPDATE approvals SET decided_at = NULL",
    "about which a person was asked": "UPDATE approvals SET call_id = 'other' WHERE turn = 1",
    "has calls without a result": "UPDATE messages SET body = json_set(body, '$.role', 'user') WHERE role = 'tool'",
}


@pytest.mark.asyncio
@pytest.mark.parametrize("complaint", BROKEN)
async def test_what_is_wrong_is_said(complaint: str, place: Path, tmp_path: Path) -> None:
    broken = shutil.copy(place, tmp_path / "broken.db")
    connection = sqlite3.connect(broken)
    connection.execute(BROKEN[complaint])
    connection.commit()
    connection.close()

    assert [each for each in broken_invariants(broken, at_rest=False) if complaint in each]

"""How messages that are delivered are kept in a SQLite file, beyond the rules that hold for every store."""

from __future__ import annotations

import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from agent_runtime_framework.errors import ConversationBusy, LeaseLost
from agent_runtime_framework.store import Commit
from agent_runtime_framework.store.delivery import Claim, Entry, Finished, Incoming, Lease, Policy
from agent_runtime_framework.store.sql import delivery
from agent_runtime_framework.store.sqlite import SQLiteStore

TTL = timedelta(seconds=30)
ME = Lease(owner="me", ttl=TTL)


def message(message_id: str, policy: Policy = "queue", max_waiting: int = 100) -> Incoming:
    return Incoming(
        conversation_id="ada",
        message_id=message_id,
        default_agent="quote",
        body={"role": "user", "content": "hi"},
        policy=policy,
        max_waiting=max_waiting,
    )


async def begun(store: SQLiteStore) -> Claim:
    claim = (await store.accept(message("m1"), ME)).claim
    assert claim is not None
    return claim


def end(claim: Claim) -> Finished:
    commit = Commit(conversation_id="ada", agent_key="quote", revision=0, messages=claim.bodies, state="{}")
    return Finished(commit=commit, ending="answered", reply="Hello.", receipt={"stopped_reason": "text_response"})


@pytest.mark.asyncio
async def test_a_refusal_says_why() -> None:
    store = SQLiteStore(":memory:")
    claim = await begun(store)
    await store.accept(message("m2"))

    with pytest.raises(ConversationBusy, match="the policy is 'reject'"):
        await store.accept(message("m3", "reject"))
    with pytest.raises(ConversationBusy, match="1 messages are waiting already"):
        await store.accept(message("m3", max_waiting=1))
    await store.release(claim)
    with pytest.raises(LeaseLost, match="turn 1 of conversation 'ada'"):
        await store.finish(claim, end(claim))
    await store.aclose()


@pytest.mark.asyncio
async def test_nothing_of_a_finished_turn_is_kept_twice(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    claim = await begun(store)
    await store.record(claim, [Entry(no=0, kind="model", outcome={}, state="{}")], TTL)
    await store.finish(claim, end(claim))
    await store.aclose()

    with sqlite3.connect(tmp_path / "chat.db") as connection:
        assert connection.execute("SELECT count(*) FROM journal").fetchone() == (0,)
        assert connection.execute("SELECT body FROM inbox").fetchall() == [(None,)]
        assert connection.execute("SELECT epoch, lease_owner, running FROM conversations").fetchone() == (1, None, None)
    connection.close()


@pytest.mark.asyncio
async def test_no_operation_of_a_turn_reads_what_is_done_with(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    claim = await begun(store)
    await store.finish(claim, end(claim))
    await store.aclose()
    connection = sqlite3.connect(tmp_path / "chat.db")
    statements = [
        value
        for name, value in vars(delivery).items()
        if name.isupper() and isinstance(value, str) and "inbox" in value and value.lstrip()[:6] in ("SELECT", "UPDATE")
    ]
    plans = [
        row[3]
        for statement in statements
        for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", [None] * parameters(statement))
    ]
    connection.close()

    assert [plan for plan in plans if "inbox" in plan or " i " in plan]
    wrong = ("SCAN inbox USING PRIMARY", "SEARCH inbox USING PRIMARY KEY (conversation=?)")
    assert [plan for plan in plans if plan in ("SCAN inbox", "SCAN i") or plan in wrong] == []


def parameters(statement: str) -> int:
    numbered = [int(number) for number in re.findall(r"\?(\d)", statement)]
    return max(numbered) if numbered else statement.count("?")

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agent_runtime_framework.store.sql import timers
from agent_runtime_framework.store.sqlite import SQLiteStore
from agent_runtime_framework.store.timers import Timer


@pytest.mark.asyncio
async def test_looking_for_what_is_due_reads_two_indexes_and_nothing_else(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "chat.db")
    await store.schedule(Timer(conversation_id="ada", timer_id="pay", due=timedelta(hours=1), body={}))
    await store.aclose()

    query = next(timers.due(datetime(2026, 1, 1, tzinfo=UTC), 100))
    connection = sqlite3.connect(tmp_path / "chat.db")
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query[0]}", query[1])]
    connection.close()

    assert any("USING INDEX conversations_idle" in line for line in plan), plan
    assert any("INDEX timers_due" in line for line in plan), plan
    assert not [line for line in plan if line.startswith("SCAN")], plan

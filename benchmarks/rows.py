"""The hand-written way to keep a turn in SQLite: one transaction of the same rows, nothing else."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

from benchmarks.intake import HandWritten, InstantModel

SCHEMA = """
create table conversations (id text primary key, revision integer, updated_at text) strict;
create table states (conversation text, agent text, state text, step text, primary key (conversation, agent)) strict;
create table turns (conversation text, no integer, agent text, step text, primary key (conversation, no)) strict;
create table messages (
    conversation text, seq integer, turn integer, role text, call_id text, body text,
    primary key (conversation, seq)
) strict;
"""


class HandWrittenOnSqlite:
    """The hand-written loop, with a transaction at the end of every turn."""

    def __init__(self, path: Path, conversation: str = "c") -> None:
        self.loop = HandWritten(InstantModel())
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("pragma journal_mode = wal")
        self.connection.execute("pragma synchronous = full")
        self.connection.executescript(SCHEMA)
        self.connection.execute("insert into conversations values (?, 0, '')", (conversation,))
        self.conversation = conversation
        self.revision = 0
        self.seq = 0

    async def turn(self, text: str) -> None:
        _, new, state = await self.loop.turn(text)
        execute = self.connection.execute
        execute("begin immediate")
        self.revision += 1
        changed = execute(
            "update conversations set revision = ?, updated_at = datetime() where id = ? and revision = ?",
            (self.revision, self.conversation, self.revision - 1),
        )
        if changed.rowcount != 1:
            raise RuntimeError("somebody else was faster")
        step = state["step"]
        execute(
            "insert into states values (?, ?, ?, ?)"
            " on conflict do update set state = excluded.state, step = excluded.step",
            (self.conversation, "intake", json.dumps(state), step),
        )
        execute("insert into turns values (?, ?, ?, ?)", (self.conversation, self.revision, "intake", step))
        rows = [self._row(message) for message in new]
        self.connection.executemany("insert into messages values (?, ?, ?, ?, ?, ?)", rows)
        execute("commit")

    def _row(self, message: dict[str, Any]) -> tuple[Any, ...]:
        self.seq += 1
        body = json.dumps(message)
        return self.conversation, self.seq, self.revision, message["role"], message.get("tool_call_id"), body

"""What has to be true of a store of conversations, whatever happened to the processes that used it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

from agent_runtime_core.interfaces import JSONObject

_GAPS = {
    "messages": """
        SELECT c.id FROM conversations AS c LEFT JOIN messages AS m ON m.conversation = c.key GROUP BY c.key
        HAVING count(m.seq) <> c.next_seq - c.oldest_seq
        OR (count(m.seq) > 0 AND (min(m.seq) <> c.oldest_seq OR max(m.seq) <> c.next_seq - 1))""",
    "turns": """
        SELECT c.id FROM conversations AS c LEFT JOIN turns AS t ON t.conversation = c.key GROUP BY c.key
        HAVING count(t.no) <> c.next_turn - 1 OR (count(t.no) > 0 AND max(t.no) <> c.next_turn - 1)""",
    "inbox": """
        SELECT c.id FROM conversations AS c LEFT JOIN inbox AS i ON i.conversation = c.key GROUP BY c.key
        HAVING count(i.no) <> c.next_inbox - 1 OR (count(i.no) > 0 AND max(i.no) <> c.next_inbox - 1)""",
}
_UNFINISHED = {
    "has messages without an outcome": """
        SELECT DISTINCT c.id FROM inbox AS i JOIN conversations AS c ON c.key = i.conversation
        WHERE i.status IN ('waiting', 'running')""",
    "has a turn that has not ended": """
        SELECT DISTINCT c.id FROM turns AS t JOIN conversations AS c ON c.key = t.conversation
        WHERE t.ended_at IS NULL OR t.status = 'running' OR c.running IS NOT NULL""",
    "is still owned by somebody": "SELECT id FROM conversations WHERE lease_owner IS NOT NULL",
    "has journal entries of ended turns": """
        SELECT DISTINCT c.id FROM journal AS j JOIN conversations AS c ON c.key = j.conversation""",
}
_AT_ODDS = {
    "has fewer changes than turns that ended": """
        SELECT c.id FROM conversations AS c JOIN turns AS t ON t.conversation = c.key WHERE t.ended_at IS NOT NULL
        GROUP BY c.id, c.revision HAVING count(*) > c.revision""",
    "has a message with another outcome than its turn": """
        SELECT DISTINCT c.id FROM inbox AS i JOIN conversations AS c ON c.key = i.conversation
        LEFT JOIN turns AS t ON t.conversation = i.conversation AND t.no = i.turn
        WHERE i.turn IS NOT NULL AND i.status <> 'merged' AND (t.status IS NULL OR t.status <> i.status)""",
    "rests, and is owned or has no turn": """
        SELECT c.id FROM conversations AS c LEFT JOIN turns AS t ON t.conversation = c.key AND t.no = c.running
        WHERE t.status = 'paused' AND c.lease_owner IS NOT NULL
        OR c.paused_at IS NOT NULL AND t.status IS NULL""",
    "asks a person about a call of a turn that does not rest": """
        SELECT DISTINCT c.id FROM approvals AS a JOIN conversations AS c ON c.key = a.conversation
        LEFT JOIN turns AS t ON t.conversation = a.conversation AND t.no = a.turn
        WHERE a.status = 'waiting' AND (t.status IS NULL OR t.status <> 'paused')""",
    "has a decision that nobody made at any time": """
        SELECT DISTINCT c.id FROM approvals AS a JOIN conversations AS c ON c.key = a.conversation
        WHERE a.status <> 'waiting' AND a.decided_at IS NULL""",
}
_DECIDED = """
SELECT c.id, a.call_id FROM approvals AS a JOIN conversations AS c ON c.key = a.conversation
JOIN turns AS t ON t.conversation = a.conversation AND t.no = a.turn
WHERE t.ended_at IS NOT NULL AND t.first_seq >= c.oldest_seq"""
_ANSWERED = """
SELECT c.id, m.body ->> 'tool_call_id' FROM messages AS m JOIN conversations AS c ON c.key = m.conversation
WHERE m.body ->> 'role' = 'tool'"""
_MESSAGES = """
SELECT c.id, m.body FROM messages AS m JOIN conversations AS c ON c.key = m.conversation ORDER BY c.key, m.seq"""


Rows: TypeAlias = Callable[[str], "list[tuple[Any, ...]]"]
"""Gives the rows of a statement."""


def broken_invariants(place: str | Path, *, at_rest: bool = True) -> list[str]:
    """What is wrong with a store, one sentence each; empty if nothing is.

    Args:
        place: The file of a SQLite store, or the URL of one in PostgreSQL.
        at_rest: Nothing is left to be done: every message has its outcome, and nobody owns a conversation.
    """

    def rows(statement: str) -> list[tuple[Any, ...]]:
        return select(place, statement)

    found = [*_gaps(rows), *_complaints(rows, _AT_ODDS), *_malformed_histories(rows), *_unanswered_questions(rows)]
    if at_rest:
        found += _complaints(rows, _UNFINISHED)
    if not _is_postgres(place):
        ((verdict,),) = rows("PRAGMA integrity_check")
        found += [] if verdict == "ok" else [f"the file is damaged: {verdict}"]
    return found


def select(place: str | Path, statement: str) -> list[tuple[Any, ...]]:
    """The rows of a statement on a store, read beside whoever uses it.

    Args:
        place: The file of a SQLite store, or the URL of one in PostgreSQL.
        statement: SQL that both understand.
    """
    if _is_postgres(place):
        # In a thread, because an event loop may be running here.
        with ThreadPoolExecutor(1) as executor:
            return executor.submit(asyncio.run, _select(str(place), statement)).result()
    connection = sqlite3.connect(f"file:{place}?mode=ro", uri=True)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


async def _select(url: str, statement: str) -> list[tuple[Any, ...]]:
    from agent_runtime_framework.store.postgres.address import Address
    from agent_runtime_framework.store.postgres.driver import connect

    address = Address.parse(url)
    connection = await connect(address.dsn, schema=address.schema)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close(timeout=5)


def _is_postgres(place: str | Path) -> bool:
    return str(place).startswith(("postgresql://", "postgres://"))


def _gaps(rows: Rows) -> Iterator[str]:
    for table, query in _GAPS.items():
        for (conversation_id,) in rows(query):
            yield f"conversation {conversation_id!r} has a gap in its {table}"


def _complaints(rows: Rows, queries: Mapping[str, str]) -> Iterator[str]:
    for complaint, query in queries.items():
        for (conversation_id,) in rows(query):
            yield f"conversation {conversation_id!r} {complaint}"


def _unanswered_questions(rows: Rows) -> Iterator[str]:
    """What a person was asked about has a result, whatever was decided."""
    asked = rows(_DECIDED)
    answered = set(rows(_ANSWERED)) if asked else set[tuple[Any, ...]]()
    for conversation_id, call_id in asked:
        if (conversation_id, call_id) not in answered:
            yield f"conversation {conversation_id!r} has no result for {call_id!r}, about which a person was asked"


def _malformed_histories(rows: Rows) -> Iterator[str]:
    """Every call has exactly one result, right behind the message that made it."""
    waiting: dict[str, list[str]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for conversation_id, body in rows(_MESSAGES):
        message: JSONObject = json.loads(body)
        expected = waiting.pop(conversation_id, [])
        if message["role"] == "tool":
            if not expected or expected[0] != message["tool_call_id"]:
                yield f"conversation {conversation_id!r} has a result for {message['tool_call_id']!r} out of place"
            expected = expected[1:]
        elif expected:
            yield f"conversation {conversation_id!r} has calls without a result: {expected}"
            expected = []
        for call in message.get("tool_calls") or ():
            seen[conversation_id, call["id"]] += 1
            expected.append(call["id"])
        if expected:
            waiting[conversation_id] = expected
    for conversation_id, expected in waiting.items():
        yield f"conversation {conversation_id!r} ends with calls without a result: {expected}"
    for (conversation_id, call_id), count in seen.items():
        if count > 1:
            yield f"conversation {conversation_id!r} has call {call_id!r} {count} times"

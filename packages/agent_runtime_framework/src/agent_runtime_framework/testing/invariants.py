"""What has to be true of a store of conversations, whatever happened to the processes that used it."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

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
_MESSAGES = """
SELECT c.id, m.body FROM messages AS m JOIN conversations AS c ON c.key = m.conversation ORDER BY c.key, m.seq"""


def broken_invariants(path: str | Path, *, at_rest: bool = True) -> list[str]:
    """What is wrong with a SQLite store, one sentence each; empty if nothing is.

    Args:
        path: The file.
        at_rest: Nothing is left to be done: every message has its outcome, and nobody owns a conversation.
    """
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        found = list(_gaps(connection))
        found += _malformed_histories(connection)
        if at_rest:
            found += _left_over(connection)
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        return found if verdict == "ok" else [*found, f"the file is damaged: {verdict}"]
    finally:
        connection.close()


def _gaps(connection: sqlite3.Connection) -> Iterator[str]:
    for table, query in _GAPS.items():
        for (conversation_id,) in connection.execute(query):
            yield f"conversation {conversation_id!r} has a gap in its {table}"


def _left_over(connection: sqlite3.Connection) -> Iterator[str]:
    for complaint, query in _UNFINISHED.items():
        for (conversation_id,) in connection.execute(query):
            yield f"conversation {conversation_id!r} {complaint}"


def _malformed_histories(connection: sqlite3.Connection) -> Iterator[str]:
    """Every call has exactly one result, right behind the message that made it."""
    waiting: dict[str, list[str]] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for conversation_id, body in connection.execute(_MESSAGES):
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

"""What readers ask of conversations: pages of messages, and where each one stands."""

from __future__ import annotations

from collections.abc import Sequence

from agent_runtime_framework.store.sql.unit import Ask, Row, Unit

MOST_IDS = 100
"""About how many conversations one statement asks."""

_ENDED = """
SELECT id, next_turn - 1 - CASE WHEN running IS NULL THEN 0 ELSE 1 END FROM conversations WHERE id IN ({marks})"""
_PAGE = """
SELECT m.seq, m.turn, m.body, t.ended_at FROM messages AS m
JOIN turns AS t ON t.conversation = m.conversation AND t.no = m.turn
WHERE m.conversation = (SELECT key FROM conversations WHERE id = ?1) AND m.seq < ?2
ORDER BY m.seq DESC LIMIT ?3"""
_OF_TURN = """
SELECT m.seq, m.turn, m.body, t.ended_at FROM turns AS t
JOIN messages AS m ON m.conversation = t.conversation AND m.seq >= t.first_seq AND m.turn = t.no
WHERE t.conversation = (SELECT key FROM conversations WHERE id = ?1) AND t.no = ?4 AND m.seq < ?2 AND m.seq < (
    SELECT coalesce(min(n.first_seq), ?2) FROM turns AS n WHERE n.conversation = t.conversation AND n.no = ?4 + 1)
ORDER BY m.seq DESC LIMIT ?3"""
_HOLDING = """
SELECT c.id FROM conversations AS c JOIN inbox AS i ON i.conversation = c.key AND i.message_id = ?1
WHERE c.id >= ?2 AND c.id < ?3 ORDER BY c.updated_at DESC, c.key DESC LIMIT ?4"""

_LAST = 2**53


def ended(conversation_ids: Sequence[str]) -> Unit[dict[str, int]]:
    """The last turn that has ended, by conversation."""
    marks = ", ".join("?" for _ in conversation_ids)
    rows = yield Ask(_ENDED.format(marks=marks), tuple(conversation_ids))
    return dict(rows)


def messages(conversation_id: str, before: int | None, turn: int | None, limit: int) -> Unit[list[Row]]:
    """The last messages before a number, oldest first: number, turn, body, when."""
    values = (conversation_id, _LAST if before is None else before, limit)
    rows = yield (Ask(_PAGE, values) if turn is None else Ask(_OF_TURN, (*values, turn)))
    return rows[::-1]


def holding(message_id: str, prefix: str, limit: int) -> Unit[list[str]]:
    """The conversations of such names in which a message was accepted."""
    rows = yield Ask(_HOLDING, (message_id, prefix, f"{prefix}\U0010ffff", limit))
    return [conversation_id for (conversation_id,) in rows]

"""What is stored of conversations that are not over: what one transaction reads."""

from __future__ import annotations

from agent_runtime_framework.store.live import LiveConversation
from agent_runtime_framework.store.sql.delivery import entry_of
from agent_runtime_framework.store.sql.unit import Ask, Unit

_LIVE = """
SELECT c.key, c.id, s.state, coalesce(s.version, 1), t.no
FROM conversations AS c
LEFT JOIN states AS s ON s.conversation = c.key AND s.agent_key = ?1
LEFT JOIN turns AS t ON t.conversation = c.key AND t.no = c.running AND t.agent_key = ?1
WHERE c.id > ?2 AND (s.state IS NOT NULL OR t.no IS NOT NULL) AND (t.no IS NOT NULL OR (
    SELECT o.receipt ->> 'over' FROM turns AS o
    WHERE o.conversation = c.key AND o.agent_key = ?1 AND o.ended_at IS NOT NULL ORDER BY o.no DESC LIMIT 1
) IS NULL)
ORDER BY c.id LIMIT ?3"""
_RECORDED = """
SELECT no, kind, outcome, name, call_id, effect, state, notes FROM journal
WHERE conversation = ? AND turn = ? ORDER BY no"""


def live(agent_key: str, after: str, limit: int) -> Unit[list[LiveConversation]]:
    """A page of the conversations of an agent that are not over, by id."""
    rows = yield Ask(_LIVE, (agent_key, after, limit))
    found: list[LiveConversation] = []
    for key, conversation_id, state, version, turn in rows:
        entries = [] if turn is None else (yield Ask(_RECORDED, (key, turn)))
        found.append(
            LiveConversation(
                conversation_id=conversation_id,
                state=state,
                version=version,
                turn=turn,
                entries=tuple(entry_of(row) for row in entries),
            )
        )
    return found

"""Timers: what one transaction does about what is to come, and what is due."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from uuid import uuid4

from agent_runtime_framework.store.sql.delivery import to_json
from agent_runtime_framework.store.sql.unit import Ask, Unit, one, stamp
from agent_runtime_framework.store.timers import SILENCE, PendingTimer, Timer
from agent_runtime_framework.toolcalls import clean_text

# Nobody is silent while a turn runs, waits for somebody, or while a person has the chat.
_SILENT = """running IS NULL AND handoff IS NULL AND NOT EXISTS (
    SELECT 1 FROM inbox INDEXED BY inbox_waiting
    WHERE inbox.conversation = conversations.key AND inbox.status = 'waiting')"""
_DUE = f"""
SELECT key, NULL, idle_due FROM conversations WHERE idle_due <= ?1 AND {_SILENT}
UNION ALL
SELECT conversation, id, due_at FROM timers WHERE due_at <= ?1
ORDER BY 3 LIMIT ?2"""
_BREAK_SILENCE = f"""
UPDATE conversations SET idle_due = NULL, next_inbox = next_inbox + 1
WHERE key = ?1 AND idle_due <= ?2 AND {_SILENT}
RETURNING id, next_inbox - 1, agent_key, idle"""
_LOCK = "SELECT id FROM conversations WHERE key = ? /* lock */"
_TAKE = "DELETE FROM timers WHERE conversation = ?1 AND id = ?2 AND due_at <= ?3 RETURNING agent_key, body"
_NUMBER = "UPDATE conversations SET next_inbox = next_inbox + 1 WHERE key = ? RETURNING next_inbox - 1, agent_key"
_PUT = """
INSERT INTO inbox (conversation, no, message_id, agent_key, policy, body, status, accepted_at)
VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)"""

_OPEN = """
INSERT INTO conversations (id, agent_key, epoch, created_at, updated_at)
VALUES (?1, ?2, (SELECT epoch FROM erased), ?3, ?3)
ON CONFLICT (id) DO UPDATE SET agent_key = coalesce(conversations.agent_key, ?2)
RETURNING key"""
_SET = """
INSERT INTO timers (conversation, id, due_at, agent_key, body) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (conversation, id) DO UPDATE SET
    due_at = excluded.due_at, agent_key = excluded.agent_key, body = excluded.body"""
_UNSET = """
DELETE FROM timers WHERE conversation = (SELECT key FROM conversations WHERE id = ?) AND id = ? RETURNING id"""
_PENDING = """
SELECT t.id, t.due_at, t.body FROM timers AS t JOIN conversations AS c ON c.key = t.conversation WHERE c.id = ?1
UNION ALL
SELECT '', idle_due, idle FROM conversations WHERE id = ?1 AND idle_due IS NOT NULL
ORDER BY 2"""


def schedule(timer: Timer, now: datetime) -> Unit[str]:
    """Set a timer, or move it; returns when it is due."""
    due = stamp(now + timer.due if isinstance(timer.due, timedelta) else timer.due)
    row = yield from one(_OPEN, (timer.conversation_id, timer.agent_key or timer.default_agent, stamp(now)))
    assert row is not None  # it was made sure of
    yield Ask(_SET, (row[0], timer.timer_id, due, timer.agent_key, clean_text(to_json(timer.body))))
    return due


def unschedule(conversation_id: str, timer_id: str) -> Unit[bool]:
    """Forget a timer; False if there is none."""
    return (yield from one(_UNSET, (conversation_id, timer_id))) is not None


def pending(conversation_id: str) -> Unit[list[PendingTimer]]:
    """The timers of a conversation, the next one first."""
    rows = yield Ask(_PENDING, (conversation_id,))
    return [PendingTimer(timer_id=each, due_at=due, body=json.loads(body)) for each, due, body in rows]


def due(now: datetime, limit: int) -> Unit[list[tuple[int, str | None]]]:
    """What is due: the keys of conversations, with the timer's name or None for their silence."""
    rows = yield Ask(_DUE, (stamp(now), limit))
    return [(key, timer_id) for key, timer_id, _ in rows]


def fire(key: int, timer_id: str | None, now: datetime) -> Unit[tuple[str, str] | None]:
    """Put what is due into the inbox; None if somebody was faster, or it has been moved.

    Returns:
        conversation_id and message_id.
    """
    if timer_id is None:
        row = yield from one(_BREAK_SILENCE, (key, stamp(now)))
        if row is None:
            return None
        conversation_id, no, agent_key, body = row
        policy, message_id = SILENCE, f"silence-{uuid4().hex}"
    else:
        # The conversation first, as everywhere: whoever holds it may be about to change its timers.
        held = yield from one(_LOCK, (key,))
        row = yield from one(_TAKE, (key, timer_id, stamp(now)))
        if held is None or row is None:
            return None
        (conversation_id,), (wanted, body) = held, row
        numbered = yield from one(_NUMBER, (key,))
        assert numbered is not None  # it is held
        no, agent_key = numbered[0], wanted or numbered[1]
        policy, message_id = "queue", f"timer-{uuid4().hex}"
    yield Ask(_PUT, (key, no, message_id, agent_key, policy, body, stamp(now)))
    return conversation_id, message_id

"""Turns that wait for a person, and conversations a person has taken over: the pieces that transactions share."""

from __future__ import annotations

import json
from datetime import datetime

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.approvals import Decision, PendingCall
from agent_runtime_framework.store.sql.unit import Ask, Unit, stamp

_RUN_AGAIN = "UPDATE turns SET status = 'running', reply = NULL WHERE conversation = ? AND no = ?"
_TAKE_UP_AGAIN = """
UPDATE inbox INDEXED BY inbox_paused SET status = 'running'
WHERE conversation = ? AND turn = ? AND status = 'paused'"""
_UNPAUSE = "UPDATE conversations SET paused_at = NULL WHERE key = ?"
_WITHDRAW = """
UPDATE approvals INDEXED BY approvals_waiting SET status = 'withdrawn', decided_at = ?3
WHERE conversation = ?1 AND turn = ?2 AND status = 'waiting'"""
_DECISIONS = """
SELECT call_id, tool, status, decided_by, note, decided_at FROM approvals
WHERE conversation = ? AND turn = ? AND status IN ('approved', 'rejected') ORDER BY decided_at, call_id"""
_PENDING = """
SELECT c.id, a.call_id, a.tool, a.arguments, a.reason, a.turn, a.asked_at
FROM approvals AS a INDEXED BY approvals_waiting JOIN conversations AS c ON c.key = a.conversation
WHERE a.status = 'waiting' AND (CAST(?1 AS TEXT) IS NULL OR c.id = ?1) ORDER BY a.asked_at, a.call_id LIMIT ?2"""


def wake(key: int, turn: int) -> Unit[None]:
    """Let a paused turn be claimed again."""
    yield Ask(_UNPAUSE, (key,))
    yield Ask(_RUN_AGAIN, (key, turn))
    yield Ask(_TAKE_UP_AGAIN, (key, turn))


def wake_to_end(key: int, turn: int, now: datetime) -> Unit[None]:
    """Let a paused turn be claimed only to be ended: nobody decides about its call any more."""
    yield Ask(_WITHDRAW, (key, turn, stamp(now)))
    yield from wake(key, turn)


def decisions(key: int, turn: int) -> Unit[tuple[Decision, ...]]:
    """What was decided about the calls of a turn."""
    rows = yield Ask(_DECISIONS, (key, turn))
    return tuple(
        Decision(
            call_id=call_id, tool=tool, is_approved=status == "approved", by=by or "", note=note or "", at=at or ""
        )
        for call_id, tool, status, by, note, at in rows
    )


def pending(conversation_id: str | None, limit: int = 1_000) -> Unit[list[PendingCall]]:
    """The calls that wait for a decision, those that have waited longest first."""
    rows = yield Ask(_PENDING, (conversation_id, limit))
    return [
        PendingCall(
            conversation_id=found,
            call_id=call_id,
            tool=tool,
            arguments=json.loads(arguments),
            reason=reason,
            turn=turn,
            since=since,
        )
        for found, call_id, tool, arguments, reason, turn, since in rows
    ]


def handoff_of(text: str | None) -> JSONObject | None:
    """Who has taken over, from the column that holds it."""
    return None if text is None else json.loads(text)

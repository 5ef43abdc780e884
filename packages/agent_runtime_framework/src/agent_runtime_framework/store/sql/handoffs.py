"""Conversations that a person takes over: what one transaction does."""

from __future__ import annotations

from datetime import datetime

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.store.delivery import HandedOver
from agent_runtime_framework.store.sql.delivery import to_json
from agent_runtime_framework.store.sql.pauses import handoff_of, wake_to_end
from agent_runtime_framework.store.sql.unit import Ask, Unit, one, stamp
from agent_runtime_framework.toolcalls import clean_text

_FOUND = "SELECT key, running, paused_at, handoff FROM conversations WHERE id = ? /* lock */"
_HAND_OVER = "UPDATE conversations SET handoff = ?2 WHERE key = ?1"
_STOP = "UPDATE conversations SET stop = 'superseded' WHERE key = ?"
_HANDED_OVER = """
SELECT id, handoff FROM conversations
WHERE handoff IS NOT NULL AND (CAST(?1 AS TEXT) IS NULL OR id = ?1) ORDER BY key LIMIT ?2 OFFSET ?3"""


def hand_over(conversation_id: str, handoff: JSONObject, now: datetime) -> Unit[bool | None]:
    """Give a conversation to a person; None if it is unknown, False if they have it already.

    A turn that waits for an approval ends: whoever takes over sees to what it was about to do.
    """
    row = yield from one(_FOUND, (conversation_id,))
    if row is None:
        return None
    key, running, paused_at, current = row
    known = handoff_of(current)
    if known is not None and known.get("to") == handoff["to"]:
        return False
    yield Ask(_HAND_OVER, (key, clean_text(to_json({**handoff, "since": stamp(now)}))))
    if running is not None and paused_at is not None:
        yield Ask(_STOP, (key,))
        yield from wake_to_end(key, running, now)
    return True


def handed_over(conversation_id: str | None, limit: int, offset: int) -> Unit[list[HandedOver]]:
    """The conversations that persons have taken over."""
    rows = yield Ask(_HANDED_OVER, (conversation_id, limit, offset))
    return [
        HandedOver(conversation_id=found, to=held["to"], reason=held.get("reason", ""), since=held.get("since", ""))
        for found, text in rows
        if (held := handoff_of(text)) is not None
    ]

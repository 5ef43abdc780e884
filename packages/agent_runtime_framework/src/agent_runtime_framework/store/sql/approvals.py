"""Pausing a turn at a call, and deciding about it: what one transaction does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.errors import AlreadyDecided, NotPending
from agent_runtime_framework.store.delivery import Claim, Deciding, Lease
from agent_runtime_framework.store.sql import delivery
from agent_runtime_framework.store.sql.pauses import wake
from agent_runtime_framework.store.sql.unit import Ask, Row, Unit, one, stamp
from agent_runtime_framework.toolcalls import clean_text

_PAUSE = """
UPDATE conversations SET paused_at = ?4, lease_owner = NULL, lease_until = NULL, epoch = epoch + 1
WHERE id = ?1 AND epoch = ?2 AND running = ?3 AND stop IS NULL RETURNING key"""
# A turn that came this far is not one that takes processes with it: its attempts are counted anew.
_REST = "UPDATE turns SET status = 'paused', reply = ?3, attempts = 0 WHERE conversation = ?1 AND no = ?2"
_REST_TOO = """
UPDATE inbox INDEXED BY inbox_running SET status = 'paused'
WHERE conversation = ? AND turn = ? AND status = 'running'"""
_ASK = """
INSERT INTO approvals (conversation, call_id, turn, tool, arguments, reason, status, asked_at)
VALUES (?, ?, ?, ?, ?, ?, 'waiting', ?)
ON CONFLICT (conversation, call_id) DO UPDATE SET
    turn = excluded.turn, status = 'waiting', arguments = excluded.arguments, reason = excluded.reason,
    asked_at = excluded.asked_at"""
_ASKED = """
SELECT a.status, a.turn, a.decided_by, a.decided_at, c.key FROM approvals AS a
JOIN conversations AS c ON c.key = a.conversation WHERE c.id = ? AND a.call_id = ? /* lock */"""
_DECIDE = """
UPDATE approvals SET status = ?3, decided_by = ?4, note = ?5, decided_at = ?6
WHERE conversation = ?1 AND call_id = ?2"""


def pause(
    claim: Claim, rows: Sequence[Row], call: PendingCall, note: str, lease: Lease, now: datetime
) -> Unit[Claim | None]:
    """Let a turn rest at a call; the turn itself again, to be ended, if that was asked for meanwhile."""
    yield from delivery.record(claim, rows, lease.ttl, now)
    row = yield from one(_PAUSE, (claim.conversation_id, claim.epoch, claim.turn, stamp(now)))
    if row is None:
        yield from delivery.release(claim, counts=True)
        return (yield from delivery.claim_turn(claim.conversation_id, lease, now))
    (key,) = row
    yield Ask(_REST, (key, claim.turn, clean_text(note)))
    yield Ask(_REST_TOO, (key, claim.turn))
    arguments = clean_text(delivery.to_json(call.arguments))
    asked = (key, call.call_id, claim.turn, call.tool, arguments, clean_text(call.reason), stamp(now))
    yield Ask(_ASK, asked)
    return None


def decide(conversation_id: str, deciding: Deciding, now: datetime) -> Unit[bool]:
    """Decide about a call, and let its turn go on; False if the same was decided before.

    Raises:
        NotPending: There is no such call, or it is no longer to be decided about.
        AlreadyDecided: It was decided otherwise.
    """
    row = yield from one(_ASKED, (conversation_id, deciding.call_id))
    if row is None:
        raise NotPending(conversation_id, deciding.call_id)
    status, turn, by, at, key = row
    wanted = "approved" if deciding.is_approved else "rejected"
    if status == wanted:
        return False
    if status == "withdrawn":
        raise NotPending(conversation_id, deciding.call_id, ended_at=at)
    if status != "waiting":
        raise AlreadyDecided(conversation_id, deciding.call_id, status, by, at)
    decided = (key, deciding.call_id, wanted, clean_text(deciding.by), clean_text(deciding.note), stamp(now))
    yield Ask(_DECIDE, decided)
    yield from wake(key, turn)
    return True

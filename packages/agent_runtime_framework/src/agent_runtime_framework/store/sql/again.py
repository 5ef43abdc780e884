"""Units that are run again after a commit that got no answer: each looks first whether it was kept.

A unit that has no such form does no harm when it is run twice. What was kept is known by the time it was kept at, and
by who kept it: both are the same in every attempt of one call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.store.delivery import Accepted, Claim, Finished, Incoming, Lease
from agent_runtime_framework.store.protocol import Commit
from agent_runtime_framework.store.sql import approvals, conversations, delivery, operations
from agent_runtime_framework.store.sql.pauses import decisions, handoff_of
from agent_runtime_framework.store.sql.unit import Row, Unit, one, stamp
from agent_runtime_framework.toolcalls import clean_text

# The lock comes first: the attempt before may still be on its way to being kept.
_LOCKED = "SELECT key, lease_owner, lease_until, handoff, paused_at, running FROM conversations WHERE id = ? /* lock */"
_ARRIVED = "SELECT accepted_at FROM inbox WHERE conversation = ? AND message_id = ?"
_ENDED = "SELECT status, ended_at, reply, run_id FROM turns WHERE conversation = ? AND no = ?"
_COMMITTED = """
SELECT t.no FROM turns AS t
WHERE t.conversation = ?1 AND t.ended_at = ?2 AND t.agent_key = ?3
    AND (SELECT count(*) FROM messages AS m WHERE m.conversation = ?1 AND m.turn = t.no) = ?4"""


def accept(message: Incoming, lease: Lease | None, now: datetime) -> Unit[Accepted]:
    """Take a message in, unless it was; then with its claim."""
    accepted = yield from delivery.accept(message, lease, now)
    if accepted.is_new:
        return accepted
    row = yield from _locked(message.conversation_id)
    arrived = None if row is None else (yield from one(_ARRIVED, (row[0], message.message_id)))
    if row is None or arrived is None or arrived[0] != stamp(now):
        return accepted
    claim = None if lease is None else (yield from _standing(message.conversation_id, row, lease, now))
    stopped = row[5] if message.policy == "interrupt" and claim is None else None
    return replace(accepted, is_new=True, claim=claim, stopped_turn=stopped)


def claim_turn(conversation_id: str, lease: Lease, now: datetime, gone: str | None = None) -> Unit[Claim | None]:
    """Claim a turn, unless it was."""
    row = yield from _locked(conversation_id)
    standing = None if row is None else (yield from _standing(conversation_id, row, lease, now))
    return standing or (yield from delivery.claim_turn(conversation_id, lease, now, gone))


def finish(
    claim: Claim, finished: Finished, bodies: Sequence[str], lease: Lease | None, now: datetime
) -> Unit[Claim | None]:
    """End a turn, unless it was; with the claim that follows."""
    row = yield from _locked(claim.conversation_id)
    ended = None if row is None else (yield from one(_ENDED, (row[0], claim.turn)))
    ours = (finished.ending, stamp(now), clean_text(finished.reply), claim.run_id)
    if row is None or ended is None or tuple(ended) != ours:
        return (yield from delivery.finish(claim, finished, bodies, lease, now))
    return None if lease is None else (yield from _standing(claim.conversation_id, row, lease, now))


def pause(
    claim: Claim, rows: Sequence[Row], call: PendingCall, note: str, lease: Lease, now: datetime
) -> Unit[Claim | None]:
    """Let a turn rest, unless it does."""
    row = yield from _locked(claim.conversation_id)
    if row is not None and (row[4], row[5]) == (stamp(now), claim.turn):
        return None
    standing = None if row is None else (yield from _standing(claim.conversation_id, row, lease, now))
    if standing is not None and standing.epoch > claim.epoch:
        return standing
    return (yield from approvals.pause(claim, rows, call, note, lease, now))


def commit_turn(commit: Commit, bodies: Sequence[str], now: str) -> Unit[int]:
    """Keep a turn that was not delivered, unless it was kept."""
    row = yield from _locked(commit.conversation_id)
    values = () if row is None else (row[0], now, commit.agent_key, len(bodies))
    if row is not None and (yield from one(_COMMITTED, values)) is not None:
        return commit.revision + 1
    return (yield from conversations.commit_turn(commit, bodies, now))


def _locked(conversation_id: str) -> Unit[Row | None]:
    return (yield from one(_LOCKED, (conversation_id,)))


def _standing(conversation_id: str, row: Row, lease: Lease, now: datetime) -> Unit[Claim | None]:
    """The claim that an attempt of the same call has got; None if it got none."""
    if (row[1], row[2]) != (lease.owner, stamp(now + lease.ttl)):
        return None
    claim = yield from operations.unfinished(conversation_id)
    if claim is None:
        return None
    return replace(claim, decisions=(yield from decisions(row[0], claim.turn)), handoff=handoff_of(row[3]))

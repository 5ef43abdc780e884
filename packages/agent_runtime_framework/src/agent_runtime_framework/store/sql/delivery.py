"""Messages that are delivered: what one transaction does."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import uuid4

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConversationBusy, ConversationConflict, LeaseLost
from agent_runtime_framework.store.delivery import (
    Accepted,
    Claim,
    Ending,
    Entry,
    Finished,
    Incoming,
    Lease,
    Outcome,
    TurnInfo,
)
from agent_runtime_framework.store.sql.conversations import keep
from agent_runtime_framework.store.sql.pauses import decisions, handoff_of, pending, wake_to_end
from agent_runtime_framework.store.sql.unit import Ask, Each, Row, Unit, one, stamp
from agent_runtime_framework.store.timers import SILENCE
from agent_runtime_framework.toolcalls import clean_text

_OPEN = """
INSERT INTO conversations (id, epoch, created_at, updated_at) VALUES (?1, (SELECT epoch FROM erased), ?2, ?2)
ON CONFLICT (id) DO NOTHING"""
_COLUMNS = """
    key, revision, epoch, lease_owner, lease_until, next_turn, next_inbox, agent_key, running, stop, next_seq,
    paused_at, handoff"""
_HEAD = f"SELECT {_COLUMNS} FROM conversations WHERE id = ? /* lock */"
# The planner has no statistics: unless it is told, it reads all messages a conversation ever had.
_LOOK = f"""
SELECT w.spoken, w.waiting, i.status, t.reply, i.turn, t.receipt ->> 'stopped_reason'
FROM (
    SELECT count(*) AS waiting, count(*) FILTER (WHERE policy <> '{SILENCE}') AS spoken
    FROM inbox INDEXED BY inbox_waiting WHERE conversation = ?1 AND status = 'waiting'
) AS w
LEFT JOIN inbox AS i ON i.conversation = ?1 AND i.message_id = ?2
LEFT JOIN turns AS t ON t.conversation = i.conversation AND t.no = i.turn"""
_OUTCOME = """
SELECT i.status, t.reply, i.turn, t.receipt ->> 'stopped_reason',
    c.paused_at IS NOT NULL OR c.lease_until > ?3
FROM conversations AS c JOIN inbox AS i ON i.conversation = c.key AND i.message_id = ?2
LEFT JOIN turns AS t ON t.conversation = i.conversation AND t.no = i.turn
WHERE c.id = ?1"""
_SUPERSEDE = """
UPDATE inbox INDEXED BY inbox_waiting SET status = 'superseded', body = NULL
WHERE conversation = ? AND status = 'waiting'"""
_PUT = """
INSERT INTO inbox (conversation, no, message_id, agent_key, policy, body, accepted_at, status, turn)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_RECEIVED = """
UPDATE conversations SET next_inbox = next_inbox + 1, agent_key = ?2, stop = ?3, idle_due = NULL WHERE key = ?1"""

_RECEIVED_IDLE = """
UPDATE conversations SET next_inbox = next_inbox + 1, agent_key = ?6, idle_due = NULL,
    epoch = epoch + 1, lease_owner = ?2, lease_until = ?3, running = ?4, next_turn = ?5
WHERE key = ?1"""

_NEXT = """
SELECT no, message_id, agent_key, policy, body FROM inbox INDEXED BY inbox_waiting
WHERE conversation = ? AND status = 'waiting' ORDER BY no LIMIT ?"""
_BEGIN = """
INSERT INTO turns (conversation, no, agent_key, first_seq, status, run_id, started_at)
VALUES (?, ?, ?, ?, 'running', ?, ?)"""
_SPOKEN = "UPDATE inbox SET status = 'superseded', body = NULL WHERE conversation = ? AND no = ?"
_TAKE_UP = "UPDATE inbox SET status = 'running', turn = ? WHERE conversation = ? AND no = ?"
_OWN = """
UPDATE conversations SET epoch = epoch + 1, lease_owner = ?2, lease_until = ?3, running = ?4, next_turn = ?5
WHERE key = ?1"""
_AGAIN = """
UPDATE turns SET attempts = attempts + 1 WHERE conversation = ? AND no = ? RETURNING agent_key, run_id, attempts"""
_TAKEN_UP = """
SELECT message_id, body FROM inbox INDEXED BY inbox_running
WHERE conversation = ? AND turn = ? AND status = 'running' ORDER BY no"""
_RECORDED = """
SELECT no, kind, outcome, name, call_id, effect, state, notes FROM journal
WHERE conversation = ? AND turn = ? ORDER BY no"""

# A claim is over when there is a later one, and also when its turn has ended.
_HOLD = """
UPDATE conversations SET lease_until = ?4 WHERE id = ?1 AND epoch = ?2 AND running = ?3 RETURNING key, stop"""
_RECORD = """
INSERT INTO journal (conversation, turn, no, kind, outcome, name, call_id, effect, state, notes, recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (conversation, turn, no) DO UPDATE SET
    kind = excluded.kind, outcome = excluded.outcome, name = excluded.name, call_id = excluded.call_id,
    effect = excluded.effect, state = excluded.state, notes = excluded.notes, recorded_at = excluded.recorded_at"""

_ADVANCE = f"""
UPDATE conversations SET
    revision = revision + 1, next_seq = next_seq + ?1, updated_at = ?2,
    running = NULL, stop = NULL, lease_owner = NULL, lease_until = NULL, idle_due = ?7, idle = ?8,
    usage = coalesce(?9, usage)
WHERE id = ?3 AND epoch = ?4 AND running = ?5 AND revision = ?6
RETURNING {_COLUMNS}"""
_END = """
UPDATE turns SET status = ?3, step = ?4, first_seq = ?5, ended_at = ?6, reply = ?7, receipt = ?8, effects = ?9
WHERE conversation = ?1 AND no = ?2"""
_SETTLE = """
UPDATE inbox INDEXED BY inbox_running SET
    body = NULL,
    status = CASE WHEN ?3 = 'answered' AND message_id <> ?4 THEN 'merged' ELSE ?3 END
WHERE conversation = ?1 AND turn = ?2 AND status = 'running'"""
_HAND_OVER = "UPDATE conversations SET handoff = ?2 WHERE key = ?1"
_FORGET = "DELETE FROM journal WHERE conversation = ? AND turn = ?"

_RELEASE = """
UPDATE conversations SET lease_owner = NULL, lease_until = NULL, epoch = epoch + 1
WHERE id = ? AND epoch = ? AND running = ? RETURNING key"""
_NOT_COUNTED = "UPDATE turns SET attempts = attempts - 1 WHERE conversation = ? AND no = ?"
_STOP = "UPDATE conversations SET stop = ?2 WHERE id = ?1 AND running IS NOT NULL RETURNING running, key, paused_at"
_STRANDED = """
SELECT c.id, CASE WHEN c.lease_until > ?1 THEN c.lease_owner END
FROM conversations AS c WHERE c.key IN (
    SELECT conversation FROM inbox WHERE status = 'waiting'
    UNION SELECT conversation FROM inbox WHERE status = 'running'
) AND c.paused_at IS NULL ORDER BY CASE WHEN c.lease_until > ?1 THEN 1 ELSE 0 END, c.key LIMIT ?2"""
_TURNS = """
SELECT no, agent_key, status, step, attempts, started_at, ended_at, reply, receipt, run_id FROM turns
WHERE conversation = (SELECT key FROM conversations WHERE id = ?) AND no < ? ORDER BY no DESC LIMIT ?"""
_NEVER = 2**53

MAX_MERGED = 100
"""How many messages one turn answers at most."""


@dataclass(slots=True)
class _Head:
    """A conversation's row."""

    key: int
    revision: int
    epoch: int
    lease_owner: str | None
    lease_until: str | None
    next_turn: int
    next_inbox: int
    agent_key: str | None
    running: int | None
    stop: Ending | None
    next_seq: int
    paused_at: str | None
    handoff: str | None

    def is_held(self, now: datetime) -> bool:
        """True if somebody's lease still stands."""
        return self.lease_until is not None and self.lease_until > stamp(now)


def accept(message: Incoming, lease: Lease | None, now: datetime) -> Unit[Accepted]:
    """Take a message in, and claim its turn if the conversation is idle."""
    conversation_id = message.conversation_id
    head = yield from _head(conversation_id)
    if head is None:
        yield Ask(_OPEN, (conversation_id, stamp(now)))
        head = yield from _head(conversation_id)
        assert head is not None  # it was made sure of
    look = yield from one(_LOOK, (head.key, message.message_id))
    assert look is not None  # a count is always found
    spoken, waiting, *known = look
    if known[0] is not None:
        return Accepted(outcome=(yield from _with_pending(conversation_id, _outcome(tuple(known)))), is_new=False)
    agent_key = message.agent_key or head.agent_key or message.default_agent
    body = clean_text(to_json(message.body))
    row = (head.key, head.next_inbox, message.message_id, agent_key, message.policy, body, stamp(now))
    if lease is not None and head.running is None and not waiting and not head.is_held(now):
        yield Ask(_PUT, (*row, "running", head.next_turn))
        taken = [(head.next_inbox, message.message_id, agent_key, message.policy, body)]
        claimed = yield from _begin(conversation_id, head, taken, lease, now, is_received=True)
        return Accepted(outcome=Outcome(status="running"), claim=claimed)
    stopped = yield from _apply_policy(head, message, spoken, now)
    yield Ask(_PUT, (*row, "waiting", None))
    yield Ask(_RECEIVED, (head.key, agent_key, head.stop if stopped is None else "superseded"))
    claimed = None
    if lease is not None and (head.running is None or (stopped is not None and head.paused_at is not None)):
        claimed = yield from claim_turn(conversation_id, lease, now)
    status = "waiting" if claimed is None or message.message_id not in claimed.message_ids else "running"
    return Accepted(outcome=Outcome(status=status), claim=claimed, stopped_turn=stopped)


def claim_turn(conversation_id: str, lease: Lease, now: datetime, gone: str | None = None) -> Unit[Claim | None]:
    """Begin the next turn, or continue the one that was left."""
    head = yield from _head(conversation_id)
    if head is None or (head.is_held(now) and head.lease_owner != gone):
        return None
    return (yield from _claim(conversation_id, head, lease, now))


def _claim(conversation_id: str, head: _Head, lease: Lease, now: datetime) -> Unit[Claim | None]:
    if head.paused_at is not None:
        return None
    if head.running is not None:
        return (yield from _continue(conversation_id, head, head.running, lease, now))
    waiting = yield Ask(_NEXT, (head.key, MAX_MERGED))
    while waiting and waiting[0][3] == SILENCE and (len(waiting) > 1 or head.handoff is not None):
        yield Ask(_SPOKEN, (head.key, waiting.pop(0)[0]))
    taken = _taken_up(waiting)
    if not taken:
        return None
    return (yield from _begin(conversation_id, head, taken, lease, now))


def record(claim: Claim, rows: Sequence[Row], ttl: timedelta, now: datetime) -> Unit[None]:
    """Keep journal entries, if the claim still stands."""
    held = yield from one(_HOLD, (claim.conversation_id, claim.epoch, claim.turn, stamp(now + ttl)))
    if held is None:
        raise LeaseLost(claim.conversation_id, claim.turn)
    yield Each(_RECORD, [(held[0], claim.turn, *row, stamp(now)) for row in rows])


def entry_row(entry: Entry) -> Row:
    """An entry as the columns that hold it."""
    return (
        entry.no,
        entry.kind,
        None if entry.outcome is None else clean_text(to_json(entry.outcome)),
        entry.name,
        entry.call_id,
        entry.effect,
        None if entry.state is None else clean_text(entry.state),
        None if entry.notes is None else clean_text(to_json(entry.notes)),
    )


def finish(
    claim: Claim, finished: Finished, bodies: Sequence[str], lease: Lease | None, now: datetime
) -> Unit[Claim | None]:
    """End a turn, and claim the conversation's next one if it is wanted."""
    conversation_id, commit = claim.conversation_id, finished.commit
    usage = None if commit.usage is None else clean_text(commit.usage)
    fence = (conversation_id, claim.epoch, claim.turn, commit.revision)
    row = yield from one(_ADVANCE, (len(bodies), stamp(now), *fence, *_silence(finished, now), usage))
    if row is None:
        head = yield from _head(conversation_id)
        if head is None or (head.epoch, head.running) != (claim.epoch, claim.turn):
            raise LeaseLost(conversation_id, claim.turn)
        raise ConversationConflict(conversation_id, expected=commit.revision, found=head.revision)
    head = _Head(*row)
    key, first_seq = head.key, head.next_seq - len(bodies)
    ended = (finished.ending, commit.step, first_seq, stamp(now), clean_text(finished.reply))
    effects = clean_text(to_json(finished.effects)) if finished.effects else None
    yield Ask(_END, (key, claim.turn, *ended, clean_text(to_json(finished.receipt)), effects))
    yield Ask(_SETTLE, (key, claim.turn, finished.ending, claim.message_ids[0]))
    yield Ask(_FORGET, (key, claim.turn))
    yield from keep(commit, bodies, key, claim.turn, first_seq)
    if finished.handoff is not None:
        head.handoff = None if finished.handoff == "back" else to_json({**finished.handoff, "since": stamp(now)})
        yield Ask(_HAND_OVER, (key, head.handoff))
    return None if lease is None else (yield from _claim(conversation_id, head, lease, now))


def renew(claims: Sequence[Claim], ttl: timedelta, now: datetime) -> Unit[list[Ending | Literal["lost"] | None]]:
    """Hold every lease that still stands."""
    held: list[Ending | Literal["lost"] | None] = []
    for each in claims:
        row = yield from one(_HOLD, (each.conversation_id, each.epoch, each.turn, stamp(now + ttl)))
        held.append("lost" if row is None else row[1])
    return held


def release(claim: Claim, counts: bool) -> Unit[None]:
    """Give a turn back, if the claim still stands."""
    row = yield from one(_RELEASE, (claim.conversation_id, claim.epoch, claim.turn))
    if row is not None and not counts:
        yield Ask(_NOT_COUNTED, (row[0], claim.turn))


def stop(conversation_id: str, ending: str, now: datetime) -> Unit[int | None]:
    """Ask that the running turn end; one that is paused can be claimed then."""
    row = yield from one(_STOP, (conversation_id, ending))
    if row is None:
        return None
    turn, key, paused_at = row
    if paused_at is not None:
        yield from wake_to_end(key, turn, now)
    return turn


def outcome(conversation_id: str, message_id: str, now: datetime) -> Unit[Outcome | None]:
    """Where a message stands."""
    row = yield from one(_OUTCOME, (conversation_id, message_id, stamp(now)))
    if row is None:
        return None
    return (yield from _with_pending(conversation_id, replace(_outcome(row[:4]), is_held=bool(row[4]))))


def stranded(now: datetime, limit: int) -> Unit[list[tuple[str, str | None]]]:
    """Conversations with something to do, with the owner if its lease still stands."""
    rows = yield Ask(_STRANDED, (stamp(now), limit))
    return [(conversation_id, owner) for conversation_id, owner in rows]


def turns(conversation_id: str, last: int, before: int | None = None) -> Unit[list[TurnInfo]]:
    """The last turns, or the last before a number, oldest first."""
    rows = yield Ask(_TURNS, (conversation_id, _NEVER if before is None else before, last))
    return [
        TurnInfo(
            no=no,
            agent_key=agent_key,
            status=status,
            step=step,
            attempts=attempts,
            started_at=started_at,
            ended_at=ended_at,
            reply=reply,
            receipt=None if receipt is None else json.loads(receipt),
            run_id=run_id,
        )
        for no, agent_key, status, step, attempts, started_at, ended_at, reply, receipt, run_id in reversed(rows)
    ]


to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode
"""JSON as it is stored; what is no JSON is kept as text."""


def _silence(finished: Finished, now: datetime) -> tuple[str | None, str | None]:
    """When something is done about the person's silence, and what."""
    silence = finished.silence
    return (None, None) if silence is None else (stamp(now + silence.after), clean_text(to_json(silence.body)))


def _head(conversation_id: str) -> Unit[_Head | None]:
    row = yield from one(_HEAD, (conversation_id,))
    return None if row is None else _Head(*row)


def _apply_policy(head: _Head, message: Incoming, waiting: int, now: datetime) -> Unit[int | None]:
    """Make room for a message; returns the turn it interrupts.

    Raises:
        ConversationBusy: There is none.
    """
    if message.policy == "interrupt":
        yield Ask(_SUPERSEDE, (head.key,))
        if head.running is not None and head.paused_at is not None:
            yield from wake_to_end(head.key, head.running, now)
        return head.running
    if message.policy == "reject" and (waiting or head.running is not None):
        doing = "a message is being answered" if head.paused_at is None else "a call waits for a person's agreement"
        raise ConversationBusy(message.conversation_id, f"{doing}, and the policy is 'reject'")
    if waiting >= message.max_waiting:
        raise ConversationBusy(message.conversation_id, f"{waiting} messages are waiting already")
    return None


def _taken_up(waiting: Sequence[Row]) -> list[Row]:
    """The oldest message and, if it may be merged, its neighbours that may be too."""
    taken = list(waiting[:1])
    if taken and taken[0][3] == "merge":
        for each in waiting[1:]:
            if each[3] != "merge" or each[2] != taken[0][2]:
                break
            taken.append(each)
    return taken


def _begin(
    conversation_id: str,
    head: _Head,
    taken: Sequence[Row],
    lease: Lease,
    now: datetime,
    *,
    is_received: bool = False,
) -> Unit[Claim]:
    """Begin a turn with these messages, or with one that is being received and stands as taken up already."""
    turn, run_id, agent_key = head.next_turn, str(uuid4()), taken[0][2]
    yield Ask(_BEGIN, (head.key, turn, agent_key, head.next_seq, run_id, stamp(now)))
    owned = (head.key, lease.owner, stamp(now + lease.ttl), turn, turn + 1)
    if is_received:
        yield Ask(_RECEIVED_IDLE, (*owned, agent_key))
    else:
        yield Each(_TAKE_UP, [(turn, head.key, each[0]) for each in taken])
        yield Ask(_OWN, owned)
    return Claim(
        conversation_id=conversation_id,
        agent_key=agent_key,
        turn=turn,
        run_id=run_id,
        epoch=head.epoch + 1,
        revision=head.revision,
        attempts=1,
        message_ids=tuple(each[1] for each in taken),
        bodies=tuple(json.loads(each[4]) for each in taken),
        handoff=handoff_of(head.handoff),
    )


def _continue(conversation_id: str, head: _Head, turn: int, lease: Lease, now: datetime) -> Unit[Claim]:
    again = yield from one(_AGAIN, (head.key, turn))
    assert again is not None  # a conversation names only turns it has
    agent_key, run_id, attempts = again
    yield Ask(_OWN, (head.key, lease.owner, stamp(now + lease.ttl), turn, head.next_turn))
    messages = yield Ask(_TAKEN_UP, (head.key, turn))
    recorded = yield Ask(_RECORDED, (head.key, turn))
    decided = yield from decisions(head.key, turn)
    return Claim(
        conversation_id=conversation_id,
        agent_key=agent_key,
        turn=turn,
        run_id=run_id,
        epoch=head.epoch + 1,
        revision=head.revision,
        attempts=attempts,
        message_ids=tuple(message_id for message_id, _ in messages),
        bodies=tuple(json.loads(body) for _, body in messages),
        entries=tuple(entry_of(row) for row in recorded),
        stop=head.stop,
        decisions=decided,
        handoff=handoff_of(head.handoff),
    )


def _with_pending(conversation_id: str, outcome: Outcome) -> Unit[Outcome]:
    if outcome.status != "paused":
        return outcome
    waiting = yield from pending(conversation_id)
    return replace(outcome, pending=tuple(waiting), stopped_reason="paused")


def _outcome(row: Row) -> Outcome:
    status, reply, turn, stopped_reason = row
    return Outcome(status=status, reply=reply, turn=turn, stopped_reason=stopped_reason)


def entry_of(row: Row) -> Entry:
    """An entry from the columns that hold it."""
    no, kind, outcome, name, call_id, effect, state, notes = row
    known: JSONObject | None = None if outcome is None else json.loads(outcome)
    entry = Entry(no=no, kind=kind, outcome=known, name=name, call_id=call_id, effect=effect, state=state)
    return entry if notes is None else replace(entry, notes=json.loads(notes))

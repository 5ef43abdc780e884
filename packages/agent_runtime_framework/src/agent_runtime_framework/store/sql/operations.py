"""Operations on whole conversations: what one transaction reads, puts back and forgets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError, ConversationBusy
from agent_runtime_framework.store.delivery import Claim, TurnInfo
from agent_runtime_framework.store.operations import BUSY, FORMAT, Place, Summary, TurnOf, Wanted
from agent_runtime_framework.store.protocol import read_usage
from agent_runtime_framework.store.sql.delivery import entry_of, to_json
from agent_runtime_framework.store.sql.unit import Ask, Each, Row, Unit, one, stamp
from agent_runtime_framework.toolcalls import clean_text

PARTS = ("journal", "inbox", "approvals", "timers", "messages", "states", "turns")
"""Every table that holds something of a conversation, beside its own row."""

_SUMMARIES = """
SELECT * FROM (
    SELECT c.key, c.id, coalesce(c.agent_key, t.agent_key) AS agent_key, s.step,
        CASE
            WHEN t.status = 'paused' THEN 'paused'
            WHEN c.running IS NOT NULL THEN 'running'
            WHEN EXISTS (SELECT 1 FROM inbox AS i WHERE i.conversation = c.key AND i.status = 'waiting') THEN 'waiting'
            ELSE coalesce(t.receipt ->> 'over', 'open')
        END AS status,
        c.next_turn - 1 AS turns, c.next_seq - c.oldest_seq AS messages, c.created_at, c.updated_at, c.usage
    FROM conversations AS c
    LEFT JOIN turns AS t ON t.conversation = c.key AND t.no = c.next_turn - 1
    LEFT JOIN states AS s ON s.conversation = c.key AND s.agent_key = coalesce(c.agent_key, t.agent_key)
) AS x"""
_NEWEST = "ORDER BY updated_at DESC, key DESC LIMIT ? OFFSET ?"
_OLDEST = "ORDER BY updated_at, key LIMIT ? OFFSET ?"

_ROW = """
SELECT key, revision, next_seq, oldest_seq, next_turn, next_inbox, agent_key, usage, created_at, updated_at, owner
FROM conversations WHERE id = ?"""
_STATES = "SELECT agent_key, state, step, step_seq FROM states WHERE conversation = ? ORDER BY agent_key"
_TURNS = """
SELECT no, agent_key, status, step, attempts, run_id, started_at, ended_at, first_seq, reply, receipt, effects
FROM turns WHERE conversation = ? ORDER BY no"""
_MESSAGES = "SELECT seq, turn, body FROM messages WHERE conversation = ? ORDER BY seq"
_INBOX = """
SELECT no, message_id, agent_key, policy, body, status, turn, accepted_at FROM inbox
WHERE conversation = ? ORDER BY no"""

_ALL_TURNS = """
SELECT t.conversation, c.id, t.no, t.agent_key, t.status, t.step, t.attempts, t.started_at, t.ended_at, t.receipt
FROM turns AS t JOIN conversations AS c ON c.key = t.conversation
WHERE (t.conversation, t.no) > (?, ?) AND t.ended_at IS NOT NULL ORDER BY t.conversation, t.no LIMIT ?"""

_OWNED = "SELECT key, epoch, lease_until, running FROM conversations WHERE id = ? /* lock */"
_WAITS = "SELECT 1 FROM inbox WHERE conversation = ? AND status = 'waiting' LIMIT 1"
_FENCE = "UPDATE erased SET epoch = ?1 WHERE epoch < ?1"
_FORGET = "DELETE FROM conversations WHERE key = ?"

_UNFINISHED = """
SELECT c.key, t.no, t.agent_key, t.run_id, c.epoch, c.revision, t.attempts, c.stop
FROM conversations AS c JOIN turns AS t ON t.conversation = c.key AND t.no = c.running WHERE c.id = ?"""
_TAKEN_UP = """
SELECT message_id, body FROM inbox
WHERE conversation = ? AND turn = ? AND status IN ('running', 'paused') ORDER BY no"""
_RECORDED = """
SELECT no, kind, outcome, name, call_id, effect, state, notes FROM journal
WHERE conversation = ? AND turn = ? ORDER BY no"""

_BEGIN = """
INSERT INTO conversations (
    id, epoch, revision, next_seq, oldest_seq, next_turn, next_inbox, agent_key, usage, created_at, updated_at, owner
) VALUES (?, (SELECT epoch FROM erased), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING RETURNING key"""
_PUT_STATE = "INSERT INTO states (conversation, agent_key, state, step, step_seq) VALUES (?, ?, ?, ?, ?)"
_PUT_TURN = """
INSERT INTO turns (
    conversation, no, agent_key, status, step, attempts, run_id, started_at, ended_at, first_seq, reply, receipt,
    effects
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_PUT_MESSAGE = "INSERT INTO messages (conversation, seq, turn, body) VALUES (?, ?, ?, ?)"
_PUT_INBOX = """
INSERT INTO inbox (conversation, no, message_id, agent_key, policy, body, status, turn, accepted_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""

_HEADS = (
    "revision", "next_seq", "oldest_seq", "next_turn", "next_inbox", "agent_key", "usage", "created_at", "updated_at",
    "owner",
)  # fmt: skip
_COLUMNS = {
    "states": ("agent_key", "state", "step", "step_seq"),
    "turns": (
        "no", "agent_key", "status", "step", "attempts", "run_id", "started_at", "ended_at", "first_seq", "reply",
        "receipt", "effects",
    ),
    "messages": ("seq", "turn", "body"),
    "inbox": ("no", "message_id", "agent_key", "policy", "body", "status", "turn", "accepted_at"),
}  # fmt: skip
_JSON = ("usage", "state", "receipt", "effects", "body")
"""The columns that hold JSON as text."""


def summaries(wanted: Wanted, now: datetime) -> Unit[list[Summary]]:
    """The conversations that are meant."""
    where, values = _conditions(wanted, now)
    rows = yield Ask(f"{_SUMMARIES}{where} {_NEWEST}", (*values, wanted.limit, wanted.offset))
    return [_summary(row) for row in rows]


def export(conversation_id: str) -> Unit[JSONObject | None]:
    """Everything of a conversation; to be run on one snapshot."""
    head = yield from one(_ROW, (conversation_id,))
    if head is None:
        return None
    document: JSONObject = {"format": FORMAT, "version": 1, "conversation_id": conversation_id}
    document |= _named(_HEADS, head[1:])
    for part, text in (("states", _STATES), ("turns", _TURNS), ("messages", _MESSAGES), ("inbox", _INBOX)):
        rows = yield Ask(text, (head[0],))
        document[part] = [_named(_COLUMNS[part], row) for row in rows]
    return document


def restore(document: JSONObject) -> Unit[None]:
    """Put a conversation back.

    Raises:
        ConfigurationError: It is there already.
    """
    conversation_id: str = document["conversation_id"]
    row = yield from one(_BEGIN, (conversation_id, *_values(document, _HEADS)))
    if row is None:
        raise ConfigurationError(f"there is a conversation {conversation_id!r} already; erase it first")
    key = row[0]
    cut_off = {turn["no"] for turn in document["turns"] if turn["ended_at"] is None}
    parts: JSONObject = {
        **document,
        "turns": [_ended(turn, document["updated_at"]) for turn in document["turns"]],
        "inbox": [_settled(each, cut_off) for each in document["inbox"]],
    }
    for part, text in (
        ("states", _PUT_STATE), ("turns", _PUT_TURN), ("messages", _PUT_MESSAGE), ("inbox", _PUT_INBOX),
    ):  # fmt: skip
        yield Each(text, [(key, *_values(each, _COLUMNS[part])) for each in parts[part]])


def erase(conversation_id: str, now: datetime, *, force: bool) -> Unit[bool]:
    """Forget a conversation.

    Raises:
        ConversationBusy: Somebody is at it, and may go on.
    """
    row = yield from one(_OWNED, (conversation_id,))
    if row is None:
        return False
    key, epoch, lease_until, _ = row
    if lease_until is not None and lease_until > stamp(now) and not force:
        raise ConversationBusy(conversation_id, "a turn is being run")
    yield from _forget(key, epoch)
    return True


def prune(wanted: Wanted, now: datetime) -> Unit[list[str]]:
    """Forget the oldest conversations that are meant."""
    where, values = _conditions(wanted, now, is_at_rest=True)
    rows = yield Ask(f"{_SUMMARIES}{where} {_OLDEST}", (*values, wanted.limit, wanted.offset))
    gone: list[str] = []
    for row in rows:
        # A message may have come in since it was looked for; now that the row is held, none does.
        owned = yield from one(_OWNED, (row[1],))
        if owned is None or owned[3] is not None or (yield from one(_WAITS, (owned[0],))) is not None:
            continue
        yield from _forget(owned[0], owned[1])
        gone.append(row[1])
    return gone


def all_turns(after: Place, limit: int) -> Unit[list[TurnOf]]:
    """A page of all turns."""
    rows = yield Ask(_ALL_TURNS, (*after, limit))
    return [
        TurnOf(
            place=(key, no),
            conversation_id=conversation_id,
            turn=TurnInfo(
                no=no,
                agent_key=agent_key,
                status=status,
                step=step,
                attempts=attempts,
                started_at=started_at,
                ended_at=ended_at,
                reply=None,
                receipt=None if receipt is None else json.loads(receipt),
            ),
        )
        for key, conversation_id, no, agent_key, status, step, attempts, started_at, ended_at, receipt in rows
    ]


def unfinished(conversation_id: str) -> Unit[Claim | None]:
    """The turn that has not ended; to be run on one snapshot."""
    row = yield from one(_UNFINISHED, (conversation_id,))
    if row is None:
        return None
    key, no, agent_key, run_id, epoch, revision, attempts, stop = row
    messages = yield Ask(_TAKEN_UP, (key, no))
    recorded = yield Ask(_RECORDED, (key, no))
    return Claim(
        conversation_id=conversation_id,
        agent_key=agent_key,
        turn=no,
        run_id=run_id,
        epoch=epoch,
        revision=revision,
        attempts=attempts,
        message_ids=tuple(message_id for message_id, _ in messages),
        bodies=tuple(json.loads(body) for _, body in messages),
        entries=tuple(entry_of(each) for each in recorded),
        stop=stop,
    )


def checked(document: JSONObject) -> JSONObject:
    """An exported conversation, if it is one.

    Raises:
        ConfigurationError: It is none.
    """
    found, version = document.get("format"), document.get("version")
    if found != FORMAT or version != 1:
        raise ConfigurationError(
            f"this is no exported conversation of a known version: format {found!r}, version {version!r}; expected "
            f"{FORMAT!r}, version 1"
        )
    missing = [name for name in ("conversation_id", *_HEADS, *_COLUMNS) if name not in document]
    missing += [
        f"{part}: {name}"
        for part, names in _COLUMNS.items()
        for each in document.get(part, ())
        for name in names
        if name not in each
    ]
    if missing:
        raise ConfigurationError(f"this exported conversation is not whole; it lacks {', '.join(missing[:5])}")
    return document


def _forget(key: int, epoch: int) -> Unit[None]:
    yield Ask(_FENCE, (epoch + 1,))
    for part in PARTS:
        yield Ask(f"DELETE FROM {part} WHERE conversation = ?", (key,))
    yield Ask(_FORGET, (key,))


def _conditions(wanted: Wanted, now: datetime, *, is_at_rest: bool = False) -> tuple[str, Row]:
    found = list(_wishes(wanted, now))
    if is_at_rest:
        found.append((f"status NOT IN ({', '.join('?' * len(BUSY))})", BUSY))
        found.append(("NOT EXISTS (SELECT 1 FROM timers AS m WHERE m.conversation = x.key)", ()))
    text = " AND ".join(condition for condition, _ in found)
    return f"\nWHERE {text}" if text else "", tuple(value for _, values in found for value in values)


def _wishes(wanted: Wanted, now: datetime) -> Iterator[tuple[str, Row]]:
    for column in ("agent_key", "step", "status"):
        value: str | None = getattr(wanted, column)
        if value is not None:
            yield f"{column} = ?", (value,)
    if wanted.older_than is not None:
        yield "updated_at <= ?", (stamp(now - wanted.older_than),)


def _summary(row: Row) -> Summary:
    _, conversation_id, agent_key, step, status, turns, messages, created_at, updated_at, usage = row
    return Summary(
        conversation_id=conversation_id,
        agent_key=agent_key,
        step=step,
        status=status,
        turns=turns,
        messages=messages,
        created_at=created_at,
        updated_at=updated_at,
        usage=read_usage(usage),
    )


def _named(names: tuple[str, ...], row: Row) -> JSONObject:
    return {name: _read(name, value) for name, value in zip(names, row, strict=True)}


def _read(name: str, value: Any) -> Any:
    return json.loads(value) if name in _JSON and value is not None else value


def _values(data: JSONObject, names: tuple[str, ...]) -> Row:
    return tuple(
        clean_text(to_json(data[name])) if name in _JSON and data[name] is not None else data[name] for name in names
    )


def _ended(turn: JSONObject, at: str) -> JSONObject:
    return turn if turn["ended_at"] is not None else {**turn, "status": "failed", "ended_at": at, "reply": ""}


def _settled(message: JSONObject, cut_off: set[int]) -> JSONObject:
    return {**message, "status": "failed", "body": None} if message["turn"] in cut_off else message

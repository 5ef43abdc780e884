"""Conversations as `Store` knows them: what one transaction reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConversationConflict
from agent_runtime_framework.messages import ContextPolicy
from agent_runtime_framework.store.protocol import Commit, ConversationInfo, Stored
from agent_runtime_framework.store.sql.unit import Ask, Each, Row, Unit, one
from agent_runtime_framework.toolcalls import clean_text

_HEAD = """
SELECT c.key, c.revision, c.next_seq, c.oldest_seq, s.state, s.step, coalesce(s.step_seq, 1), c.usage,
    c.created_at
FROM conversations AS c LEFT JOIN states AS s ON s.conversation = c.key AND s.agent_key = ?2
WHERE c.id = ?1"""
_MESSAGES = "SELECT body FROM messages WHERE conversation = ? AND seq >= ? ORDER BY seq"

_ADVANCE = """
UPDATE conversations
SET revision = revision + 1, next_seq = next_seq + ?1, next_turn = next_turn + 1, updated_at = ?2, idle_due = NULL
WHERE id = ?3 AND revision = ?4 AND running IS NULL
RETURNING key, revision, next_seq, next_turn"""
_BEGIN = """
INSERT INTO conversations (id, epoch, revision, next_seq, next_turn, created_at, updated_at)
VALUES (?3, (SELECT epoch FROM erased), 1, 1 + ?1, 2, ?2, ?2)
ON CONFLICT (id) DO UPDATE
SET revision = 1, next_seq = conversations.next_seq + ?1, next_turn = conversations.next_turn + 1, updated_at = ?2
    WHERE conversations.revision = 0 AND conversations.running IS NULL
RETURNING key, revision, next_seq, next_turn"""
_REVISION = "SELECT revision FROM conversations WHERE id = ?"
_ADD_MESSAGE = "INSERT INTO messages (conversation, seq, turn, body) VALUES (?, ?, ?, ?)"
_ADD_TURN = "INSERT INTO turns (conversation, no, agent_key, step, first_seq, ended_at) VALUES (?, ?, ?, ?, ?, ?)"
_KEEP_AGENT = """
INSERT INTO states (conversation, agent_key, state, step, step_seq) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (conversation, agent_key) DO UPDATE SET
    state = coalesce(?3, states.state),
    step_seq = CASE WHEN states.step IS NOT DISTINCT FROM ?4 THEN states.step_seq ELSE ?5 END,
    step = ?4"""

_KEEP_USAGE = "UPDATE conversations SET usage = ? WHERE key = ?"
_TOUCH = """
INSERT INTO conversations (id, epoch, revision, created_at, updated_at)
VALUES (?1, (SELECT epoch FROM erased), 1, ?2, ?2)
ON CONFLICT (id) DO UPDATE SET revision = conversations.revision + 1, updated_at = ?2
RETURNING key, next_seq"""
_KEEP_STATE = """
INSERT INTO states (conversation, agent_key, state, step_seq) VALUES (?, ?, ?, ?)
ON CONFLICT (conversation, agent_key) DO UPDATE SET state = excluded.state"""
_NO_SILENCE = "UPDATE conversations SET idle_due = NULL WHERE key = ?"
_FORGET_STATE = "UPDATE states SET state = NULL, step = NULL, step_seq = ? WHERE conversation = ? AND agent_key = ?"
_CLEAR = """
UPDATE conversations SET revision = revision + 1, oldest_seq = next_seq, updated_at = ?2, idle_due = NULL
WHERE id = ?1 RETURNING key"""
_FORGET_MESSAGES = "DELETE FROM messages WHERE conversation = ?"
_INFO = """
SELECT id, revision, next_seq - oldest_seq, updated_at, created_at, owner, agent_key, running FROM conversations"""
_LIST = f"{_INFO} ORDER BY updated_at DESC, key DESC LIMIT ? OFFSET ?"
_LIST_OWNED = f"{_INFO} WHERE owner = ? ORDER BY updated_at DESC, key DESC LIMIT ? OFFSET ?"
_ONE = f"{_INFO} WHERE id = ?"
_OPEN = """
INSERT INTO conversations (id, epoch, owner, agent_key, created_at, updated_at)
VALUES (?1, (SELECT epoch FROM erased), ?2, ?3, ?4, ?4)
ON CONFLICT (id) DO NOTHING RETURNING key"""

Head: TypeAlias = tuple[int, int, int, int, str | None, str | None, int, str | None, str]
"""key, revision, next_seq, oldest_seq, state, step, step_seq, usage, created_at"""

_UNKNOWN: Head = (0, 0, 1, 1, None, None, 1, None, "")


def head_of(conversation_id: str, agent_key: str) -> Unit[Head | None]:
    """All but the messages; None if the conversation is unknown."""
    row = yield from one(_HEAD, (conversation_id, agent_key))
    return None if row is None else _head(row)


def tail(conversation_id: str, agent_key: str, after: int, context: ContextPolicy) -> Unit[tuple[Head, list[str]]]:
    """A conversation with the messages that are wanted; to be run on one snapshot."""
    head = (yield from head_of(conversation_id, agent_key)) or _UNKNOWN
    rows = yield Ask(_MESSAGES, (head[0], first_wanted(head, after, context)))
    return head, [body for (body,) in rows]


def first_wanted(head: Head, after: int, context: ContextPolicy) -> int:
    """Number of the first message that a context policy lets through."""
    _, _, next_seq, oldest_seq, _, _, step_seq, _, _ = head
    first = max(after + 1, oldest_seq)
    if context == "step":
        first = max(first, step_seq)
    elif context != "all":
        first = max(first, next_seq - context)
    return min(first, next_seq)


def stored(head: Head, messages: list[JSONObject]) -> Stored:
    """The same as the store's callers see it."""
    _, revision, next_seq, oldest_seq, state, step, step_seq, usage, created_at = head
    return Stored(
        revision=revision,
        state=state,
        step=step,
        step_seq=step_seq,
        messages=messages,
        first_seq=next_seq - len(messages),
        oldest_seq=oldest_seq,
        usage=usage,
        created_at=created_at,
    )


def commit_turn(commit: Commit, bodies: Sequence[str], now: str) -> Unit[int]:
    """Keep a turn that was not delivered; returns the new revision."""
    values = (len(bodies), now, commit.conversation_id, commit.revision)
    row = yield from (one(_ADVANCE, values) if commit.revision else one(_BEGIN, values[:3]))
    if row is None:
        found = yield from _revision(commit.conversation_id)
        # A turn that is being delivered keeps the revision and holds the conversation all the same.
        raise ConversationConflict(
            commit.conversation_id, expected=commit.revision, found=None if found == commit.revision else found or 0
        )
    key, revision, next_seq, next_turn = row
    first_seq, turn = next_seq - len(bodies), next_turn - 1
    yield from keep(commit, bodies, key, turn, first_seq)
    if commit.usage is not None:
        yield Ask(_KEEP_USAGE, (clean_text(commit.usage), key))
    yield Ask(_ADD_TURN, (key, turn, commit.agent_key, commit.step, first_seq, now))
    return revision


def keep(commit: Commit, bodies: Sequence[str], key: int, turn: int, first_seq: int) -> Unit[None]:
    """Keep what a turn said, and the state it left."""
    yield Each(_ADD_MESSAGE, [(key, first_seq + at, turn, body) for at, body in enumerate(bodies)])
    if commit.state is not None or commit.step is not None:
        state = None if commit.state is None else clean_text(commit.state)
        yield Ask(_KEEP_AGENT, (key, commit.agent_key, state, commit.step, first_seq))


def save_state(conversation_id: str, agent_key: str, state: str | None, now: str) -> Unit[None]:
    """Replace an agent's state, or forget it."""
    if state is None and (yield from _revision(conversation_id)) is None:
        return
    row = yield from one(_TOUCH, (conversation_id, now))
    assert row is not None  # it was made sure of
    key, next_seq = row
    if state is None:
        yield Ask(_FORGET_STATE, (next_seq, key, agent_key))
        yield Ask(_NO_SILENCE, (key,))
    else:
        yield Ask(_KEEP_STATE, (key, agent_key, clean_text(state), next_seq))


def clear_messages(conversation_id: str, now: str) -> Unit[None]:
    """Forget what was said."""
    row = yield from one(_CLEAR, (conversation_id, now))
    if row is not None:
        yield Ask(_FORGET_MESSAGES, row)


def listed(limit: int, offset: int, owner: str | None = None) -> Unit[list[ConversationInfo]]:
    """A page of all conversations, or of those of an owner."""
    page = Ask(_LIST, (limit, offset)) if owner is None else Ask(_LIST_OWNED, (owner, limit, offset))
    rows = yield page
    return [_info(row) for row in rows]


def info(conversation_id: str) -> Unit[ConversationInfo | None]:
    """One conversation, as a listing shows it."""
    row = yield from one(_ONE, (conversation_id,))
    return None if row is None else _info(row)


def begin(conversation_id: str, owner: str | None, agent_key: str, now: str) -> Unit[bool]:
    """Begin a conversation, unless there is one of that name."""
    return (yield from one(_OPEN, (conversation_id, owner, agent_key, now))) is not None


def _info(row: Row) -> ConversationInfo:
    conversation_id, revision, messages, updated_at, created_at, owner, agent_key, running = row
    return ConversationInfo(
        conversation_id=conversation_id,
        revision=revision,
        messages=messages,
        updated_at=updated_at,
        created_at=created_at,
        owner=owner,
        agent_key=agent_key,
        running=running,
    )


def _head(row: Row) -> Head:
    key, revision, next_seq, oldest_seq, state, step, step_seq, usage, created_at = row
    return key, revision, next_seq, oldest_seq, state, step, step_seq, usage, created_at


def _revision(conversation_id: str) -> Unit[int | None]:
    row = yield from one(_REVISION, (conversation_id,))
    return None if row is None else row[0]

"""`Store` on SQLite: the statements, and what of a conversation they read and write."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal, TypeAlias

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConversationConflict, StoreError, StoreUnreadable
from agent_runtime_framework.messages import ContextPolicy
from agent_runtime_framework.state.serializer import StateSerializer
from agent_runtime_framework.store.delivery import (
    Accepted,
    Claim,
    DurableStore,
    Ending,
    Entry,
    Finished,
    Incoming,
    Lease,
    Outcome,
    TurnInfo,
)
from agent_runtime_framework.store.protocol import Commit, ConversationInfo, Stored
from agent_runtime_framework.store.sqlite import delivery
from agent_runtime_framework.store.sqlite.database import Database
from agent_runtime_framework.toolcalls import clean_text

_LARGE = 400
"""More messages than this are read in a thread of their own."""

_HEAD = """
SELECT c.key, c.revision, c.next_seq, c.oldest_seq, s.state, s.step, coalesce(s.step_seq, 1), c.usage
FROM conversations AS c LEFT JOIN states AS s ON s.conversation = c.key AND s.agent_key = ?2
WHERE c.id = ?1"""
_MESSAGES = "SELECT body FROM messages WHERE conversation = ? AND seq >= ? ORDER BY seq"

_ADVANCE = """
UPDATE conversations
SET revision = revision + 1, next_seq = next_seq + ?1, next_turn = next_turn + 1, updated_at = ?2
WHERE id = ?3 AND revision = ?4 AND running IS NULL
RETURNING key, revision, next_seq, next_turn"""
_BEGIN = """
INSERT INTO conversations (id, revision, next_seq, next_turn, created_at, updated_at) VALUES (?3, 1, 1 + ?1, 2, ?2, ?2)
ON CONFLICT (id) DO UPDATE
SET revision = 1, next_seq = next_seq + ?1, next_turn = next_turn + 1, updated_at = ?2
    WHERE revision = 0 AND running IS NULL
RETURNING key, revision, next_seq, next_turn"""
_REVISION = "SELECT revision FROM conversations WHERE id = ?"
_ADD_MESSAGE = "INSERT INTO messages (conversation, seq, turn, body) VALUES (?, ?, ?, ?)"
_ADD_TURN = "INSERT INTO turns (conversation, no, agent_key, step, first_seq, ended_at) VALUES (?, ?, ?, ?, ?, ?)"
_KEEP_AGENT = """
INSERT INTO states (conversation, agent_key, state, step, step_seq) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (conversation, agent_key) DO UPDATE SET
    state = coalesce(?3, state), step_seq = CASE WHEN step IS ?4 THEN step_seq ELSE ?5 END, step = ?4"""

_KEEP_USAGE = "UPDATE conversations SET usage = ? WHERE key = ?"
_TOUCH = """
INSERT INTO conversations (id, revision, created_at, updated_at) VALUES (?1, 1, ?2, ?2)
ON CONFLICT (id) DO UPDATE SET revision = revision + 1, updated_at = ?2
RETURNING key, next_seq"""
_KEEP_STATE = """
INSERT INTO states (conversation, agent_key, state, step_seq) VALUES (?, ?, ?, ?)
ON CONFLICT (conversation, agent_key) DO UPDATE SET state = excluded.state"""
_FORGET_STATE = "UPDATE states SET state = NULL, step = NULL, step_seq = ? WHERE conversation = ? AND agent_key = ?"
_CLEAR = """
UPDATE conversations SET revision = revision + 1, oldest_seq = next_seq, updated_at = ?2
WHERE id = ?1 RETURNING key"""
_FORGET_MESSAGES = "DELETE FROM messages WHERE conversation = ?"
_LIST = """
SELECT id, revision, next_seq - oldest_seq, updated_at FROM conversations
ORDER BY updated_at DESC, key DESC LIMIT ? OFFSET ?"""


class SQLiteStore(DurableStore):
    """Conversations in one SQLite file, which several processes may use at once.

    Args:
        path: The file; it is created at first use, its directory is not. `:memory:` keeps everything in this process.
        busy_timeout: Seconds to wait for another program that holds the file locked.
        clock: Tells the time of turns.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        busy_timeout: float = 5.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = Database(str(path), busy_timeout)
        self._clock = clock
        # At the latest when the interpreter ends: what is queued is still committed, and no thread is left hanging.
        self._finalizer = weakref.finalize(self, self._database.close)

    def __repr__(self) -> str:
        return f"SQLiteStore({self._database.path!r})"

    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        key = (conversation_id, agent_key)
        head = await self._database.read(lambda connection: _head(connection, key))
        if head is None:
            return Stored()
        missing = head[2] - _first_wanted(head, after, context)
        if not missing:
            return _stored(head, [])
        query = partial(_tail, key=key, after=after, context=context)
        found, bodies = await self._database.read(query, is_large=missing > _LARGE)
        return _stored(found, self._decode(conversation_id, bodies))

    async def commit(self, commit: Commit) -> int:
        bodies = [_encode(commit, message) for message in commit.messages]
        return await self._database.write(partial(_commit, commit, bodies, self._now()))

    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        now = self._now()

        def work(connection: sqlite3.Connection) -> None:
            if state is None and _revision(connection, conversation_id) is None:
                return
            key, next_seq = connection.execute(_TOUCH, (conversation_id, now)).fetchone()
            if state is None:
                connection.execute(_FORGET_STATE, (next_seq, key, agent_key))
            else:
                connection.execute(_KEEP_STATE, (key, agent_key, clean_text(state), next_seq))

        await self._database.write(work)

    async def clear_messages(self, conversation_id: str) -> None:
        now = self._now()

        def work(connection: sqlite3.Connection) -> None:
            for key in connection.execute(_CLEAR, (conversation_id, now)).fetchall():
                connection.execute(_FORGET_MESSAGES, key)

        await self._database.write(work)

    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        rows = await self._database.read(
            lambda connection: connection.execute(_LIST, (limit, offset)).fetchall(), is_large=True
        )
        return [
            ConversationInfo(conversation_id=each, revision=revision, messages=messages, updated_at=updated_at)
            for each, revision, messages, updated_at in rows
        ]

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        now = self._clock()
        return await self._database.write(lambda connection: delivery.accept(connection, message, lease, now))

    async def claim(self, conversation_id: str, lease: Lease, *, gone: str | None = None) -> Claim | None:
        now = self._clock()
        return await self._database.write(lambda each: delivery.claim(each, conversation_id, lease, now, gone))

    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        now, rows = self._clock(), [delivery.entry_row(entry) for entry in entries]
        await self._database.write(lambda connection: delivery.record(connection, claim, rows, ttl, now))

    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        now, commit = self._clock(), finished.commit
        bodies = [_encode(commit, message) for message in commit.messages]

        def work(connection: sqlite3.Connection) -> Claim | None:
            key, first_seq = delivery.finish(connection, claim, finished, len(bodies), now)
            _keep(connection, commit, bodies, key, claim.turn, first_seq)
            return None if lease is None else delivery.claim(connection, claim.conversation_id, lease, now)

        return await self._database.write(work)

    async def renew(self, claims: Sequence[Claim], ttl: timedelta) -> list[Ending | Literal["lost"] | None]:
        now = self._clock()
        return await self._database.write(lambda connection: delivery.renew(connection, claims, ttl, now))

    async def release(self, claim: Claim, *, counts: bool = False) -> None:
        await self._database.write(lambda connection: delivery.release(connection, claim, counts))

    async def stop(self, conversation_id: str, ending: Literal["cancelled", "superseded"]) -> int | None:
        return await self._database.write(lambda connection: delivery.stop(connection, conversation_id, ending))

    async def outcome(self, conversation_id: str, message_id: str) -> Outcome | None:
        now = self._clock()
        return await self._database.read(lambda each: delivery.outcome(each, conversation_id, message_id, now))

    async def stranded(self, limit: int = 100) -> list[tuple[str, str | None]]:
        now = self._clock()
        return await self._database.read(lambda connection: delivery.stranded(connection, now, limit))

    async def turns(self, conversation_id: str, *, last: int = 100) -> list[TurnInfo]:
        return await self._database.read(lambda each: delivery.turns(each, conversation_id, last), is_large=True)

    async def aclose(self) -> None:
        if self._database.is_open:
            await asyncio.to_thread(self._database.close)

    def _now(self) -> str:
        return delivery.stamp(self._clock())

    def _decode(self, conversation_id: str, bodies: Sequence[str]) -> list[JSONObject]:
        try:
            return json.loads(f"[{','.join(bodies)}]")
        except ValueError:
            for body in bodies:
                try:
                    json.loads(body)
                except ValueError as exc:
                    raise StoreUnreadable(
                        f"the store {self._database.path!r} holds a message of conversation {conversation_id!r} that "
                        f"is no JSON ({exc}): {body[:80]!r}. Mend that row of the table 'messages'"
                    ) from exc
            raise


_Head: TypeAlias = tuple[int, int, int, int, str | None, str | None, int, str | None]
"""key, revision, next_seq, oldest_seq, state, step, step_seq, usage"""


def _head(connection: sqlite3.Connection, key: tuple[str, str]) -> _Head | None:
    return connection.execute(_HEAD, key).fetchone()


def _tail(
    connection: sqlite3.Connection, *, key: tuple[str, str], after: int, context: ContextPolicy
) -> tuple[_Head, list[str]]:
    # One snapshot: a turn committed between two statements must not be seen by half.
    connection.execute("SAVEPOINT snapshot")
    try:
        head = _head(connection, key) or _UNKNOWN
        rows = connection.execute(_MESSAGES, (head[0], _first_wanted(head, after, context))).fetchall()
    finally:
        connection.execute("RELEASE snapshot")
    return head, [body for (body,) in rows]


_UNKNOWN: _Head = (0, 0, 1, 1, None, None, 1, None)


def _first_wanted(head: _Head, after: int, context: ContextPolicy) -> int:
    _, _, next_seq, oldest_seq, _, _, step_seq, _ = head
    first = max(after + 1, oldest_seq)
    if context == "step":
        first = max(first, step_seq)
    elif context != "all":
        first = max(first, next_seq - context)
    return min(first, next_seq)


def _stored(head: _Head, messages: list[JSONObject]) -> Stored:
    _, revision, next_seq, oldest_seq, state, step, step_seq, usage = head
    return Stored(
        revision=revision,
        state=state,
        step=step,
        step_seq=step_seq,
        messages=messages,
        first_seq=next_seq - len(messages),
        oldest_seq=oldest_seq,
        usage=usage,
    )


def _commit(commit: Commit, bodies: Sequence[str], now: str, connection: sqlite3.Connection) -> int:
    execute = connection.execute
    values = (len(bodies), now, commit.conversation_id, commit.revision)
    row = execute(_ADVANCE, values).fetchone() if commit.revision else execute(_BEGIN, values[:3]).fetchone()
    if row is None:
        found = _revision(connection, commit.conversation_id)
        # A turn that is being delivered keeps the revision and holds the conversation all the same.
        raise ConversationConflict(
            commit.conversation_id, expected=commit.revision, found=None if found == commit.revision else found or 0
        )
    key, revision, next_seq, next_turn = row
    first_seq, turn = next_seq - len(bodies), next_turn - 1
    _keep(connection, commit, bodies, key, turn, first_seq)
    execute(_ADD_TURN, (key, turn, commit.agent_key, commit.step, first_seq, now))
    return revision


def _keep(
    connection: sqlite3.Connection, commit: Commit, bodies: Sequence[str], key: int, turn: int, first_seq: int
) -> None:
    connection.executemany(_ADD_MESSAGE, [(key, first_seq + at, turn, body) for at, body in enumerate(bodies)])
    if commit.state is not None or commit.step is not None:
        state = None if commit.state is None else clean_text(commit.state)
        connection.execute(_KEEP_AGENT, (key, commit.agent_key, state, commit.step, first_seq))
    if commit.usage is not None:
        connection.execute(_KEEP_USAGE, (clean_text(commit.usage), key))


def _revision(connection: sqlite3.Connection, conversation_id: str) -> int | None:
    row = connection.execute(_REVISION, (conversation_id,)).fetchone()
    return None if row is None else row[0]


_encoder = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=StateSerializer.serialize
)


def _encode(commit: Commit, message: JSONObject) -> str:
    try:
        return clean_text(_encoder.encode(message))
    except (TypeError, ValueError, RecursionError) as exc:
        raise StoreError(
            f"a message of conversation {commit.conversation_id!r} cannot be stored, because it is no JSON: {exc}"
        ) from exc

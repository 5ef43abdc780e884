"""`Store` on any SQL database: which unit serves which promise. A driver adds how units are run."""

from __future__ import annotations

import asyncio
import json
from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal, TypeVar

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.errors import StoreError, StoreUnreadable
from agent_runtime_framework.messages import ContextPolicy
from agent_runtime_framework.state.serializer import StateSerializer
from agent_runtime_framework.store.delivery import (
    Accepted,
    Claim,
    Deciding,
    DurableStore,
    Ending,
    Entry,
    Finished,
    HandedOver,
    Incoming,
    Lease,
    Outcome,
    TurnInfo,
)
from agent_runtime_framework.store.live import LiveConversation
from agent_runtime_framework.store.operations import Place, Summary, TurnOf, Wanted
from agent_runtime_framework.store.protocol import Commit, ConversationInfo, Stored, StoredMessage
from agent_runtime_framework.store.sql import (
    again,
    approvals,
    conversations,
    delivery,
    handoffs,
    operations,
    pauses,
    reading,
    timers,
    versions,
)
from agent_runtime_framework.store.sql.unit import Unit, stamp
from agent_runtime_framework.store.timers import PendingTimer, Timer
from agent_runtime_framework.toolcalls import clean_text

T = TypeVar("T")

_LARGE = 400
"""More messages than this are a large read."""


class SQLStore(DurableStore):
    """Every promise of a store as a unit. Subclass it with a driver for a database.

    Args:
        clock: Tells the time of turns.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock

    @abstractmethod
    async def _write(self, unit: Callable[[], Unit[T]], *, again: Callable[[], Unit[T]] | None = None) -> T:
        """Run a unit in a transaction; returns when it is durable.

        Args:
            unit: The unit.
            again: Its form for when nobody knows whether it was kept already; by default itself.
        """

    @abstractmethod
    async def _read(self, unit: Callable[[], Unit[T]], *, is_large: bool = False, is_snapshot: bool = False) -> T:
        """Run a unit that only reads.

        Args:
            unit: The unit.
            is_large: It may take a while, and must not hold up anybody.
            is_snapshot: All its statements see the database as it was at one moment.
        """

    async def _now(self) -> datetime:
        """The time of what is about to happen."""
        return self._clock()

    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        head = await self._read(partial(conversations.head_of, conversation_id, agent_key))
        if head is None:
            return Stored()
        missing = head[2] - conversations.first_wanted(head, after, context)
        if not missing:
            return conversations.stored(head, [])
        unit = partial(conversations.tail, conversation_id, agent_key, after, context)
        found, bodies = await self._read(unit, is_large=missing > _LARGE, is_snapshot=True)
        return conversations.stored(found, self._decode(conversation_id, bodies))

    async def commit(self, commit: Commit) -> int:
        call = (commit, _encoded(commit), stamp(await self._now()))
        return await self._write(partial(conversations.commit_turn, *call), again=partial(again.commit_turn, *call))

    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        now = stamp(await self._now())
        await self._write(partial(conversations.save_state, conversation_id, agent_key, state, now))

    async def clear_messages(self, conversation_id: str) -> None:
        await self._write(partial(conversations.clear_messages, conversation_id, stamp(await self._now())))

    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        return await self._read(partial(conversations.listed, limit, offset), is_large=True)

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        call = (message, lease, await self._now())
        return await self._write(partial(delivery.accept, *call), again=partial(again.accept, *call))

    async def claim(self, conversation_id: str, lease: Lease, *, gone: str | None = None) -> Claim | None:
        call = (conversation_id, lease, await self._now(), gone)
        return await self._write(partial(delivery.claim_turn, *call), again=partial(again.claim_turn, *call))

    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        rows = [delivery.entry_row(entry) for entry in entries]
        await self._write(partial(delivery.record, claim, rows, ttl, await self._now()))

    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        call = (claim, finished, _encoded(finished.commit), lease, await self._now())
        return await self._write(partial(delivery.finish, *call), again=partial(again.finish, *call))

    async def renew(self, claims: Sequence[Claim], ttl: timedelta) -> list[Ending | Literal["lost"] | None]:
        return await self._write(partial(delivery.renew, claims, ttl, await self._now()))

    async def release(self, claim: Claim, *, counts: bool = False) -> None:
        await self._write(partial(delivery.release, claim, counts))

    async def stop(self, conversation_id: str, ending: Literal["cancelled", "superseded"]) -> int | None:
        return await self._write(partial(delivery.stop, conversation_id, ending, await self._now()))

    async def pause(
        self, claim: Claim, entries: Sequence[Entry], call: PendingCall, note: str, lease: Lease
    ) -> Claim | None:
        rows = [delivery.entry_row(entry) for entry in entries]
        values = (claim, rows, call, note, lease, await self._now())
        return await self._write(partial(approvals.pause, *values), again=partial(again.pause, *values))

    async def decide(self, conversation_id: str, deciding: Deciding) -> bool:
        return await self._write(partial(approvals.decide, conversation_id, deciding, await self._now()))

    async def pending(self, conversation_id: str | None = None) -> list[PendingCall]:
        return await self._read(partial(pauses.pending, conversation_id), is_large=True)

    async def hand_over(self, conversation_id: str, *, to: str, reason: str = "") -> bool | None:
        handoff: JSONObject = {"to": to, "reason": reason}
        return await self._write(partial(handoffs.hand_over, conversation_id, handoff, await self._now()))

    async def handed_over(
        self, conversation_id: str | None = None, *, limit: int = 100, offset: int = 0
    ) -> list[HandedOver]:
        unit = partial(handoffs.handed_over, conversation_id, limit, offset)
        return await self._read(unit, is_large=True)

    async def outcome(self, conversation_id: str, message_id: str) -> Outcome | None:
        return await self._read(partial(delivery.outcome, conversation_id, message_id, await self._now()))

    async def stranded(self, limit: int = 100) -> list[tuple[str, str | None]]:
        return await self._read(partial(delivery.stranded, await self._now(), limit))

    async def live(self, agent_key: str, *, after: str = "", limit: int = 200) -> list[LiveConversation]:
        return await self._read(partial(versions.live, agent_key, after, limit), is_large=True, is_snapshot=True)

    async def turns(self, conversation_id: str, *, last: int = 100, before: int | None = None) -> list[TurnInfo]:
        return await self._read(partial(delivery.turns, conversation_id, last, before), is_large=last > 1)

    async def ended(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        for at in range(0, len(conversation_ids), reading.MOST_IDS):
            found |= await self._read(partial(reading.ended, conversation_ids[at : at + reading.MOST_IDS]))
        return found

    async def messages(
        self, conversation_id: str, *, before: int | None = None, turn: int | None = None, limit: int = 100
    ) -> list[StoredMessage]:
        unit = partial(reading.messages, conversation_id, before, turn, limit)
        rows = await self._read(unit, is_large=limit > _LARGE)
        bodies = self._decode(conversation_id, [body for _, _, body, _ in rows])
        return [
            StoredMessage(seq=seq, turn=no, body=body, at=at)
            for (seq, no, _, at), body in zip(rows, bodies, strict=True)
        ]

    async def begin(self, conversation_id: str, *, owner: str | None, agent_key: str) -> bool:
        now = stamp(await self._now())
        return await self._write(partial(conversations.begin, conversation_id, owner, agent_key, now))

    async def info(self, conversation_id: str) -> ConversationInfo | None:
        return await self._read(partial(conversations.info, conversation_id))

    async def conversations_of(self, owner: str, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        return await self._read(partial(conversations.listed, limit, offset, owner), is_large=True)

    async def holding(self, message_id: str, *, prefix: str, limit: int = 100) -> list[str]:
        return await self._read(partial(reading.holding, message_id, prefix, limit))

    async def summaries(self, wanted: Wanted) -> list[Summary]:
        return await self._read(partial(operations.summaries, wanted, await self._now()), is_large=True)

    async def export(self, conversation_id: str) -> JSONObject | None:
        return await self._read(partial(operations.export, conversation_id), is_large=True, is_snapshot=True)

    async def restore(self, document: JSONObject) -> None:
        await self._write(partial(operations.restore, operations.checked(document)))

    async def erase(self, conversation_id: str, *, force: bool = False) -> bool:
        return await self._write(partial(operations.erase, conversation_id, await self._now(), force=force))

    async def prune(self, wanted: Wanted) -> list[str]:
        return await self._write(partial(operations.prune, wanted, await self._now()))

    async def all_turns(self, *, after: Place = (0, 0), limit: int = 1000) -> list[TurnOf]:
        return await self._read(partial(operations.all_turns, after, limit), is_large=True)

    async def unfinished(self, conversation_id: str) -> Claim | None:
        return await self._read(partial(operations.unfinished, conversation_id), is_snapshot=True)

    async def schedule(self, timer: Timer) -> str:
        return await self._write(partial(timers.schedule, timer, await self._now()))

    async def unschedule(self, conversation_id: str, timer_id: str) -> bool:
        return await self._write(partial(timers.unschedule, conversation_id, timer_id))

    async def timers(self, conversation_id: str) -> list[PendingTimer]:
        return await self._read(partial(timers.pending, conversation_id))

    async def fire(self, limit: int = 100) -> list[tuple[str, str]]:
        now = await self._now()
        due = await self._read(partial(timers.due, now, limit))
        # One transaction each: none ever holds two conversations, so that no two can wait for each other.
        fired = await asyncio.gather(*(self._write(partial(timers.fire, *each, now)) for each in due))
        return [each for each in fired if each is not None]

    def _decode(self, conversation_id: str, bodies: Sequence[str]) -> list[JSONObject]:
        try:
            return json.loads(f"[{','.join(bodies)}]")
        except ValueError:
            for body in bodies:
                try:
                    json.loads(body)
                except ValueError as exc:
                    raise StoreUnreadable(
                        f"{self!r} holds a message of conversation {conversation_id!r} that "
                        f"is no JSON ({exc}): {body[:80]!r}. Mend that row of the table 'messages'"
                    ) from exc
            raise


_encoder = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=StateSerializer.serialize
)


def _encoded(commit: Commit) -> list[str]:
    try:
        return [clean_text(_encoder.encode(message)) for message in commit.messages]
    except (TypeError, ValueError, RecursionError) as exc:
        raise StoreError(
            f"a message of conversation {commit.conversation_id!r} cannot be stored, because it is no JSON: {exc}"
        ) from exc

"""Stores with one defect each, in how persons take part and how conversations are erased; and the rules for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Literal

from broken_delivery import Claiming
from broken_turns import breaks

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.errors import AlreadyDecided, NotPending
from agent_runtime_framework.store.delivery import (
    Accepted,
    Claim,
    Deciding,
    Ending,
    Entry,
    Finished,
    HandedOver,
    Incoming,
    Lease,
)
from agent_runtime_framework.store.operations import Wanted
from agent_runtime_framework.store.sqlite import SQLiteStore


@breaks(
    "a paused turn rests until somebody decides",
    "messages wait behind a paused turn",
    "who paused a turn writes nothing more",
    "what waits for a decision is listed",
)
class NeverRests(SQLiteStore):
    async def pause(
        self, claim: Claim, entries: Sequence[Entry], call: PendingCall, note: str, lease: Lease
    ) -> Claim | None:
        await self.record(claim, entries, lease.ttl)


@breaks("a paused turn rests until somebody decides", "a turn that was asked to end does not rest")
class RestsWithoutItsJournal(SQLiteStore):
    async def pause(
        self, claim: Claim, entries: Sequence[Entry], call: PendingCall, note: str, lease: Lease
    ) -> Claim | None:
        return await super().pause(claim, [], call, note, lease)


@breaks("a decision is told whoever continues the turn", "a decision is for good")
class ForgetsDecisions(Claiming):
    def granted(self, claim: Claim) -> Claim:
        return replace(claim, decisions=())


@breaks("a decision is told whoever continues the turn")
class AlwaysApproves(SQLiteStore):
    async def decide(self, conversation_id: str, deciding: Deciding) -> bool:
        return await super().decide(conversation_id, replace(deciding, is_approved=True))


@breaks("a decision is for good")
class LetsPersonsChangeTheirMind(SQLiteStore):
    async def decide(self, conversation_id: str, deciding: Deciding) -> bool:
        try:
            return await super().decide(conversation_id, deciding)
        except AlreadyDecided:
            return True


@breaks("nobody decides about a call that does not wait", "stop ends a paused turn")
class TakesAnyDecision(SQLiteStore):
    async def decide(self, conversation_id: str, deciding: Deciding) -> bool:
        try:
            return await super().decide(conversation_id, deciding)
        except NotPending:
            return True


@breaks("who lost the lease pauses nothing")
class PausesForZombies(Claiming):
    latest: Claim | None = None

    def granted(self, claim: Claim) -> Claim:
        self.latest = claim
        return claim

    async def pause(
        self, claim: Claim, entries: Sequence[Entry], call: PendingCall, note: str, lease: Lease
    ) -> Claim | None:
        return await super().pause(self.latest or claim, entries, call, note, lease)


@breaks("stop ends a paused turn", "a turn that was asked to end does not rest")
class StopsNothing(SQLiteStore):
    async def stop(self, conversation_id: str, ending: Literal["cancelled", "superseded"]) -> int | None:
        return None


@breaks("interrupt ends a paused turn")
class InterruptsNoPause(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        policy = "queue" if await self.pending(message.conversation_id) else message.policy
        return await super().accept(replace(message, policy=policy), lease)


@breaks("a person takes a conversation over and gives it back")
class NeverGivesBack(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        return await super().finish(claim, replace(finished, handoff=None), lease)


@breaks("a person takes a conversation over and gives it back")
class HidesWhoTookOver(SQLiteStore):
    async def handed_over(
        self, conversation_id: str | None = None, *, limit: int = 100, offset: int = 0
    ) -> list[HandedOver]:
        return []


@breaks("a person who takes over ends a paused turn", "a person takes a conversation over and gives it back")
class HandsOverInWordsOnly(SQLiteStore):
    async def hand_over(self, conversation_id: str, *, to: str, reason: str = "") -> bool | None:
        return True


@breaks(
    "an erased conversation is gone with everything of it",
    "who works on an erased conversation writes nothing more",
    "an exported conversation can be put back",
)
class ErasesMessagesOnly(SQLiteStore):
    async def erase(self, conversation_id: str, *, force: bool = False) -> bool:
        await self.clear_messages(conversation_id)
        return True


@breaks("erasing leaves other conversations alone")
class ErasesEverything(SQLiteStore):
    async def erase(self, conversation_id: str, *, force: bool = False) -> bool:
        for each in await self.conversations():
            await super().erase(each.conversation_id, force=force)
        return True


@breaks("a conversation is not erased while a turn of it is run")
class ErasesWhatRuns(SQLiteStore):
    async def erase(self, conversation_id: str, *, force: bool = False) -> bool:
        return await super().erase(conversation_id, force=True)


@breaks("who works on an erased conversation writes nothing more")
class ForgetsTheFenceOfWhatItErased(Claiming):
    """A later conversation of the name begins with the same epoch, so that claims of both are the same."""

    latest: Claim | None = None

    def granted(self, claim: Claim) -> Claim:
        self.latest = claim
        return claim

    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        await super().record(self.latest or claim, entries, ttl)

    async def renew(self, claims: Sequence[Claim], ttl: timedelta) -> list[Ending | Literal["lost"] | None]:
        return await super().renew([self.latest or each for each in claims], ttl)


@breaks("an exported conversation can be put back")
class ExportsWithoutOutcomes(SQLiteStore):
    async def export(self, conversation_id: str) -> JSONObject | None:
        document = await super().export(conversation_id)
        return None if document is None else {**document, "inbox": []}


@breaks("only what is old and done with is pruned")
class PrunesWhateverThereIs(SQLiteStore):
    async def prune(self, wanted: Wanted) -> list[str]:
        return await super().prune(replace(wanted, older_than=None))


@breaks("a person who takes over ends a paused turn")
class TakesOverBesideAPause(SQLiteStore):
    async def hand_over(self, conversation_id: str, *, to: str, reason: str = "") -> bool | None:
        if await self.pending(conversation_id):
            return True
        return await super().hand_over(conversation_id, to=to, reason=reason)

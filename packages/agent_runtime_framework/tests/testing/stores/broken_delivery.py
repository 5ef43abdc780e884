"""Stores with one defect each, in how messages are delivered; and the rules that have to notice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar, Literal

from broken_turns import breaks

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
from agent_runtime_framework.store.sqlite import SQLiteStore

ANYBODY = Lease(owner="anybody", ttl=timedelta(seconds=30))


class Claiming(SQLiteStore):
    """A store whose claims all pass one place, where they can be spoilt."""

    def granted(self, claim: Claim) -> Claim:
        return claim

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        accepted = await super().accept(message, lease)
        return accepted if accepted.claim is None else replace(accepted, claim=self.granted(accepted.claim))

    async def claim(self, conversation_id: str, lease: Lease, *, gone: str | None = None) -> Claim | None:
        claim = await super().claim(conversation_id, lease, gone=gone)
        return None if claim is None else self.granted(claim)

    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        following = await super().finish(claim, finished, lease)
        return None if following is None else self.granted(following)


@breaks("an idle conversation is claimed with the message", "for an idle conversation every policy is the same")
class NeverClaimsWithTheMessage(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        return await super().accept(message)


@breaks("a message that nobody claims waits", "stop ends nothing but the running turn")
class ClaimsWithoutBeingAsked(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        return await super().accept(message, lease or ANYBODY)


@breaks(
    "a busy conversation is not claimed again",
    "nobody else gets a turn while its lease lasts",
    "of a hundred claims at once one wins",
    "of a hundred heirs one wins",
    "of many messages at once all are kept and one is claimed",
    "of a hundred claims from two stores one wins",
    "recording holds the lease",
    "renewing holds the lease",
)
class IgnoresLeases(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        accepted = await super().accept(message, lease)
        if lease is None or not accepted.is_new or accepted.claim is not None:
            return accepted
        return replace(accepted, claim=await self.claim(message.conversation_id, lease))

    async def claim(self, conversation_id: str, lease: Lease, *, gone: str | None = None) -> Claim | None:
        claim = await super().claim(conversation_id, lease, gone=gone)
        owner = dict(await self.stranded()).get(conversation_id)
        return claim or await super().claim(conversation_id, lease, gone=owner)


@breaks(
    "who comes first is claimed first",
    "messages are answered in the order of arrival",
    "reopening keeps messages that wait and a turn that was left",
)
class AcknowledgesBeforeItKeeps(SQLiteStore):
    """What waits is only in memory, and kept when there is time for it, the newest first."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.kept_later = list[Incoming]()

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        is_known = await self.outcome(message.conversation_id, message.message_id) is not None
        if is_known or (lease is not None and not self.kept_later and await self.stranded() == []):
            return await super().accept(message, lease)
        self.kept_later.append(message)
        if lease is not None and not any(await self.stranded()):
            return Accepted(outcome=Outcome(status="waiting"), claim=await self.claim(message.conversation_id, lease))
        return Accepted(outcome=Outcome(status="waiting"))

    async def flush(self) -> None:
        while self.kept_later:
            await super().accept(self.kept_later.pop())

    async def claim(self, conversation_id: str, lease: Lease, *, gone: str | None = None) -> Claim | None:
        await self.flush()
        return await super().claim(conversation_id, lease, gone=gone)

    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        await self.flush()
        return await super().finish(claim, finished, lease)


@breaks(
    "the same message id again changes nothing and tells the outcome",
    "a known message is not refused",
    "a known message interrupts nothing",
    "of a message sent a hundred times at once one is new",
    "a message sent to two stores at once is taken in once",
)
class ForgetsWhoSentWhat(SQLiteStore):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.times = defaultdict[str, int](int)

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        self.times[message.message_id] += 1
        times = self.times[message.message_id]
        message_id = message.message_id if times == 1 else f"{message.message_id} {times}"
        return await super().accept(replace(message, message_id=message_id), lease)


@breaks("the same id in another conversation is another message")
class TakesIdsForUnique(SQLiteStore):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.known = dict[str, str]()

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        first = self.known.setdefault(message.message_id, message.conversation_id)
        return await super().accept(replace(message, conversation_id=first), lease)


@breaks("of many messages at once all are kept and one is claimed")
class LosesAMessageNowAndThen(SQLiteStore):
    count = 0

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        self.count += 1
        if self.count % 7:
            return await super().accept(message, lease)
        return Accepted(outcome=Outcome(status="waiting"))


@breaks("who was spoken to last answers where nobody is named")
class AlwaysAsksTheDefaultAgent(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        return await super().accept(replace(message, agent_key=message.agent_key or message.default_agent), lease)


@breaks("a message that was never accepted has no outcome")
class InventsOutcomes(SQLiteStore):
    async def outcome(self, conversation_id: str, message_id: str) -> Outcome | None:
        return await super().outcome(conversation_id, message_id) or Outcome(status="waiting")


@breaks("for an idle conversation every policy is the same", "a refused message may be sent again")
class AlwaysRejects(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        if message.policy == "reject":
            raise ConversationBusy(message.conversation_id, "it is always busy")
        return await super().accept(message, lease)


@breaks("a message too many is refused and not kept")
class HasNoLimit(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        return await super().accept(replace(message, max_waiting=10**6), lease)


@breaks("a message too many is refused and not kept", "a refused message may be sent again")
class KeepsWhatItRefuses(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        try:
            return await super().accept(message, lease)
        except ConversationBusy:
            await super().accept(replace(message, policy="queue", max_waiting=10**6))
            raise


@breaks("reject refuses also while a message waits")
class RejectsOnlyWhileATurnRuns(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        turns = await self.turns(message.conversation_id)
        is_running = any(each.status == "running" for each in turns)
        policy = "queue" if message.policy == "reject" and not is_running else message.policy
        return await super().accept(replace(message, policy=policy), lease)


@breaks("interrupt drops what waits and asks the running turn to end", "interrupt is never refused for what it drops")
class InterruptsNothing(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        policy = "queue" if message.policy == "interrupt" else message.policy
        return await super().accept(replace(message, policy=policy), lease)


@breaks("interrupt leaves other conversations alone")
class InterruptsEverybody(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        if message.policy == "interrupt":
            for conversation_id, _ in await self.stranded():
                await self.stop(conversation_id, "superseded")
        return await super().accept(message, lease)


@breaks(
    "messages that may be merged are answered in one turn",
    "a merged turn that is continued answers the same messages",
)
class NeverMerges(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        policy = "queue" if message.policy == "merge" else message.policy
        return await super().accept(replace(message, policy=policy), lease)


@breaks("only neighbours that say the same are merged", "messages are answered in the order of arrival")
class MergesWhateverWaits(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        return await super().accept(replace(message, policy="merge"), lease)


@breaks("where nothing waits there is nothing to claim")
class GivesAwayWhatHasEnded(Claiming):
    last: Claim | None = None

    def granted(self, claim: Claim) -> Claim:
        self.last = claim
        return claim

    async def claim(self, conversation_id: str, lease: Lease, *, gone: str | None = None) -> Claim | None:
        return await super().claim(conversation_id, lease, gone=gone) or self.last


@breaks(
    "a turn whose lease ran out is continued with all that was recorded",
    "a turn given back is continued at once",
    "an entry comes back with all that it tells",
    "an outcome takes the place of the intention",
    "every conversation has a journal of its own",
    "reopening keeps messages that wait and a turn that was left",
)
class ForgetsTheJournal(Claiming):
    def granted(self, claim: Claim) -> Claim:
        return replace(claim, entries=())


@breaks("conversations are claimed independently")
class RunsOneTurnAtATime(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        return await super().accept(message, None if await self.stranded() else lease)


@breaks("a lease is as long as was asked for", "an outcome says whether somebody is at the conversation")
class LeasesForEver(SQLiteStore):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        return await super().accept(message, None if lease is None else replace(lease, ttl=timedelta(days=1)))

    async def claim(self, conversation_id: str, lease: Lease, *, gone: str | None = None) -> Claim | None:
        return await super().claim(conversation_id, replace(lease, ttl=timedelta(days=1)), gone=gone)


@breaks("the lease of an owner who is gone does not count", "the fence holds for the owner at another store")
class WaitsForThoseWhoAreGone(SQLiteStore):
    async def claim(self, conversation_id: str, lease: Lease, *, gone: str | None = None) -> Claim | None:
        return await super().claim(conversation_id, lease)


@breaks("every claim has a later epoch")
class CountsNoEpochs(Claiming):
    def granted(self, claim: Claim) -> Claim:
        return replace(claim, epoch=1)


@breaks("a turn given back is continued at once", "who gave a turn back writes nothing more")
class GivesNothingBack(SQLiteStore):
    async def release(self, claim: Claim, *, counts: bool = False) -> None:
        pass


@breaks("a turn given back is continued at once")
class CountsEveryAttempt(SQLiteStore):
    async def release(self, claim: Claim, *, counts: bool = False) -> None:
        await super().release(claim, counts=True)


@breaks("a turn built on others says so", "the next turn is claimed with the end of the last")
class BuildsOnNothing(Claiming):
    def granted(self, claim: Claim) -> Claim:
        return replace(claim, revision=0)


@breaks("recording holds the lease", "renewing holds the lease")
class LetsLeasesRunOut(SQLiteStore):
    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        await super().record(claim, entries, timedelta(0))

    async def renew(self, claims: Sequence[Claim], ttl: timedelta) -> list[Ending | Literal["lost"] | None]:
        return await super().renew(claims, timedelta(0))


@breaks("stop reaches the owner and whoever continues the turn")
class ForgetsToStop(SQLiteStore):
    async def stop(self, conversation_id: str, ending: Literal["cancelled", "superseded"]) -> int | None:
        return next((each.no for each in await self.turns(conversation_id) if each.status == "running"), None)


@breaks("what nobody is at is found", "a turn given back is continued at once")
class FindsNobody(SQLiteStore):
    async def stranded(self, limit: int = 100) -> list[tuple[str, str | None]]:
        return []


@breaks("an entry comes back with all that it tells", "a message is delivered as it came")
class LosesNotes(SQLiteStore):
    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        await super().record(claim, [replace(each, notes=None) for each in entries], ttl)


@breaks("entries come back in the order of their numbers")
class TurnsTheJournalRound(Claiming):
    def granted(self, claim: Claim) -> Claim:
        return replace(claim, entries=claim.entries[::-1])


@breaks("an outcome takes the place of the intention", "a later entry replaces the whole of an earlier one")
class KeepsIntentions(SQLiteStore):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.numbers = set[int]()

    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        await super().record(claim, [each for each in entries if each.no not in self.numbers], ttl)
        self.numbers |= {each.no for each in entries}


@breaks("what is recorded is not yet said")
class SaysTooSoon(SQLiteStore):
    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        await super().record(claim, entries, ttl)
        await self.save_state(claim.conversation_id, claim.agent_key, entries[-1].state)


@breaks("what was recorded is forgotten when the turn has ended")
class NeverForgetsTheJournal(Claiming):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.entries = dict[int, Entry]()

    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        await super().record(claim, entries, ttl)
        self.entries |= {each.no: each for each in entries}

    def granted(self, claim: Claim) -> Claim:
        return replace(claim, entries=tuple(self.entries.values()))


@breaks(
    "who lost the lease records nothing",
    "who lost the lease finishes nothing",
    "who lost the lease holds it no longer",
    "of several leases each is told how it stands",
    "who lost the lease gives nothing back",
    "a turn ends once",
    "the fence holds for the owner at another store",
)
class IgnoresTheEpoch(Claiming):
    latest: ClassVar = dict[tuple[str, str], Claim]()

    def granted(self, claim: Claim) -> Claim:
        self.latest[self._database.path, claim.conversation_id] = claim
        return claim

    def now(self, claim: Claim) -> Claim:
        latest = self.latest.get((self._database.path, claim.conversation_id), claim)
        return replace(claim, epoch=latest.epoch, turn=latest.turn)

    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        await super().record(self.now(claim), entries, ttl)

    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        return await super().finish(self.now(claim), finished, lease)

    async def renew(self, claims: Sequence[Claim], ttl: timedelta) -> list[Ending | Literal["lost"] | None]:
        return await super().renew([self.now(each) for each in claims], ttl)

    async def release(self, claim: Claim, *, counts: bool = False) -> None:
        await super().release(self.now(claim), counts=counts)


@breaks("an owner whose lease ran out goes on if nobody took over")
class TakesALeaseForLostThatRanOut(SQLiteStore):
    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        outcome = await self.outcome(claim.conversation_id, claim.message_ids[0])
        if outcome is None or not outcome.is_held:
            raise LeaseLost(claim.conversation_id, claim.turn)
        await super().record(claim, entries, ttl)


@breaks(
    "a turn on a state that was changed from outside is refused",
    "a turn on messages that were cleared meanwhile is refused",
)
class FinishesOnAnyRevision(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        try:
            return await super().finish(claim, finished, lease)
        except ConversationConflict as conflict:
            commit = replace(finished.commit, revision=conflict.found or 0)
            return await super().finish(claim, replace(finished, commit=commit), lease)


@breaks("a refused turn can be ended on the revision that was found")
class NeverLetsGoOfItsRevision(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        commit = replace(finished.commit, revision=claim.revision)
        return await super().finish(claim, replace(finished, commit=commit), lease)


@breaks("a finished turn is read like any other", "numbers go on whoever adds messages")
class LosesTheReply(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        commit = replace(finished.commit, messages=finished.commit.messages[:-1])
        return await super().finish(claim, replace(finished, commit=commit), lease)


@breaks("a finished turn is read like any other")
class LosesTheState(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        return await super().finish(claim, replace(finished, commit=replace(finished.commit, state=None)), lease)


@breaks("every message ends with the outcome of its turn")
class AlwaysSaysAnswered(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        return await super().finish(claim, replace(finished, ending="answered"), lease)


@breaks("an outcome says whether somebody is at the conversation")
class NeverSaysHeld(SQLiteStore):
    async def outcome(self, conversation_id: str, message_id: str) -> Outcome | None:
        outcome = await super().outcome(conversation_id, message_id)
        return None if outcome is None else replace(outcome, is_held=False)


@breaks("the next turn is claimed with the end of the last", "messages are answered in the order of arrival")
class NeverGoesOn(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        return await super().finish(claim, finished)


@breaks("who wants no more leaves the next turn to others")
class AlwaysGoesOn(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        return await super().finish(claim, finished, lease or ANYBODY)


@breaks("a turn without a trace has its outcome too")
class LeavesATrace(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        messages = finished.commit.messages or [{"role": "assistant", "content": ""}]
        return await super().finish(claim, replace(finished, commit=replace(finished.commit, messages=messages)), lease)


@breaks("turns are listed with all that is known of them", "every message ends with the outcome of its turn")
class LosesReceipts(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        return await super().finish(claim, replace(finished, receipt={}), lease)


@breaks("the last turns are listed oldest first")
class ListsTheNewestTurnFirst(SQLiteStore):
    async def turns(self, conversation_id: str, *, last: int = 100, before: int | None = None) -> list[TurnInfo]:
        return (await super().turns(conversation_id, last=last, before=before))[::-1]


@breaks("a turn that was not delivered is listed too")
class ListsWhatWasDelivered(SQLiteStore):
    async def turns(self, conversation_id: str, *, last: int = 100, before: int | None = None) -> list[TurnInfo]:
        return [each for each in await super().turns(conversation_id, last=last, before=before) if each.started_at]

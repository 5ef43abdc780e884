"""Stores with one defect each, in what is to come in a conversation; and the rules for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from broken_delivery import Claiming
from broken_turns import breaks

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.store.delivery import Accepted, Claim, Finished, Incoming, Lease
from agent_runtime_framework.store.protocol import Commit
from agent_runtime_framework.store.sqlite import SQLiteStore
from agent_runtime_framework.store.timers import PendingTimer, Silence, Timer

HOUR = timedelta(hours=1)


@breaks("silence comes when it is due and once")
class FiresEarly(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        silence = None if finished.silence is None else replace(finished.silence, after=finished.silence.after / 2)
        return await super().finish(claim, replace(finished, silence=silence), lease)


@breaks(
    "silence comes when it is due and once",
    "a clock that is set back neither hastens nor repeats",
    "all that is due comes a batch at a time",
    "of those who look at once one gets each",
    "an event comes at its time whatever is said",
    "an event that is scheduled again is moved",
)
class FiresAgain(SQLiteStore):
    fired: list[tuple[str, str]]

    async def fire(self, limit: int = 100) -> list[tuple[str, str]]:
        self.fired = await super().fire(limit) or getattr(self, "fired", [("ada", "again")])
        return self.fired


@breaks("a turn ends without a timer unless it sets one")
class NeverStopsWaiting(SQLiteStore):
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        silence = finished.silence or Silence(after=HOUR, body={})
        return await super().finish(claim, replace(finished, silence=silence), lease)


class Deaf(SQLiteStore):
    """Sets the timer again after whatever should have ended the silence."""

    async def be_silent(self) -> None:
        unit = _again()
        await self._write(lambda: unit)


def _again():
    from agent_runtime_framework.store.sql.unit import Ask

    yield Ask("UPDATE conversations SET idle_due = '2026-01-01T00:00:00.000+00:00', idle = '{}' WHERE id = 'ada'")


@breaks("a message ends the silence")
class HearsNoMessage(Deaf):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        accepted = await super().accept(message, lease)
        await self.be_silent()
        return accepted

    async def fire(self, limit: int = 100) -> list[tuple[str, str]]:
        return await super().fire(limit) or [("ada", "silence")]


@breaks(
    "a message supersedes what silence brought",
    "what silence brought keeps no message out",
    "who takes over drops what silence brought",
)
class TakesSilenceForAMessage(SQLiteStore):
    async def fire(self, limit: int = 100) -> list[tuple[str, str]]:
        fired = await super().fire(limit)
        await self._write(_as_a_message)
        return fired


def _as_a_message():
    from agent_runtime_framework.store.sql.unit import Ask

    yield Ask("UPDATE inbox SET policy = 'queue' WHERE policy = 'idle'")


@breaks("a message waits for a turn of silence that has begun")
class DropsRunningSilence(Claiming):
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        interrupts = message if message.message_id == "m1" else replace(message, policy="interrupt")
        return await super().accept(interrupts, lease)

    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        return await super().finish(claim, replace(finished, ending="superseded"), lease)


@breaks("it is not silent while something waits or runs", "it is not silent while a person has the conversation")
class FiresWhateverHappens(SQLiteStore):
    async def fire(self, limit: int = 100) -> list[tuple[str, str]]:
        return [("ada", "silence")]


@breaks("a change from outside ends the silence")
class HearsNoChange(Deaf):
    async def commit(self, commit: Commit) -> int:
        revision = await super().commit(commit)
        await self.be_silent()
        return revision

    async def clear_messages(self, conversation_id: str) -> None:
        await super().clear_messages(conversation_id)
        await self.be_silent()

    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        await super().save_state(conversation_id, agent_key, state)
        await self.be_silent()


@breaks("all that is due comes a batch at a time")
class KnowsNoLimit(SQLiteStore):
    async def fire(self, limit: int = 100) -> list[tuple[str, str]]:
        return await super().fire(1000)


@breaks("an event comes at its time whatever is said", "an event may be the first thing in a conversation")
class ForgetsWhatWasScheduled(SQLiteStore):
    async def schedule(self, timer: Timer) -> str:
        return "2026-01-01T01:00:00.000+00:00"


@breaks("an event that is scheduled again is moved")
class NeverMovesATimer(SQLiteStore):
    async def schedule(self, timer: Timer) -> str:
        waiting = {each.timer_id: each.due_at for each in await self.timers(timer.conversation_id)}
        return waiting.get(timer.timer_id) or await super().schedule(timer)


@breaks("an event that is taken back never comes")
class TakesNothingBack(SQLiteStore):
    async def unschedule(self, conversation_id: str, timer_id: str) -> bool:
        return (conversation_id, timer_id) == ("ada", "pay")


@breaks("an event for an agent comes to that agent")
class TellsWhoeverWasSpokenTo(SQLiteStore):
    async def schedule(self, timer: Timer) -> str:
        return await super().schedule(replace(timer, agent_key=""))


@breaks("an erased conversation takes its timers along")
class RemembersTimers(SQLiteStore):
    async def timers(self, conversation_id: str) -> list[PendingTimer]:
        return [PendingTimer(timer_id="pay", due_at="2026-01-01T01:00:00.000+00:00", body=_BODY)]


_BODY: JSONObject = {}

"""The other processes on the same store: woken, stopped, watched, at once where the store has a way to tell them.

Rules:
    - Nothing depends on it: what was not heard is found in the store.
    - Of a turn is told only while somebody elsewhere has said that they want to hear of its conversation.
    - A turn that is heard of reaches this process's watchers as if it were run here.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.events import Event, Sink
from agent_runtime_framework.runtime.watching import Watchers
from agent_runtime_framework.store.delivery import Claim, DurableStore, Ending, Outcome

if TYPE_CHECKING:
    from agent_runtime_framework.runtime.host import Host
    from agent_runtime_framework.runtime.worker import Worker

WANTED_SECONDS = 30.0
"""For how long others are told of a conversation that somebody asked for; asked again after a third of that."""

HESITATION = 0.01
"""Seconds at most before an idle process answers a call; a busy one takes longer, so that an idle one is faster."""

Heard = Callable[[], "list[JSONObject] | None"]

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


class Neighbours:
    """Tells other processes, and does what they tell.

    Args:
        store: What they have in common.
        watchers: Who is told here of what happens elsewhere.
    """

    def __init__(self, store: DurableStore, watchers: Watchers) -> None:
        self._store = store
        self._watchers = watchers
        self._signals = store.signals()
        self._host: Host | None = None
        self._wanted: dict[str, float] = {}
        self._asked: dict[str, float] = {}
        self._turns: dict[tuple[str, int], _TurnElsewhere] = {}
        self._kinds: dict[str, Callable[[JSONObject], None]] = {
            "wake": self._hear_wake,
            "stop": self._hear_stop,
            "want": self._hear_want,
            "begin": self._hear_begin,
            "events": self._hear_events,
            "end": self._hear_end,
        }
        watchers.wanted = self.ask_for

    async def start(self, host: Host) -> None:
        """Begin to hear of them; what they tell is done by `host`."""
        self._host = host
        if self._signals is not None:
            await self._signals.start(self._hear, self._look_around)

    async def aclose(self) -> None:
        """Hear no more."""
        if self._signals is not None:
            await self._signals.aclose()

    def wake(self, conversation_id: str) -> None:
        """There is something to do in a conversation."""
        self._tell({"wake": conversation_id})

    def stop(self, conversation_id: str, turn: int, ending: Ending) -> None:
        """A turn shall end as that."""
        self._tell({"stop": conversation_id, "turn": turn, "ending": ending})

    def ask_for(self, conversation_id: str) -> None:
        """Somebody here wants to hear of a conversation that others may be at."""
        if self._signals is None or self._host is None or self._host.is_at(conversation_id):
            return
        now = asyncio.get_running_loop().time()
        if now - self._asked.get(conversation_id, -WANTED_SECONDS) > WANTED_SECONDS / 3:
            _drop_old(self._asked, now - WANTED_SECONDS)
            self._asked[conversation_id] = now
            self._tell({"want": conversation_id})

    def sinks_of(self, claim: Claim, heard: Heard) -> Sequence[Sink]:
        """Where the events of a turn go, if somebody elsewhere wants to hear of them."""
        return [_Teller(self._tell, claim, heard)] if self._is_wanted(claim.conversation_id) else []

    def settled(self, claim: Claim, outcome: Outcome | None) -> None:
        """A turn has ended here."""
        if outcome is not None and self._is_wanted(claim.conversation_id):
            told = {"status": outcome.status, "reply": outcome.reply, "reason": outcome.stopped_reason}
            self._tell({"end": _turn_of(claim), **told})

    def _is_wanted(self, conversation_id: str) -> bool:
        until = self._wanted.get(conversation_id)
        return until is not None and until > asyncio.get_running_loop().time()

    def _tell(self, told: JSONObject, *, can_wait: bool = False) -> None:
        if self._signals is not None:
            self._signals.tell(_encode(told), can_wait=can_wait)

    def _hear(self, text: str) -> None:
        told: JSONObject = json.loads(text)
        for kind, take in self._kinds.items():
            if kind in told:
                take(told)

    def _hear_wake(self, told: JSONObject) -> None:
        host, conversation_id = self._host, str(told["wake"])
        if host is not None and host.load < math.inf and not host.is_at(conversation_id):
            pause = random.uniform(0, HESITATION) * (1 + 4 * host.load)
            asyncio.get_running_loop().call_later(pause, host.deliver, conversation_id)

    def _hear_stop(self, told: JSONObject) -> None:
        if self._host is not None:
            self._host.stop(told["stop"], told["turn"], told["ending"])

    def _hear_want(self, told: JSONObject) -> None:
        now = asyncio.get_running_loop().time()
        _drop_old(self._wanted, now)
        self._wanted[told["want"]] = now + WANTED_SECONDS

    def _hear_begin(self, told: JSONObject) -> None:
        claim, heard = _claim_of(told["begin"]), told["heard"]
        for key in [key for key in self._turns if key[0] == claim.conversation_id]:
            del self._turns[key]
        sinks = self._watchers.sinks_of(claim, lambda: heard)
        if sinks:
            self._turns[claim.conversation_id, claim.turn] = _TurnElsewhere(claim, sinks)

    def _hear_events(self, told: JSONObject) -> None:
        turn = self._turns.get((told["of"], told["turn"]))
        if turn is not None:
            for kind, payload, seq in told["events"]:
                turn.push(EventType(kind), payload, seq)

    def _hear_end(self, told: JSONObject) -> None:
        claim = _claim_of(told["end"])
        self._turns.pop((claim.conversation_id, claim.turn), None)
        outcome = Outcome(status=told["status"], reply=told["reply"], turn=claim.turn, stopped_reason=told["reason"])
        self._watchers.settled(claim, outcome)

    def _look_around(self) -> None:
        """Nobody could be heard for a while."""
        self._asked.clear()
        if self._host is not None:
            self._host.look_around()


class Elsewhere:
    """A host that runs nothing: turns are left to other processes, which are told of them."""

    load = math.inf

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    async def start(self, worker: Worker, store: DurableStore) -> None:
        pass

    def deliver(self, conversation_id: str, claim: Claim | None = None) -> None:
        self._neighbours.wake(conversation_id)

    def stop(self, conversation_id: str, turn: int, ending: Ending) -> None:
        pass

    def schedule(self, conversation_id: str, timer_id: str, due_at: str) -> None:
        pass

    def unschedule(self, conversation_id: str, timer_id: str) -> None:
        pass

    def is_at(self, conversation_id: str) -> bool:
        return False

    def look_around(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _TurnElsewhere:
    """A turn that another process runs, and who watches it here."""

    claim: Claim
    sinks: Sequence[Sink]

    def push(self, kind: EventType, payload: JSONObject, seq: int) -> None:
        event = Event(kind, payload, self.claim.run_id, self.claim.conversation_id, seq)
        for sink in self.sinks:
            sink.push(event)


class _Teller:
    """A sink that tells other processes."""

    def __init__(self, tell: Callable[..., None], claim: Claim, heard: Heard) -> None:
        self._tell = tell
        self._claim = claim
        self._heard = heard
        self._has_begun = False

    def push(self, event: Event) -> None:
        """Tell of an event."""
        claim = self._claim
        if not self._has_begun:
            self._has_begun = True
            self._tell({"begin": _turn_of(claim), "heard": self._heard() or []}, can_wait=True)
        told = [[event.type.value, event.payload, event.seq]]
        self._tell({"of": claim.conversation_id, "turn": claim.turn, "events": told}, can_wait=True)


def _turn_of(claim: Claim) -> list[object]:
    return [claim.conversation_id, claim.turn, claim.attempts, claim.run_id, claim.agent_key, claim.message_ids]


def _claim_of(told: Sequence[object]) -> Claim:
    conversation_id, turn, attempts, run_id, agent_key, message_ids = told
    return Claim(
        conversation_id=str(conversation_id),
        agent_key=str(agent_key),
        turn=int(str(turn)),
        run_id=str(run_id),
        epoch=0,
        revision=0,
        attempts=int(str(attempts)),
        message_ids=tuple(map(str, message_ids if isinstance(message_ids, list) else ())),  # pyright: ignore[reportUnknownArgumentType]
        bodies=(),
    )


def _drop_old(times: dict[str, float], before: float) -> None:
    for key in [key for key, at in times.items() if at < before]:
        del times[key]

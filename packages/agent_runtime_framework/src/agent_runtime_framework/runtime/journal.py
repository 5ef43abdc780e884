"""A turn's journal in a store: what it has done so far, a transaction at a time, and how to go on from there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.scene import step_name, step_of
from agent_runtime_framework.approvals import ApprovalNeeded, Decision, PendingCall
from agent_runtime_framework.crash_points import reach
from agent_runtime_framework.executor.asking import Request
from agent_runtime_framework.executor.calls import Answer
from agent_runtime_framework.executor.journal import DurableScene
from agent_runtime_framework.executor.turn import Finish, Reply, Turn, call_to_dict
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.runtime.receipts.recording import answered_with, asked_with
from agent_runtime_framework.store.delivery import Claim, DurableStore, Entry, EntryKind, Lease
from agent_runtime_framework.toolcalls import Effect, ToolCall

_WORTH_A_RECORD = ("model", "tool", "said")

APPROVAL_NOTE = "A colleague has to agree to this first. You will get your answer here as soon as they have."
"""What the sender of a message is told while a call waits, if no other words are configured."""


class StoredJournal:
    """Records one claimed turn.

    What is told is gathered and written before the next thing that costs or changes something, in one transaction and
    with the state as it is then.

    Args:
        store: Where.
        claim: The turn.
        lease: As whom it is held.
        approval_note: What is said while a call waits for a person, where its tool has no words of its own.

    Attributes:
        entries: All that was recorded or told, in order; an outcome is missing where a call has not ended.
        end: How the turn ended; None while it runs, or if it broke.
        unknown: The calls whose outcome nobody knows.
        decisions: What persons have decided about its calls.
        pausing: Keeps the turn as it rests, once that has begun; nothing that happens to the turn stops it. Its result
            is the turn again if it shall end instead.
        pause: The call at which the turn rests, and what is said meanwhile; None while it runs.
    """

    def __init__(self, store: DurableStore, claim: Claim, lease: Lease, *, approval_note: str = APPROVAL_NOTE) -> None:
        self.entries = list(claim.entries)
        self.end: Finish | None = None
        self.unknown: list[str] = []
        self.decisions = list(claim.decisions)
        self.pausing: asyncio.Future[Claim | None] | None = None
        self.pause: tuple[PendingCall, str] | None = None
        self._store = store
        self._claim = claim
        self._lease = lease
        self._approval_note = approval_note
        self._scene: DurableScene | None = None
        self._unwritten: dict[int, Entry] = {}
        self._state = next((each.state for each in reversed(claim.entries) if each.state is not None), None)
        self._running: dict[str, tuple[Entry, float]] = {}
        self._places: dict[str, int] = {}
        self._known: dict[str, Answer] = {}
        self._writing = asyncio.Lock()
        self._asked: JSONObject = {}
        self._began = 0.0

    @property
    def state(self) -> str | None:
        """The state after the last recorded call; None if nothing was recorded."""
        return self._state

    @property
    def state_now(self) -> Any:
        """The state of the turn that runs, or has run here; None if it never did."""
        return None if self._scene is None else self._scene.state

    @property
    def mended(self) -> JSONObject:
        """What had to be done to the state before the turn could go on with it."""
        return {} if self._scene is None else self._scene.mended

    @property
    def handoff(self) -> JSONObject | None:
        """To whom the conversation is handed over in this turn; None if it is not."""
        return None if self._scene is None else self._scene.handoff

    @property
    def resumed_at(self) -> int | None:
        """The number of the first entry that is added here, in a turn that is continued; None in one that begins."""
        return len(self._claim.entries) if self._claim.attempts > 1 else None

    @property
    def heard(self) -> list[JSONObject] | None:
        """The person's messages as the turn heard them; None before they were recorded."""
        first = self.entries[0] if self.entries else None
        return None if first is None or first.outcome is None else list(first.outcome["messages"])

    def open(self, scene: DurableScene, earlier: Sequence[JSONObject], heard: list[JSONObject]) -> None:
        self._scene = scene
        if not self.entries:
            self._tell("heard", {"messages": heard})
            return
        notes = next((each.notes for each in reversed(self.entries) if each.notes is not None), None)
        if notes is not None:
            scene.recall(notes, earlier, heard)

    def replay(self, turn: Turn) -> bool:
        if not self._claim.entries:
            return False
        calls: dict[str, Entry] = {}
        for entry in self._claim.entries:
            if entry.kind == "tool":
                calls[entry.call_id or ""] = entry
                continue
            self._replay_calls(turn, calls)
            _REPLAYED[entry.kind](turn, entry.outcome or {})
        self._replay_calls(turn, calls)
        for call_id, entry in calls.items():
            answer = self._answer_of(entry)
            if answer is None:
                # It runs again, and its outcome takes the place of this intention.
                self._places[call_id] = entry.no
            else:
                self._known[call_id] = answer
        return True

    def _replay_calls(self, turn: Turn, calls: dict[str, Entry]) -> None:
        """Answer the calls at the head of those that wait, as far as their outcome is known."""
        while turn.waiting and (entry := calls.get(turn.waiting[0].id)) is not None:
            answer = self._answer_of(entry)
            if answer is None:
                return
            del calls[turn.waiting[0].id]
            turn.answered(turn.waiting[0].id, answer.text, ok=answer.ok)

    def _answer_of(self, entry: Entry) -> Answer | None:
        """What a recorded call came to; None if it may run again."""
        if entry.outcome is None and entry.effect == "once":
            # It was cut off: it may have happened, and it is not run again.
            entry = replace(entry, outcome={"text": INTERRUPTED, "ok": False, "unknown": True})
            self.entries[entry.no] = self._unwritten[entry.no] = entry
            self.unknown.append(entry.name or "")
        return None if entry.outcome is None else Answer(entry.outcome["text"], ok=entry.outcome["ok"])

    async def before_request(self, request: Request) -> None:
        if any(entry.kind in _WORTH_A_RECORD for entry in self._unwritten.values()):
            await self._write()
        self._asked = asked_with(request)
        self._began = time.perf_counter()
        reach("request:before")

    def replied(self, reply: Reply, offered: Iterable[str] | None, *, insists: bool) -> None:
        reach("request:after")
        outcome: JSONObject = {
            "text": reply.text,
            "calls": [call_to_dict(call) for call in reply.calls],
            "usage": reply.usage,
            "extra": reply.extra,
            "offered": None if offered is None else list(offered),
            "insists": insists,
            **self._asked,
            "ms": _milliseconds_since(self._began),
        }
        self._tell("model", outcome)

    def knows(self, call: ToolCall) -> bool:
        return call.id in self._known

    async def before_calls(self, calls: Sequence[ToolCall]) -> list[Answer | None]:
        known = [self._known.get(call.id) for call in calls]
        begun = [self._intent(call) for call, answer in zip(calls, known, strict=True) if answer is None]
        # The places of calls that run side by side are kept in any case: they may end in another order.
        if len(begun) > 1 or any(entry.effect != "state" for entry in begun):
            self._unwritten.update({entry.no: entry for entry in begun})
            await self._write()
        now = time.perf_counter()
        self._running.update({entry.call_id or "": (entry, now) for entry in begun})
        reach("call:before")
        return known

    def answered(self, call: ToolCall, answer: Answer) -> None:
        reach("call:after")
        if self._known.pop(call.id, None) is not None:
            return
        outcome: JSONObject = {"text": answer.text, "ok": answer.ok, **answered_with(answer)}
        if call.id not in self._running:
            self._tell("tool", {**outcome, "refused": True}, name=call.name, call_id=call.id)
            return
        running, began = self._running.pop(call.id)
        outcome["ms"] = _milliseconds_since(began)
        outcome |= self._moves()
        if running.effect != "state" and answer.ok:
            outcome |= self._changes()
        self.entries[running.no] = self._unwritten[running.no] = replace(running, outcome=outcome)

    def has_begun(self, calls: Sequence[ToolCall]) -> bool:
        """True if the first of these calls may have run."""
        return bool(calls) and (calls[0].id in self._places or calls[0].id in self._running)

    async def keep(self) -> None:
        await self._write()

    def decision(self, call: ToolCall) -> Decision | None:
        return next((each for each in self.decisions if each.call_id == call.id), None)

    def decided(self, decision: Decision) -> None:
        self.decisions.append(decision)

    async def paused(self, call: ToolCall, needed: ApprovalNeeded) -> str:
        claim, note = self._claim, needed.note or self._approval_note
        waiting = PendingCall(
            conversation_id=claim.conversation_id,
            call_id=call.id,
            tool=call.name,
            arguments=needed.arguments,
            reason=needed.reason,
            turn=claim.turn,
        )
        self.pause = (waiting, note)
        self.pausing = asyncio.ensure_future(self._rest(waiting, note))
        await asyncio.shield(self.pausing)
        return note

    async def before_code(self) -> None:
        if self._state is None and self._scene is not None:
            self._state = self._scene.dumped()
        if any(each.effect not in (None, "state") and each.outcome is not None for each in self._unwritten.values()):
            await self._write()

    def settled(self, said: Sequence[str], *, is_over: bool) -> None:
        if said or is_over or self._has_moved():
            self._tell("said", {"texts": list(said), "is_over": is_over, **self._moves()})

    def ended(self, end: Finish) -> None:
        self.end = end

    def broke(self) -> None:
        self.end = None

    async def _write(self) -> None:
        # Calls that run side by side may end while others are being written.
        async with self._writing:
            told, entries = dict(self._unwritten), self._with_state()
            if not entries:
                return
            reach("record:before")
            await self._store.record(self._claim, entries, self._lease.ttl)
            reach("record:after")
            self._unwritten = {no: entry for no, entry in self._unwritten.items() if told.get(no) is not entry}

    async def _rest(self, waiting: PendingCall, note: str) -> Claim | None:
        async with self._writing:
            entries = self._with_state()
            reach("record:before")
            claim = await self._store.pause(self._claim, entries, waiting, note, self._lease)
            reach("record:after")
            return claim

    def _with_state(self) -> list[Entry]:
        """What is not written yet, with the state as it is now."""
        scene, entries = self._scene, sorted(self._unwritten.values(), key=lambda entry: entry.no)
        if scene is not None and entries:
            self._state = scene.dumped()
            entries[-1] = replace(entries[-1], state=self._state, notes=scene.notes() or None)
        return entries

    def _tell(self, kind: EntryKind, outcome: JSONObject, name: str | None = None, call_id: str | None = None) -> None:
        entry = Entry(no=len(self.entries), kind=kind, outcome=outcome, name=name, call_id=call_id)
        self.entries.append(entry)
        self._unwritten[entry.no] = entry

    def _intent(self, call: ToolCall) -> Entry:
        """A call that is about to run, in its place among the entries."""
        no = self._places.pop(call.id, len(self.entries))
        entry = Entry(no=no, kind="tool", name=call.name, call_id=call.id, effect=self._effect_of(call))
        self.entries[no:] = [entry, *self.entries[no + 1 :]]
        return entry

    def _moves(self) -> JSONObject:
        """The steps that were entered; none if that was put back."""
        scene = self._scene
        moves = [] if scene is None else scene.entered()
        return {"moves": moves} if scene is not None and moves and moves[-1] == step_name(step_of(scene.state)) else {}

    def _changes(self) -> JSONObject:
        """What a call that must not run twice did to the state, so that it can be done again without the call."""
        before, now = self._state, None if self._scene is None else self._scene.dumped()
        if before is None or now is None or before == now:
            return {}
        old, new = json.loads(before), json.loads(now)
        changed = {name: value for name, value in new.items() if name not in old or old[name] != value}
        return {"changed": changed, "gone": [name for name in old if name not in new]}

    def _effect_of(self, call: ToolCall) -> Effect:
        return "once" if self._scene is None else self._scene.effect_of(call)

    def _has_moved(self) -> bool:
        return self._scene is not None and self._state is not None and self._scene.dumped() != self._state


def _milliseconds_since(began: float) -> float:
    return round((time.perf_counter() - began) * 1000, 1)


def _replay_heard(turn: Turn, outcome: JSONObject) -> None:
    pass


def _replay_model(turn: Turn, outcome: JSONObject) -> None:
    calls = tuple(ToolCall(**call) for call in outcome["calls"])
    reply = Reply(outcome["text"], calls, outcome["usage"], outcome["extra"])
    turn.replied(reply, outcome["offered"], insists=outcome["insists"])


def _replay_said(turn: Turn, outcome: JSONObject) -> None:
    for text in outcome["texts"]:
        turn.said(text)
    if outcome["is_over"]:
        turn.conclude()


_REPLAYED: dict[str, Callable[[Turn, JSONObject], None]] = {
    "heard": _replay_heard,
    "model": _replay_model,
    "said": _replay_said,
}

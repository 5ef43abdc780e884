"""A turn's journal in a store: what it has done so far, a transaction at a time, and how to go on from there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.scene import step_name, step_of
from agent_runtime_framework.crash_points import reach
from agent_runtime_framework.executor.asking import Request
from agent_runtime_framework.executor.calls import Answer
from agent_runtime_framework.executor.journal import DurableScene
from agent_runtime_framework.executor.turn import Finish, Reply, Turn, call_to_dict
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.runtime.receipts.recording import answered_with, asked_with
from agent_runtime_framework.store.delivery import Claim, DurableStore, Entry, EntryKind
from agent_runtime_framework.toolcalls import Effect, ToolCall

_WORTH_A_RECORD = ("model", "tool", "said")


class StoredJournal:
    """Records one claimed turn.

    What is told is gathered and written before the next thing that costs or changes something, in one transaction and
    with the state as it is then.

    Attributes:
        entries: All that was recorded or told, in order.
        end: How the turn ended; None while it runs, or if it broke.
        unknown: The calls whose outcome nobody knows.
    """

    def __init__(self, store: DurableStore, claim: Claim, ttl: timedelta) -> None:
        self.entries = list(claim.entries)
        self.end: Finish | None = None
        self.unknown: list[str] = []
        self._store = store
        self._claim = claim
        self._ttl = ttl
        self._scene: DurableScene | None = None
        self._unwritten: dict[int, Entry] = {}
        self._state = next((each.state for each in reversed(claim.entries) if each.state is not None), None)
        self._running: Entry | None = None
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
        for entry in self._claim.entries:
            if entry.outcome is not None:
                _REPLAYED[entry.kind](turn, entry, entry.outcome)
            elif entry.effect == "once":
                self._give_up(turn, entry)
            else:
                # It runs again, and its outcome takes the place of this intention.
                self.entries.pop()
        return True

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

    async def before_call(self, call: ToolCall) -> Answer | None:
        effect = self._effect_of(call)
        self._running = Entry(no=len(self.entries), kind="tool", name=call.name, call_id=call.id, effect=effect)
        if effect != "state":
            self._unwritten[self._running.no] = self._running
            await self._write()
        self._began = time.perf_counter()
        reach("call:before")
        return None

    def answered(self, call: ToolCall, answer: Answer) -> None:
        reach("call:after")
        running, self._running = self._running, None
        outcome: JSONObject = {"text": answer.text, "ok": answer.ok, **answered_with(answer)}
        if running is None:
            self._tell("tool", {**outcome, "refused": True}, name=call.name, call_id=call.id)
            return
        outcome["ms"] = _milliseconds_since(self._began)
        outcome |= self._moves()
        if running.effect != "state" and answer.ok:
            outcome |= self._changes()
        done = replace(running, outcome=outcome)
        self.entries.append(done)
        self._unwritten[done.no] = done

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
        scene = self._scene
        entries = list(self._unwritten.values())
        if scene is not None:
            self._state = scene.dumped()
            entries[-1] = replace(entries[-1], state=self._state, notes=scene.notes() or None)
        reach("record:before")
        await self._store.record(self._claim, entries, self._ttl)
        reach("record:after")
        self._unwritten.clear()

    def _tell(self, kind: EntryKind, outcome: JSONObject, name: str | None = None, call_id: str | None = None) -> None:
        entry = Entry(no=len(self.entries), kind=kind, outcome=outcome, name=name, call_id=call_id)
        self.entries.append(entry)
        self._unwritten[entry.no] = entry

    def _give_up(self, turn: Turn, entry: Entry) -> None:
        """Tell of a call that was cut off: it may have happened, and it is not run again."""
        turn.answered(entry.call_id or "", INTERRUPTED, ok=False)
        told = replace(entry, outcome={"text": INTERRUPTED, "ok": False, "unknown": True})
        self.entries[entry.no] = self._unwritten[entry.no] = told
        self.unknown.append(entry.name or "")

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


def _replay_heard(turn: Turn, entry: Entry, outcome: JSONObject) -> None:
    pass


def _replay_model(turn: Turn, entry: Entry, outcome: JSONObject) -> None:
    calls = tuple(ToolCall(**call) for call in outcome["calls"])
    reply = Reply(outcome["text"], calls, outcome["usage"], outcome["extra"])
    turn.replied(reply, outcome["offered"], insists=outcome["insists"])


def _replay_tool(turn: Turn, entry: Entry, outcome: JSONObject) -> None:
    turn.answered(entry.call_id or "", outcome["text"], ok=outcome["ok"])


def _replay_said(turn: Turn, entry: Entry, outcome: JSONObject) -> None:
    for text in outcome["texts"]:
        turn.said(text)
    if outcome["is_over"]:
        turn.conclude()


_REPLAYED: dict[str, Callable[[Turn, Entry, JSONObject], None]] = {
    "heard": _replay_heard,
    "model": _replay_model,
    "tool": _replay_tool,
    "said": _replay_said,
}

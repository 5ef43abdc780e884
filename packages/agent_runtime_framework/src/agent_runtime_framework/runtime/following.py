"""Follows a conversation, turn by turn: what runs here as it happens, the rest from the store once it has ended."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.events import Event
from agent_runtime_framework.runtime.feed import END_EVENTS, Feed, Position, Told
from agent_runtime_framework.runtime.watching import Watchers
from agent_runtime_framework.store.delivery import DurableStore, TurnInfo
from agent_runtime_framework.store.protocol import StoredMessage

_MOST_MESSAGES = 1000
"""How many messages of one turn are told from the store."""


async def follow(
    store: DurableStore, watchers: Watchers, conversation_id: str, after: Position | None
) -> AsyncIterator[Told]:
    """Everything that is told of a conversation after a position, for ever.

    Args:
        store: Where ended turns are.
        watchers: Who is told of running ones.
        conversation_id: The conversation.
        after: Where to begin; None leaves out the turns that have ended.
    """
    with watchers.watching(conversation_id) as (feed, wake):
        known = await store.ended([conversation_id])
        feed.note_ended(known.get(conversation_id, 0))
        at = Position(feed.ended) if after is None else after
        while True:
            wake.clear()
            async for told in _next(store, feed, conversation_id, at):
                at = told.position or at
                yield told
                wake.set()
            await wake.wait()


async def _next(store: DurableStore, feed: Feed, conversation_id: str, at: Position) -> AsyncIterator[Told]:
    """What follows in the turn of a position, or in the one after it, if there is anything yet."""
    turn = at.turn + 1 if at.is_end else at.turn
    live = feed.turns.get(turn)
    if live is not None and (live.is_running or live.is_whole or turn > feed.ended):
        for each in live.after(at):
            yield Told(*each)
    elif turn <= feed.ended:
        for each in await _from_store(store, conversation_id, turn):
            yield each


async def _from_store(store: DurableStore, conversation_id: str, turn: int) -> list[Told]:
    """An ended turn; only its last event has a position, so that whoever is cut off hears all of it again."""
    info = await _turn(store, conversation_id, turn)
    messages = await store.messages(conversation_id, turn=turn, limit=_MOST_MESSAGES)
    events = [] if info is None else list(_events_of(info, messages))
    run_id = "" if info is None else info.run_id or ""
    named = [Event(kind, payload, run_id, conversation_id, seq) for seq, (kind, payload) in enumerate(events)]
    nothing = Event(EventType.RUN_SUCCEEDED, {}, conversation_id=conversation_id)
    last = Told(Position(turn), named[-1] if named else nothing)
    return [*(Told(None, each) for each in named[:-1]), last]


async def _turn(store: DurableStore, conversation_id: str, turn: int) -> TurnInfo | None:
    infos = await store.turns(conversation_id, last=1, before=turn + 1)
    return infos[0] if infos and infos[0].no == turn else None


def _events_of(info: TurnInfo, messages: list[StoredMessage]) -> Iterator[tuple[EventType, JSONObject]]:
    receipt: JSONObject = info.receipt or {}
    before, after = receipt.get("step_before"), receipt.get("step_after", info.step)
    heard = [each.body for each in messages if each.body.get("role") == "user"]
    started: JSONObject = {"agent": info.agent_key, "step": before, "turn": info.no, "heard": heard, "retold": True}
    yield EventType.RUN_STARTED, started
    for each in messages:
        yield from _calls_and_results(each.body)
    yield from _moves(receipt, before, after)
    reply = info.reply if info.reply is not None else _last_words(messages)
    if reply:
        yield EventType.ASSISTANT_MESSAGE, {"content": reply}
    end: JSONObject = {"response": reply, "stopped_reason": receipt.get("stopped_reason")}
    yield END_EVENTS.get(info.status, EventType.RUN_SUCCEEDED), end


def _moves(receipt: JSONObject, before: str | None, after: str | None) -> Iterator[tuple[EventType, JSONObject]]:
    entered = [line["move"]["to"] for line in receipt.get("done", ()) if "move" in line]
    if not entered and before is not None and after not in (None, before):
        entered = [after]
    previous = before
    for step in entered:
        yield EventType.STEP_ENTERED, {"step": step, "previous": previous}
        previous = step


def _calls_and_results(body: JSONObject) -> Iterator[tuple[EventType, JSONObject]]:
    for call in body.get("tool_calls") or ():
        function: JSONObject = call.get("function") or {}
        about = {"name": function.get("name"), "arguments": _arguments(function), "tool_call_id": call.get("id")}
        yield EventType.TOOL_CALL, about
    if body.get("role") == "tool":
        text = str(body.get("content"))
        result: JSONObject = {"name": body.get("name"), "result": text, "tool_call_id": body.get("tool_call_id")}
        yield EventType.TOOL_RESULT, {**result, "ok": not text.startswith("Error")}


def _arguments(function: JSONObject) -> Any:
    try:
        return json.loads(function.get("arguments") or "{}")
    except (TypeError, ValueError):
        return {}


def _last_words(messages: list[StoredMessage]) -> str:
    said = (each.body.get("content") for each in reversed(messages) if each.body.get("role") == "assistant")
    return next((text for text in said if isinstance(text, str) and text), "")

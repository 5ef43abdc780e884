"""A message, handed in for a front end of another protocol, and what is told of its turn, from beginning to end.

Rules:
    - What is refused is refused before the first byte; what was accepted goes on, whoever listens.
    - A message that was accepted before is told of again: its turn as it runs, or whole once it has ended.
    - The last event is the turn's end or, while a person has to decide about a call, `run.paused`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any, cast

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.events import Event
from agent_runtime_framework.runtime import Reply
from agent_runtime_framework.runtime.feed import Told
from agent_runtime_framework.server.operations import Call
from agent_runtime_framework.server.problems import Problem
from agent_runtime_framework.server.streaming import watched

ENDS = frozenset({EventType.RUN_SUCCEEDED, EventType.RUN_FAILED, EventType.RUN_CANCELLED, EventType.RUN_TIMED_OUT})
"""How a turn ends."""

_LOOK = 2.0
"""Seconds of silence after which it is looked where the message stands: not everything has events."""

_LOOK_FOR_PAUSE = 0.02
"""The same between the news that a call waits and the moment it can be decided about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A message that was accepted.

    Attributes:
        reply: What is known of it.
        before: The last turn that had ended before.
        decided: The calls of its turn that were decided about now; what was done before was told before.
    """

    reply: Reply
    before: int
    decided: frozenset[str] = field(default_factory=frozenset[str])


async def hand_in(call: Call, said: str | list[JSONObject], *, message_id: str, agent: str | None = None) -> HandedIn:
    """Accept a message for the call's conversation, which is begun if it is not there.

    Raises:
        Problem: It is too long, or the conversation is another's.
        ConversationBusy: Too much waits there.
    """
    check_length(call, said)
    await call.service.own(call.principal, call.conversation_id, agent)
    store = call.service.runtime.store
    before = (await store.ended([call.conversation_id])).get(call.conversation_id, 0)
    reply = await call.service.runtime.accept(call.conversation_id, said, message_id=message_id, agent=agent)
    return HandedIn(reply=reply, before=before)


def check_length(call: Call, said: str | list[JSONObject]) -> None:
    """Refuse a message that is too long.

    Raises:
        Problem: It is.
    """
    most = call.service.limits.message
    length = len(said) if isinstance(said, str) else sum(len(str(each.get("text", ""))) for each in said)
    if length > most:
        raise Problem(413, "too-long", f"a message has at most {most} characters")


async def told_of(call: Call, handed_in: HandedIn) -> AsyncIterator[Event]:
    """The events of a message's turn, as they happen."""
    reply = handed_in.reply
    if reply.status == "paused":
        yield Event(EventType.ASSISTANT_MESSAGE, {"content": reply.text}, conversation_id=reply.conversation_id)
        for each in _paused(reply.pending, reply.text):
            yield each
        return
    after = handed_in.before if reply.turn is None else reply.turn - 1
    telling = watched(call, call.service.runtime.watch(call.conversation_id, after=str(after)))
    follower = _Follower(call, handed_in)
    async with aclosing(cast("Any", _with_silences(telling, lambda: follower.patience))) as heard:
        async for told in heard:
            events = await follower.silence() if told is None else await follower.take(told)
            for each in events:
                yield each
            if follower.is_done:
                return
    yield _cancelled(reply)


def tokens_of(usage: object) -> tuple[int, int] | None:
    """What a turn sent and got, in tokens, whatever the provider calls them; None if it was not counted."""
    known = cast("JSONObject", usage) if isinstance(usage, dict) else {}
    sent = known.get("prompt_tokens", known.get("input_tokens"))
    got = known.get("completion_tokens", known.get("output_tokens"))
    if not isinstance(sent, int) and not isinstance(got, int):
        return None
    return int(sent or 0), int(got or 0)


class Preview:
    """What somebody has read who can only be sent more of it.

    Attributes:
        text: What was sent since the last call of a tool.
    """

    def __init__(self) -> None:
        self.text = ""
        self._held = ""
        self._parts: list[str] = []

    @property
    def is_empty(self) -> bool:
        """True if nothing was sent."""
        return not self.text and not self._parts

    def more(self, delta: str) -> str:
        """What to send now that there is more; blanks at the end wait for what follows them."""
        whole = f"{self._held}{delta}"
        sent = whole.rstrip()
        self._held = whole[len(sent) :] if sent or self.text else ""
        sent = sent if self.text else sent.lstrip()
        self.text += sent
        return sent

    def part(self) -> None:
        """A tool is called: what was said beside that stands for itself."""
        if self.text:
            self._parts.append(self.text)
        self.text = self._held = ""

    def becomes(self, text: str) -> str | None:
        """What to send so that this was said last; None if something else was."""
        parts = [*self._parts, self.text]
        if any(_squeezed("".join(parts[at:])) == _squeezed(text) for at in range(len(parts))):
            return ""
        if not text.startswith(self.text):
            return None
        self._held = ""
        return self.more(text[len(self.text) :])

    def begin_again(self) -> None:
        """Nothing was sent yet."""
        self.text = self._held = ""
        self._parts = []


def _squeezed(text: str) -> str:
    return "".join(text.split())


class _Follower:
    """Picks the events of one message's turn out of what is told of its conversation."""

    def __init__(self, call: Call, handed_in: HandedIn) -> None:
        self.is_done = False
        self.patience = _LOOK
        self._call = call
        self._reply = handed_in.reply
        self._decided = handed_in.decided
        self._began: list[Event] = []
        self._is_ours = False

    async def take(self, told: Told) -> list[Event]:
        """What of an event is to be passed on."""
        position, event = told
        if event.type == EventType.RUN_STARTED:
            self._is_ours = await self._is_about_it(event)
        if not self._is_ours:
            return []
        if self._decided and position is not None and event.type not in ENDS:
            return self._continued(event)
        if event.type == EventType.RUN_PAUSED:
            # It is told before it can be decided.
            self.patience = _LOOK_FOR_PAUSE
            return await self.silence()
        self.patience = _LOOK
        self.is_done = event.type in ENDS
        return [event]

    def _continued(self, event: Event) -> list[Event]:
        """What of a turn that waited is new: all from the decision on, and where it begins."""
        if event.type == EventType.RUN_STARTED:
            self._began = [event]
        if event.type != EventType.APPROVAL_DECIDED or event.payload.get("tool_call_id") not in self._decided:
            return []
        self._decided = frozenset[str]()
        return [*self._began, event]

    async def silence(self) -> list[Event]:
        """What is known of the message if nothing is told of it."""
        runtime, reply = self._call.service.runtime, self._reply
        if reply.turn is not None:
            pending = [each for each in await runtime.pending(reply.conversation_id) if each.turn == reply.turn]
            self.is_done = bool(pending) or await runtime.store.info(reply.conversation_id) is None
            return _paused(pending) if pending else [_cancelled(reply)] if self.is_done else []
        found = await runtime.store.outcome(reply.conversation_id, reply.message_id)
        if found is not None and found.turn is not None:
            self._reply = replace(reply, turn=found.turn)
        if found is None or (found.is_final and found.turn is None):
            self.is_done = True
            return [_cancelled(reply)]
        return []

    async def _is_about_it(self, started: Event) -> bool:
        turn = started.payload.get("turn")
        if self._reply.turn is not None:
            return turn == self._reply.turn
        ids = started.payload.get("message_ids")
        if ids is not None:
            return self._reply.message_id in ids
        found = await self._call.service.runtime.store.outcome(self._reply.conversation_id, self._reply.message_id)
        return found is not None and found.turn == turn


async def _with_silences(telling: AsyncIterator[Told], patience: Callable[[], float]) -> AsyncIterator[Told | None]:
    """What is told, and None whenever nothing is for so long."""
    async with aclosing(cast("Any", telling)):
        coming: asyncio.Future[Told | None] | None = None
        try:
            while True:
                coming = coming or asyncio.ensure_future(cast("Awaitable[Told | None]", anext(telling, None)))
                done, _ = await asyncio.wait({coming}, timeout=patience())
                if not done:
                    yield None
                    continue
                told, coming = coming.result(), None
                if told is None:
                    return
                yield told
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)


def _paused(calls: Sequence[PendingCall], note: str = "") -> list[Event]:
    return [
        Event(
            EventType.RUN_PAUSED,
            {
                "tool_call_id": each.call_id,
                "name": each.tool,
                "arguments": each.arguments,
                "reason": each.reason,
                "note": note,
            },
            conversation_id=each.conversation_id,
        )
        for each in calls
    ]


def _cancelled(reply: Reply) -> Event:
    payload: JSONObject = {"response": "", "stopped_reason": "cancelled"}
    return Event(EventType.RUN_CANCELLED, payload, conversation_id=reply.conversation_id)

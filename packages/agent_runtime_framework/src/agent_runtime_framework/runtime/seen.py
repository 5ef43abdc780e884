"""What a stream has told of its turn, and what it still has to tell once the turn is known to have ended."""

from __future__ import annotations

from dataclasses import dataclass

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.events import Event
from agent_runtime_framework.runtime.reply import Reply

PATIENCE = 0.5
"""Seconds in which the last events of a turn elsewhere may arrive, after the store knows of its end."""

_ENDS = (
    EventType.RUN_SUCCEEDED,
    EventType.RUN_FAILED,
    EventType.RUN_CANCELLED,
    EventType.RUN_TIMED_OUT,
    EventType.RUN_PAUSED,
)


@dataclass(slots=True)
class Seen:
    """What a stream has told of its turn."""

    has_begun: bool = False
    has_ended: bool = False
    last_words: str = ""

    @property
    def patience(self) -> float:
        """Seconds to wait for what is still to be told, once the turn is known to have ended."""
        return PATIENCE if self.has_begun and not self.has_ended else 0.0

    def add(self, event: Event) -> None:
        """This was told."""
        self.has_begun = True
        self.has_ended = event.type in _ENDS
        if event.type == EventType.ASSISTANT_MESSAGE:
            self.last_words = event.text

    def missing(self, reply: Reply) -> list[Event]:
        """What has to be told yet."""
        if self.has_ended:
            return []
        return [
            event
            for event in _told_afterwards(reply)
            if event.type != EventType.ASSISTANT_MESSAGE or event.text != self.last_words
        ]


def _told_afterwards(reply: Reply) -> list[Event]:
    """The events of a turn that was not seen here: its words, and its end."""
    events: list[tuple[EventType, JSONObject]] = []
    if reply.text:
        events.append((EventType.ASSISTANT_MESSAGE, {"content": reply.text}))
    if reply.status in ("answered", "merged", "failed"):
        end: JSONObject = {"response": reply.text, "stopped_reason": reply.stopped_reason, "usage": {}}
        events.append((EventType.RUN_SUCCEEDED, end))
    elif reply.status == "paused":
        events += [(EventType.RUN_PAUSED, {**_told_of(each), "note": reply.text}) for each in reply.pending]
    else:
        events.append((EventType.RUN_CANCELLED, {"error": "", "error_type": ""}))
    return [
        Event(kind, payload, conversation_id=reply.conversation_id, seq=seq)
        for seq, (kind, payload) in enumerate(events)
    ]


def _told_of(call: PendingCall) -> JSONObject:
    return {"tool_call_id": call.call_id, "name": call.tool, "arguments": call.arguments, "reason": call.reason}

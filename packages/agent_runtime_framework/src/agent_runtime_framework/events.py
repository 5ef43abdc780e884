"""What happens in a turn, told as it happens.

Rules:
    - There is one `Event`; a terminal, a server, Django and a tracer differ only in the `Sink` they bring.
    - A sink takes an event and returns at once; what it cannot take it drops. It never stalls or breaks a turn.
    - A stream is a preview. The committed messages are the truth.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent_runtime_core.interfaces import EventType, JSONObject

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a turn.

    The payload depends on the type:

    | type | payload |
    |---|---|
    | `run.started` | `agent`, `step` |
    | `step.entered` | `step`, `previous` |
    | `assistant.delta` | `delta`: text to append to the preview |
    | `assistant.reset` | `text`: what the preview has to be replaced by |
    | `assistant.message` | `content`: a text the person is shown, whole |
    | `tool.call` | `name`, `arguments`, `tool_call_id` |
    | `tool.result` | `name`, `result`, `tool_call_id`, `ok` |
    | `tool.refused` | `name`, `arguments`, `tool_call_id`, `reason` |
    | `state.checkpoint` | `state` |
    | `run.paused` | `tool_call_id`, `name`, `arguments` (sensitive values masked), `reason`, `note` |
    | `approval.decided` | `tool_call_id`, `name`, `decision`: "approved" or "rejected", `by`, `note`, `at` |
    | `conversation.handed_over` | `to`, `reason` |
    | `conversation.handed_back` | `by`, `note` |
    | `run.succeeded` | `response`, `stopped_reason`, `usage` |
    | `run.failed`, `run.cancelled` | `error`, `error_type` |

    Attributes:
        type: What happened.
        payload: The details, JSON.
        run_id: The turn it happened in.
        conversation_id: The conversation.
        seq: Position in the turn, from 0.
    """

    type: EventType
    payload: JSONObject
    run_id: str = ""
    conversation_id: str = ""
    seq: int = 0

    @property
    def text(self) -> str:
        """The text of a delta, a reset or a message; empty for every other event."""
        payload = self.payload
        return payload.get("delta") or payload.get("content") or payload.get("text") or ""


class Sink(Protocol):
    """Where events go."""

    def push(self, event: Event) -> None:
        """Take an event and return at once."""
        ...


class Emitter:
    """Numbers the events of one turn and hands each to every sink.

    It is falsy without sinks, so that nobody builds a payload that nobody reads.
    """

    __slots__ = ("_conversation_id", "_run_id", "_seq", "_sinks")

    def __init__(self, sinks: Sequence[Sink] = (), run_id: str = "", conversation_id: str = "") -> None:
        self._sinks = tuple(sinks)
        self._run_id = run_id
        self._conversation_id = conversation_id
        self._seq = 0

    def __bool__(self) -> bool:
        return bool(self._sinks)

    def emit(self, event_type: EventType, payload: JSONObject) -> None:
        """Tell every sink; a sink that raises is logged and the turn goes on."""
        if not self._sinks:
            return
        event = Event(event_type, payload, self._run_id, self._conversation_id, self._seq)
        self._seq += 1
        for sink in self._sinks:
            try:
                sink.push(event)
            except Exception:  # a broken observer must not break the conversation
                logger.warning("sink %s failed on %s", type(sink).__name__, event_type, exc_info=True)


SILENT = Emitter()
"""The emitter of a turn that nobody watches."""

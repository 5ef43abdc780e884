"""What became of a message, as whoever sent it is told."""

from __future__ import annotations

from dataclasses import dataclass

from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.store.delivery import Outcome, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A message's outcome.

    Attributes:
        conversation_id: The conversation.
        message_id: The message.
        status: "waiting" or "running" after `accept`; "paused" while a person has to decide about a call; "answered",
            "merged" into the turn of its neighbour, "superseded", "cancelled" or "failed" for good.
        text: What the person is answered; empty if nothing, or not yet. Of a message that is paused, what they are
            told meanwhile.
        turn: The turn that took the message up; None before that.
        stopped_reason: Why that turn ended.
        pending: The calls that wait for a decision.
    """

    conversation_id: str
    message_id: str
    status: Status
    text: str = ""
    turn: int | None = None
    stopped_reason: str | None = None
    pending: tuple[PendingCall, ...] = ()

    def __str__(self) -> str:
        return self.text


def reply_of(conversation_id: str, message_id: str, outcome: Outcome) -> Reply:
    """The reply to a message with this outcome."""
    return Reply(
        conversation_id=conversation_id,
        message_id=message_id,
        status=outcome.status,
        text=outcome.reply or "",
        turn=outcome.turn,
        stopped_reason=outcome.stopped_reason,
        pending=outcome.pending,
    )

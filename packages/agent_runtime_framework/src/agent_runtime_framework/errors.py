"""Every exception of this package; the root and the shared branches are those of `agent_runtime_core.errors`.

AgentRuntimeError
├── ConfigurationError (ValueError)      the developer has to change something
├── RunError                             this run ends; the conversation is intact
│   ├── ConversationConflict             somebody else committed to the conversation first
│   │   └── NestedTurn                   a task began a turn inside a turn of the same conversation
│   ├── ConversationBusy                 a message was refused, because others are being answered
│   ├── NotPending (LookupError)         there is no such call to be decided about, or not any more
│   ├── AlreadyDecided                   a call was decided otherwise before
│   ├── LeaseLost                        another owner took over the turn; what this one does counts no longer
│   ├── StateError (ValueError)          a stored state no longer fits its class
│   │   └── StateTooNew                  a later version of the journey wrote it
│   └── StoreError                       the store could not do what was asked
│       ├── StoreUnreadable              there, but not a store of ours, or damaged
│       └── StoreTooNew                  written by a later version of this package
└── ToolError                            the text is sent back to the model
    ├── ToolRetry                        the arguments will not do; the model shall try others
    └── MoveRefused                      a tool wanted to go where it may not
"""

from __future__ import annotations

from agent_runtime_core.errors import AgentRuntimeError, ConfigurationError, RunError, ToolError

__all__ = [
    "AgentRuntimeError",
    "AlreadyDecided",
    "ConfigurationError",
    "ConversationBusy",
    "ConversationConflict",
    "LeaseLost",
    "MoveRefused",
    "NestedTurn",
    "NotPending",
    "RunError",
    "StateError",
    "StateTooNew",
    "StoreError",
    "StoreTooNew",
    "StoreUnreadable",
    "ToolError",
    "ToolRetry",
]


class ConversationConflict(RunError):
    """Another writer committed to the conversation while this turn ran; nothing of this turn was stored.

    Attributes:
        conversation_id: The conversation.
        expected: The revision this turn began with.
        found: The revision the store holds now, where it is known.
    """

    def __init__(self, conversation_id: str, expected: int, found: int | None = None) -> None:
        super().__init__(conversation_id, expected, found)
        self.conversation_id = conversation_id
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        now = "another one" if self.found is None else f"revision {self.found}"
        return (
            f"conversation {self.conversation_id!r} was changed by another writer: this turn began at revision "
            f"{self.expected}, the store now holds {now}; load the conversation again and repeat the turn"
        )


class NestedTurn(ConversationConflict):
    """A task began a turn inside another turn of the same conversation; it would wait for itself."""

    def __init__(self, conversation_id: str) -> None:
        super().__init__(conversation_id, 0)
        self.args = (conversation_id,)

    def __str__(self) -> str:
        return (
            f"a turn of conversation {self.conversation_id!r} was begun inside another turn of it, by the same task; "
            "finish the first one, or use another conversation_id for the inner one"
        )


class ConversationBusy(RunError):
    """A message was not accepted, because the conversation is busy; nothing was kept, and it may be sent again.

    Attributes:
        conversation_id: The conversation.
        reason: Why.
    """

    def __init__(self, conversation_id: str, reason: str) -> None:
        super().__init__(conversation_id, reason)
        self.conversation_id = conversation_id
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"conversation {self.conversation_id!r} is busy: {self.reason}; the message was not accepted, "
            "send it again later"
        )


class NotPending(RunError, LookupError):
    """A decision came for a call that does not wait for one.

    Attributes:
        conversation_id: The conversation.
        call_id: The call.
        ended_at: When its turn ended without a decision; None if no such call ever waited.
    """

    def __init__(self, conversation_id: str, call_id: str, ended_at: str | None = None) -> None:
        super().__init__(conversation_id, call_id, ended_at)
        self.conversation_id = conversation_id
        self.call_id = call_id
        self.ended_at = ended_at

    def __str__(self) -> str:
        if self.ended_at is None:
            why = "never waited for a decision"
        else:
            why = f"waits no longer: its turn ended at {self.ended_at} without it"
        return f"call {self.call_id!r} of conversation {self.conversation_id!r} {why}; `pending()` lists what waits"


class AlreadyDecided(RunError):
    """A call was decided otherwise before; that decision stands.

    Attributes:
        conversation_id: The conversation.
        call_id: The call.
        decision: "approved" or "rejected".
        by: Who decided.
        at: When, ISO 8601 in UTC.
    """

    def __init__(self, conversation_id: str, call_id: str, decision: str, by: str | None, at: str | None) -> None:
        super().__init__(conversation_id, call_id, decision, by, at)
        self.conversation_id = conversation_id
        self.call_id = call_id
        self.decision = decision
        self.by = by
        self.at = at

    def __str__(self) -> str:
        who = f" by {self.by!r}" if self.by else ""
        return (
            f"call {self.call_id!r} of conversation {self.conversation_id!r} was {self.decision}{who} at {self.at}; "
            "that cannot be changed"
        )


class LeaseLost(RunError):
    """Another owner took over a turn; nothing that this one did since was kept.

    Attributes:
        conversation_id: The conversation.
        turn: The turn.
    """

    def __init__(self, conversation_id: str, turn: int) -> None:
        super().__init__(conversation_id, turn)
        self.conversation_id = conversation_id
        self.turn = turn

    def __str__(self) -> str:
        return (
            f"turn {self.turn} of conversation {self.conversation_id!r} was taken over by another process, because its "
            "lease ran out; that process finishes it"
        )


class StateError(RunError, ValueError):
    """A stored state no longer fits its class; what is stored is left as it was."""


class StateTooNew(StateError):
    """A later version of the journey wrote the stored state; this one must not touch it.

    Attributes:
        found: The version that wrote it.
        current: The version that was to read it.
        where: Whose state it is, as the text says it.
    """

    def __init__(self, found: int, current: int, where: str = "") -> None:
        super().__init__(found, current, where)
        self.found = found
        self.current = current
        self.where = where

    def __str__(self) -> str:
        return (
            f"the stored state{self.where} was written by version {self.found}, and this code is version "
            f"{self.current}; nothing was changed. Deploy version {self.found} or a later one to go on"
        )


class StoreError(RunError):
    """The store could not do what was asked of it."""


class StoreUnreadable(StoreError):
    """What was found at the store's place cannot be read as a store."""


class StoreTooNew(StoreError):
    """The store was written by a later version of this package."""


class ToolRetry(ToolError):
    """Raised by a tool that could not use its arguments; the text says what to send instead.

    How often is bounded by `max_failures` and the turn's budget.
    """


class MoveRefused(ToolError):
    """A tool wanted to move to a step that it does not declare; nothing of the call was kept."""

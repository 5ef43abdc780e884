"""What is said when a person has to agree before a tool call runs: that it is needed, what waits, what was decided."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from agent_runtime_core.interfaces import JSONObject

APPROVAL_NEEDED = "a person has to agree to it first"
"""Why a call waits, where the tool does not say."""

NOBODY_TO_ASK = (
    "a person has to agree to it first, and nobody can be asked here. "
    "It was not done; tell them so, and do not try again"
)
"""What the model is told where no decision can be had."""


class ApprovalNeeded(NamedTuple):
    """A call may not run before a person has agreed.

    Attributes:
        reason: Why.
        arguments: The arguments as that person may see them.
        note: What the sender of the message is told meanwhile; None leaves the words to the runtime.
    """

    reason: str
    arguments: JSONObject
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingCall:
    """A call that waits for a person's decision.

    Attributes:
        conversation_id: The conversation.
        call_id: The call; what `approve` and `reject` name it by.
        tool: The tool.
        arguments: Its arguments, sensitive values masked.
        reason: Why a person is asked.
        turn: The turn that waits; 0 outside a runtime.
        since: Since when, ISO 8601 in UTC; empty outside a runtime.
    """

    conversation_id: str
    call_id: str
    tool: str
    arguments: JSONObject = field(default_factory=dict[str, Any])
    reason: str = APPROVAL_NEEDED
    turn: int = 0
    since: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a person decided about a call.

    Attributes:
        call_id: The call.
        tool: The tool.
        is_approved: True if it may run.
        by: Who decided.
        note: What they said to it; for a rejection, why.
        at: When, ISO 8601 in UTC; empty outside a runtime.
    """

    call_id: str
    tool: str
    is_approved: bool
    by: str = ""
    note: str = ""
    at: str = ""

    def to_dict(self) -> JSONObject:
        """As it stands in a receipt."""
        what = "approved" if self.is_approved else "rejected"
        known = {"by": self.by, "note": self.note, "at": self.at}
        told: JSONObject = {name: value for name, value in known.items() if value}
        return {"call_id": self.call_id, "tool": self.tool, "decision": what, **told}


Verdict: TypeAlias = bool | str | None
"""True, or the reason why not; None leaves the decision to somebody else."""

Approve: TypeAlias = Callable[[PendingCall], Verdict | Awaitable[Verdict]]
"""Decides at once about a call that waits."""

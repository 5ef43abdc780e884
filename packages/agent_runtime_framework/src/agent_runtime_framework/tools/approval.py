"""That a person has to agree before a tool runs, said of a method of the documented tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from agent_runtime_framework.approvals import APPROVAL_NEEDED, ApprovalNeeded
from agent_runtime_framework.toolcalls import ToolCall
from agent_runtime_framework.tools.offer import ApprovalRule

__all__ = ["approval_rule", "requires_approval"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_RULE = "__tool_approval__"


def requires_approval(reason: str = APPROVAL_NEEDED, *, note: str | None = None) -> Callable[[FunctionT], FunctionT]:
    """Say that a person has to agree before a tool runs.

    >>> class Tools:
    ...     @requires_approval("more than the desk may decide")
    ...     async def refund(self, amount: int) -> str: ...

    Args:
        reason: Why; told to who decides.
        note: What the person in the conversation is told meanwhile.
    """

    def declare(function: FunctionT) -> FunctionT:
        def rule(call: ToolCall) -> ApprovalNeeded:
            return ApprovalNeeded(reason, call.arguments, note)

        setattr(function, _RULE, rule)
        return function

    return declare


def approval_rule(function: object) -> ApprovalRule | None:
    """What was said of a tool's method."""
    return cast("ApprovalRule | None", getattr(function, _RULE, None))

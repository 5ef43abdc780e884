"""The limits and habits of a turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

if TYPE_CHECKING:
    from agent_runtime_core.usage import UsageLimit

_NO_TOOLS: frozenset[str] = frozenset()


class TurnPolicy(NamedTuple):
    """The limits and habits of a turn.

    Attributes:
        max_requests: Most model requests the turn may make.
        terminal_tools: A batch whose last call is one of these, and succeeded, ends the turn.
        require_tool_call: Ask for a tool call in every request that offers tools.
        stop_on_text: A text reply ends the turn.
        limit_reply: The answer at the budget's end; None answers with the last tool result.
        max_failures: How often the very same call may fail.
        ask_again: How many further requests replies may cost that are empty, or text where a call is needed; they
            count in the budget.
        usage_limit: No further request is made once this much has been used in the turn.
        conversation_limit: The same for the conversation, this turn included.
        conversation_reply: The answer then.
    """

    max_requests: int = 10
    terminal_tools: frozenset[str] = frozenset()
    require_tool_call: bool = False
    stop_on_text: bool = True
    limit_reply: str | None = None
    max_failures: int = 3
    ask_again: int = 0
    usage_limit: UsageLimit | None = None
    conversation_limit: UsageLimit | None = None
    conversation_reply: str | None = None

    @classmethod
    def of(cls, habits: TurnHabits, max_requests: int) -> Self:
        """The policy that a configuration describes."""
        return cls(
            max_requests=max_requests,
            terminal_tools=frozenset(habits.terminal_tools) if habits.terminal_tools else _NO_TOOLS,
            require_tool_call=habits.require_tool_call,
            stop_on_text=habits.stop_on_text,
            limit_reply=habits.limit_reply,
            max_failures=habits.max_failures,
            ask_again=habits.ask_again,
            usage_limit=habits.usage_limit,
        )


class TurnHabits(Protocol):
    """What the configurations of executors and journeys have in common; `TurnPolicy` says what each means."""

    terminal_tools: set[str]
    require_tool_call: bool
    stop_on_text: bool
    limit_reply: str | None
    max_failures: int
    ask_again: int
    usage_limit: UsageLimit | None

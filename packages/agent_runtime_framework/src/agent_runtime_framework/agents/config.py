"""`JourneyConfig`: limits and habits of a journey's turns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent_runtime_framework.executor.policy import TurnPolicy
from agent_runtime_framework.messages import ContextPolicy

if TYPE_CHECKING:
    from agent_runtime_core.usage import UsageLimit


@dataclass
class JourneyConfig:
    """How a journey's turns run.

    Attributes:
        max_tool_iterations: Most model requests of a turn.
        terminal_tools: A batch whose last call is one of these, and succeeds, ends the turn.
        closing_phrases: Once the journey has ended, a message of nothing but these (and of their likes in other
            languages) gets an empty response without a model request; an empty list switches that off.
        require_tool_call: Send `tool_choice="required"` whenever the step offers tools.
        stop_on_text: A text reply ends the turn.
        limit_reply: The response when the limit is reached; None gives the last tool result.
        max_failures: How often the very same call may fail before the turn ends.
        ask_again: How many further requests an empty reply may cost, within `max_tool_iterations`.
        usage_limit: No further request is made in a turn once this much has been used in it.
        conversation_limit: No further request is made in a conversation once this much has been used in it, all turns
            together; it takes a memory or a runtime to know.
        conversation_limit_reply: What is said then; None says that the conversation cannot go on.
        deadline: Seconds after a turn's first model request in which it may still wait for one, retries included; a
            turn that would have to wait longer fails with `ProviderUnavailable`.
        constant_tools: Send all tools of the journey with every request, and with them which may be called now, so that
            a provider's cache holds across steps. It takes a client with `supports_allowed_tools`; with others it
            changes nothing. What may run is checked in either case.
        context: Which earlier messages a request carries: "all", the last so many, or "step", those since the
            current step began (it takes a memory to know them; without one, "step" means all).
        strict_tools: Describe the tools of a `Journey` class as OpenAI's strict mode wants them.
    """

    max_tool_iterations: int = 10
    terminal_tools: set[str] = field(default_factory=set[str])
    closing_phrases: list[str] = field(default_factory=lambda: ["thank you", "thanks", "bye", "goodbye"])
    require_tool_call: bool = False
    stop_on_text: bool = True
    limit_reply: str | None = None
    max_failures: int = 3
    ask_again: int = 0
    usage_limit: UsageLimit | None = None
    conversation_limit: UsageLimit | None = None
    conversation_limit_reply: str | None = None
    deadline: float | None = None
    constant_tools: bool = False
    context: ContextPolicy = "all"
    strict_tools: bool = False

    def policy(self) -> TurnPolicy:
        """The same as the turn machine takes it."""
        policy = TurnPolicy.of(self, self.max_tool_iterations)
        if self.conversation_limit is None:
            return policy
        return policy._replace(
            conversation_limit=self.conversation_limit, conversation_reply=self.conversation_limit_reply
        )

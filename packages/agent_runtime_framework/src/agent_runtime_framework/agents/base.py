"""What every agent has in common, and what goes in and out of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar, Self
from uuid import UUID, uuid4

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.executor.asking import LLMClient
from agent_runtime_framework.messages import AgentMessage, no_metadata

__all__ = ["AgentContext", "AgentMessage", "AgentResult", "BaseAgent", "LLMClient"]


@dataclass
class AgentContext:
    """What an agent is given for one turn.

    Attributes:
        run_id: This turn.
        conversation_id: The conversation it belongs to; a UUID or any text of 1 to 255 characters.
        input_messages: What to answer, oldest first: the whole conversation, or, where the agent has a memory,
            only what is new.
        metadata: The caller's own; not interpreted.
    """

    is_filled_by_the_program: ClassVar[bool] = True
    """A tool's parameter of this type is filled with the turn it runs in; the model does not see it."""

    run_id: UUID
    conversation_id: UUID | str
    input_messages: list[AgentMessage]
    metadata: JSONObject = field(default_factory=no_metadata)

    @classmethod
    def from_text(cls, text: str, conversation_id: UUID | str = "default") -> Self:
        """A turn in which the person says `text`."""
        return cls(uuid4(), conversation_id, [AgentMessage("user", text)])

    def get_user_message(self) -> str | None:
        """The person's last message that is plain text, or None."""
        for message in reversed(self.input_messages):
            if message.role == "user" and isinstance(message.content, str):
                return message.content
        return None


@dataclass
class AgentResult:
    """What a turn came to.

    Attributes:
        response: The text for the person; empty if there is nothing to say.
        messages: The messages the turn produced; those it was given are not among them.
        state: The journey's state after the turn.
        usage: Token counts, summed over all replies of the turn; None if no client reported any.
        metadata: `stopped_reason`, and the author's own.
    """

    response: str
    messages: list[AgentMessage] = field(default_factory=list[AgentMessage])
    state: JSONObject | None = None
    usage: JSONObject | None = None
    metadata: JSONObject = field(default_factory=no_metadata)


class BaseAgent(ABC):
    """An agent: something with a key that answers messages."""

    @property
    @abstractmethod
    def key(self) -> str:
        """The agent's name, unique in a program; states are kept under it."""

    @abstractmethod
    async def run(self, ctx: AgentContext) -> AgentResult:
        """Answer the messages of one turn."""

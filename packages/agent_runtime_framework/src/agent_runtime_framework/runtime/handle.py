"""One conversation of a runtime, to be spoken to without naming it again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent_runtime_framework.agents.base import AgentMessage
from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.events import Event
from agent_runtime_framework.runtime.reply import Reply
from agent_runtime_framework.store.delivery import Policy, TurnInfo

if TYPE_CHECKING:
    from agent_runtime_framework.runtime.runtime import Runtime


@dataclass(frozen=True, slots=True)
class ConversationHandle:
    """One conversation of a runtime.

    Attributes:
        runtime: The runtime.
        conversation_id: The conversation.
        agent: Who answers; None for whoever answered last.
    """

    runtime: Runtime
    conversation_id: str
    agent: str | None = None

    async def send(self, text: str, *, message_id: str | None = None, policy: Policy | None = None) -> Reply:
        """As `Runtime.send`."""
        return await self.runtime.send(
            self.conversation_id, text, message_id=message_id, agent=self.agent, policy=policy
        )

    async def accept(self, text: str, *, message_id: str | None = None, policy: Policy | None = None) -> Reply:
        """As `Runtime.accept`."""
        return await self.runtime.accept(
            self.conversation_id, text, message_id=message_id, agent=self.agent, policy=policy
        )

    def stream(self, text: str, *, message_id: str | None = None, policy: Policy | None = None) -> AsyncIterator[Event]:
        """As `Runtime.stream`."""
        return self.runtime.stream(self.conversation_id, text, message_id=message_id, agent=self.agent, policy=policy)

    async def post(self, event: str | Mapping[str, Any], *, message_id: str | None = None) -> Reply:
        """As `Runtime.post`."""
        return await self.runtime.post(self.conversation_id, event, message_id=message_id, agent=self.agent)

    async def cancel(self) -> bool:
        """As `Runtime.cancel`."""
        return await self.runtime.cancel(self.conversation_id)

    async def history(self) -> list[AgentMessage]:
        """As `Runtime.history`."""
        return await self.runtime.history(self.conversation_id)

    async def state(self) -> Any:
        """As `Runtime.state`."""
        return await self.runtime.state(self.conversation_id, self.agent)

    async def turns(self, *, last: int = 100) -> list[TurnInfo]:
        """As `Runtime.turns`."""
        return await self.runtime.turns(self.conversation_id, last=last)

    async def pending(self) -> list[PendingCall]:
        """As `Runtime.pending`."""
        return await self.runtime.pending(self.conversation_id)

    async def approve(self, call_id: str, *, by: str = "", note: str = "") -> bool:
        """As `Runtime.approve`."""
        return await self.runtime.approve(self.conversation_id, call_id, by=by, note=note)

    async def reject(self, call_id: str, *, by: str = "", reason: str = "") -> bool:
        """As `Runtime.reject`."""
        return await self.runtime.reject(self.conversation_id, call_id, by=by, reason=reason)

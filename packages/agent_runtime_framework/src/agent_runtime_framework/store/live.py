"""Conversations that are not over, as whoever is about to change the code that goes on with them sees them."""

from __future__ import annotations

from dataclasses import dataclass

from agent_runtime_framework.store.delivery import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveConversation:
    """A conversation of one agent that somebody may come back to.

    Attributes:
        conversation_id: The conversation.
        state: The agent's state after its last finished turn, as JSON text; None if it has none yet.
        version: The version of the journey that wrote it; 1 if there is none.
        turn: The turn that has begun and not ended; None if there is none.
        entries: What was recorded of that turn.
    """

    conversation_id: str
    state: str | None
    version: int = 1
    turn: int | None = None
    entries: tuple[Entry, ...] = ()

    @property
    def last_state(self) -> str | None:
        """The state that the conversation goes on with: the last one recorded, or else the stored one."""
        return next((each.state for each in reversed(self.entries) if each.state is not None), self.state)

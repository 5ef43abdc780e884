"""What a conversation remembers."""

from agent_runtime_framework.state.base import BaseJourneyState, BaseState, StateSerializer

__all__ = ["BaseJourneyState", "BaseState", "StateSerializer"]

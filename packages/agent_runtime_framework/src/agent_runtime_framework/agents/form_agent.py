"""The agent of a form: it holds the conversation, and gives its result."""

from __future__ import annotations

from typing import Generic
from uuid import UUID

from agent_runtime_framework.agents.journey import DEFAULT_CONVERSATION
from agent_runtime_framework.agents.short_form import ClassAgent
from agent_runtime_framework.journey.form import ModelT
from agent_runtime_framework.journey.form_journey import FormConversation


class FormAgent(ClassAgent[FormConversation[ModelT]], Generic[ModelT]):
    """Fills a form; made by `FormJourney(Model).agent(...)`."""

    async def result(self, conversation_id: UUID | str = DEFAULT_CONVERSATION) -> ModelT | None:
        """The validated model of a conversation; None until its form is complete."""
        return (await self.state_of(conversation_id)).result

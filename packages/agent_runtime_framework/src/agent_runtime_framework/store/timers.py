"""What is to happen in a conversation at a time, without anybody saying anything.

Rules:
    - What is due comes into the inbox, like a message: once, however many look for it, and not before its time.
    - Of silence there is one timer to a conversation. Whatever is accepted ends the silence, in the same transaction.
      Entries of silence that were still waiting are superseded by what comes after them.
    - A business timer fires whatever was said meanwhile. Scheduled again under its name, it is moved.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent_runtime_core.interfaces import JSONObject

SILENCE = "idle"
"""The policy of inbox entries that count only while nobody says anything; no message has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What is to happen if nothing is said for a while after a turn.

    Attributes:
        after: How long that is.
        body: What is then put into the inbox.
    """

    after: timedelta
    body: JSONObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """A business event that is to come at a time.

    Attributes:
        conversation_id: The conversation.
        timer_id: Its name there.
        due: When, or how long from now.
        body: What is then put into the inbox, a message in wire form.
        agent_key: Who shall hear of it; empty for whoever was spoken to last by then.
        default_agent: Who hears of it where nobody was spoken to yet.
    """

    conversation_id: str
    timer_id: str
    due: datetime | timedelta
    body: JSONObject
    agent_key: str = ""
    default_agent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingTimer:
    """A timer that has not fired yet.

    Attributes:
        timer_id: Its name; empty for the conversation's silence.
        due_at: When it is due, ISO 8601 in UTC.
        body: What is then put into the inbox.
    """

    timer_id: str
    due_at: str
    body: JSONObject


class Timers(ABC):
    """What a store does about times; a part of `DurableStore`."""

    @abstractmethod
    async def schedule(self, timer: Timer) -> str:
        """Let a business event come at a time; returns when, ISO 8601 in UTC. Under a name that waits it is moved."""

    @abstractmethod
    async def unschedule(self, conversation_id: str, timer_id: str) -> bool:
        """Take a business event back; False if none of that name waits."""

    @abstractmethod
    async def timers(self, conversation_id: str) -> list[PendingTimer]:
        """What is to come in a conversation, the next one first: business events, and what silence brings."""

    @abstractmethod
    async def fire(self, limit: int = 100) -> list[tuple[str, str]]:
        """Put what is due into the inboxes, each exactly once; conversation and message of those put there here."""

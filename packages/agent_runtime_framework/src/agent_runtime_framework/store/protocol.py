"""What a store of conversations promises.

Rules:
    - A turn is one `commit`: messages, state and revision together or not at all.
    - Messages are append-only and numbered from 1 without gaps; nothing already stored is rewritten.
    - A commit names the revision it was built on; if another came first it is refused, never merged.
    - Everything stored is JSON text or a plain column; nothing is pickled.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.sums import add_into
from agent_runtime_framework.messages import ContextPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What a store holds of a conversation, as far as it was asked for.

    Attributes:
        revision: How many turns the conversation has committed; 0 if it is unknown.
        state: This agent's state as JSON text; None if it has none.
        step: The step this agent's last turn ended in; None if it has no steps.
        step_seq: Number of the first message of the turn that entered `step`.
        messages: The messages asked for, oldest first, as they were committed.
        first_seq: Number of the first message of `messages` or, if there are none, the number the next will get.
        oldest_seq: Number of the oldest message the store still has; 1 unless earlier ones were removed.
        usage: What the conversation has used so far, as JSON text; None while nothing was counted.
        created_at: When the conversation was begun; tells it from an erased one of its name. Empty where the store does
            not know.
    """

    revision: int = 0
    state: str | None = None
    step: str | None = None
    step_seq: int = 1
    messages: list[JSONObject] = field(default_factory=list[JSONObject])
    first_seq: int = 1
    oldest_seq: int = 1
    usage: str | None = None
    created_at: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One turn, ready to be made durable.

    Attributes:
        conversation_id: The conversation, 1 to 255 characters.
        agent_key: Whose state it is.
        revision: The revision the turn was built on.
        messages: The turn's messages, the person's first. They are handed over: nobody changes them afterwards.
        state: The agent's state after the turn as JSON text; None leaves what is stored.
        step: The journey's step after the turn; the context policy "step" looks it up. With neither state nor step
            the turn leaves what is stored of the agent as it is.
        usage: What the conversation has used by now, this turn included, as JSON text; None leaves what is stored.
    """

    conversation_id: str
    agent_key: str
    revision: int
    messages: Sequence[JSONObject]
    state: str | None = None
    step: str | None = None
    usage: str | None = None


def read_usage(stored: str | None) -> JSONObject:
    """What a conversation has used, from its stored text."""
    return {} if stored is None else json.loads(stored)


def usage_after(stored: str | None, used: JSONObject | None) -> str | None:
    """A conversation's usage with a turn's added, as text to be stored; None if the turn used nothing."""
    if not used:
        return None
    total = read_usage(stored)
    add_into(total, used)
    return json.dumps(total, separators=(",", ":"), default=str)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationInfo:
    """One conversation, as a listing shows it.

    Attributes:
        conversation_id: Its id.
        revision: How many turns it has committed.
        messages: How many messages it holds.
        updated_at: When the last turn was committed, ISO 8601 in UTC.
        created_at: When it was begun; empty where the store does not know.
        owner: Whose it is; None if it was begun for nobody in particular.
        agent_key: Who was spoken to last; None if nobody was, or the store does not deliver.
        running: The turn that is being run; None if none is.
    """

    conversation_id: str
    revision: int
    messages: int
    updated_at: str
    created_at: str = ""
    owner: str | None = None
    agent_key: str | None = None
    running: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A message, and where it stands.

    Attributes:
        seq: Its number in the conversation.
        turn: The turn it belongs to.
        body: The message in wire form.
        at: When its turn ended, ISO 8601 in UTC.
    """

    seq: int
    turn: int
    body: JSONObject
    at: str


class Store(ABC):
    """Durable conversations. Subclass it to keep them somewhere else."""

    @abstractmethod
    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        """What is stored of a conversation; an unknown one is empty, not an error.

        Args:
            conversation_id: The conversation.
            agent_key: Whose state to load.
            after: Only messages numbered above this; what a caller already holds need not be read again.
            context: "all", a number of last messages, or "step": the turns since the current step was entered.

        Raises:
            StoreError: The store cannot be read; the text says why and what to do.
        """

    @abstractmethod
    async def commit(self, commit: Commit) -> int:
        """Make a turn durable; returns the new revision.

        Raises:
            ConversationConflict: The conversation moved on since `commit.revision`.
            StoreError: The store cannot be written; nothing of the turn was kept.
        """

    @abstractmethod
    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        """Replace an agent's state outside a turn. Counts as a revision.

        None forgets state and step; what was said so far no longer belongs to the agent's current step.
        """

    @abstractmethod
    async def clear_messages(self, conversation_id: str) -> None:
        """Forget the messages of a conversation; numbers are not used again. Counts as a revision."""

    @abstractmethod
    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        """The conversations, most recently used first."""

    async def aclose(self) -> None:  # noqa: B027  a store without connections has nothing to close
        """Release what the store holds open; it can be used again afterwards."""

"""What whoever operates a store asks of it: what is there, one conversation whole, what goes, what was done.

Rules:
    - An erased conversation is gone with everything of it. Who still works on it can write no more, also not into a
      later conversation of its name.
    - Only conversations in which nothing is left to do, and for which nothing is scheduled, are pruned.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from agent_runtime_core.interfaces import JSONObject

if TYPE_CHECKING:
    from agent_runtime_framework.store.delivery import Claim, TurnInfo

FORMAT = "agent-runtime/conversation"
"""What an exported conversation says that it is."""

STATUSES = ("open", "running", "waiting", "paused", "completed", "ended")
"""Where a conversation can stand: its journey is on its way; a turn runs; messages wait; a person has to decide; its
journey got where it had to; its journey is over otherwise."""

BUSY = ("running", "waiting", "paused")
"""Where something is left to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which conversations are meant; what is None does not matter.

    Attributes:
        agent_key: Whose they are.
        step: The step they are in.
        status: Where they stand; one of `STATUSES`.
        older_than: For how long at least nothing was committed in them.
        limit: How many at most.
        offset: How many to pass over.
    """

    agent_key: str | None = None
    step: str | None = None
    status: str | None = None
    older_than: timedelta | None = None
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A conversation at a glance.

    Attributes:
        conversation_id: Its id.
        agent_key: Who answered last; None if nobody has.
        step: The step it is in.
        status: Where it stands; one of `STATUSES`.
        turns: How many turns were begun.
        messages: How many messages it holds.
        created_at: When it was begun, ISO 8601 in UTC.
        updated_at: When something was committed last.
        usage: What it has used.
    """

    conversation_id: str
    agent_key: str | None
    step: str | None
    status: str
    turns: int
    messages: int
    created_at: str
    updated_at: str
    usage: JSONObject = field(default_factory=dict[str, object])


Place: TypeAlias = tuple[int, int]
"""Where a turn stands among all turns of a store: its conversation's key, and its number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnOf:
    """A turn, and whose it is.

    Attributes:
        place: Where it stands among all; the next page begins behind it.
        conversation_id: Its conversation.
        turn: The turn, without its reply.
    """

    place: Place
    conversation_id: str
    turn: TurnInfo


class Operations(ABC):
    """The part of a durable store that operators use."""

    @abstractmethod
    async def summaries(self, wanted: Wanted) -> list[Summary]:
        """The conversations that are meant, most recently used first."""

    @abstractmethod
    async def export(self, conversation_id: str) -> JSONObject | None:
        """Everything that is kept of a conversation, as one JSON object that `restore` takes; None if it is unknown."""

    @abstractmethod
    async def restore(self, document: JSONObject) -> None:
        """Put a conversation back as `export` gave it. A turn that had not ended counts as failed.

        Raises:
            ConfigurationError: It is no such document, or the conversation is there already.
        """

    @abstractmethod
    async def erase(self, conversation_id: str, *, force: bool = False) -> bool:
        """Forget a conversation, with everything of it; False if it is unknown.

        Args:
            conversation_id: The conversation.
            force: Also while somebody runs a turn of it; what that turn does is not kept.

        Raises:
            ConversationBusy: A turn of it is being run.
        """

    @abstractmethod
    async def prune(self, wanted: Wanted) -> list[str]:
        """Erase the oldest of those that are meant, except where something is left to do; returns their ids."""

    @abstractmethod
    async def all_turns(self, *, after: Place = (0, 0), limit: int = 1000) -> list[TurnOf]:
        """A page of all ended turns of all conversations, each conversation's turns in order."""

    @abstractmethod
    async def unfinished(self, conversation_id: str) -> Claim | None:
        """The turn that has begun and not ended, with what was recorded of it; nobody gets to run it by this."""

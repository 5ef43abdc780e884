"""A turn while it is being run: what it takes to stop it, to end it, and to say what came of it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.sums import add_into
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.scene import dump_state
from agent_runtime_framework.errors import StateError
from agent_runtime_framework.runtime.conversation import ClaimedConversation
from agent_runtime_framework.runtime.journal import StoredJournal
from agent_runtime_framework.store.delivery import Claim, Ending, Outcome

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Running:
    """A turn that is being run here.

    Attributes:
        claim: The turn.
        task: Runs it; cancelled to stop it.
        ending: What it shall end as, once it is stopped; None gives it back unfinished.
        is_lost: True if another owner has it.
    """

    claim: Claim
    task: asyncio.Future[Any]
    ending: Ending | None = None
    is_lost: bool = False

    def stop(self, ending: Ending) -> None:
        """End it as this, unless it is ending already."""
        if self.ending is None:
            self.ending = ending
            self.task.cancel()

    def lose(self) -> None:
        """Another owner has it: whatever it does counts no longer."""
        self.is_lost = True
        self.task.cancel()


@dataclass(slots=True)
class Job:
    """One turn, with what it takes to end it."""

    claim: Claim
    agent: JourneyAgent[Any, Any, Any]
    journal: StoredJournal
    conversation: ClaimedConversation
    began: float = field(default_factory=time.perf_counter)
    following: Claim | None = None
    outcome: Outcome | None = None
    handoff: JSONObject | Literal["back"] | None = None


def over(job: Job) -> str | None:
    """Whether the journey is over, and whether it got where it had to."""
    state = job.journal.state_now
    try:
        if state is None or not job.agent.is_terminal_state(state):
            return None
        return "completed" if state.is_complete() and not getattr(state, "is_expired", False) else "ended"
    except Exception:  # the author's code, asked for a remark; it must not keep the turn from being kept
        logger.warning("whether the journey of agent %r is over cannot be told", job.agent.key, exc_info=True)
        return None


def state_before(job: Job) -> str | None:
    """The state before the turn; in a conversation's first one, that which a journey begins with."""
    before = job.conversation.state_before
    if before is None and job.journal.state_now is not None:
        with suppress(StateError):
            return dump_state(job.agent.get_initial_state())
    return before


def used(job: Job) -> JSONObject:
    """What the requests that were recorded have used."""
    total: JSONObject = {}
    for entry in job.journal.entries:
        if entry.kind == "model" and entry.outcome is not None:
            add_into(total, entry.outcome["usage"] or {})
    return total

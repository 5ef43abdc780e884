"""The conversation that a claimed turn is taken in: its history and state, and the one commit at its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.messages import History
from agent_runtime_framework.runtime.journal import StoredJournal
from agent_runtime_framework.store.delivery import Claim
from agent_runtime_framework.store.protocol import Commit, Stored, read_usage, usage_after


class ClaimedConversation:
    """What `JourneyAgent.turn` is given in place of its memory.

    A turn that ends well is kept at once; of one that breaks, what it left is put aside for whoever decides about it.

    Attributes:
        history: The finished turns the context policy lets through.
        keeping: The commit, once it has begun; nothing that happens to the turn stops it.
        left: What a broken turn would have kept.
    """

    def __init__(
        self,
        claim: Claim,
        stored: Stored,
        history: History,
        journal: StoredJournal,
        keep: Callable[[Commit], Awaitable[None]],
    ) -> None:
        self.history = history
        self.keeping: asyncio.Future[None] | None = None
        self.left: Commit | None = None
        self._claim = claim
        self._stored = stored
        self._journal = journal
        self._keep = keep

    @property
    def step_before(self) -> str | None:
        """The step the conversation's last turn ended in."""
        return self._stored.step

    @property
    def state_before(self) -> str | None:
        """The state the conversation's last turn left; None in its first one."""
        return self._stored.state

    @property
    def state(self) -> str | None:
        """The state the turn begins with or, if it is continued, the one after the last recorded call."""
        return self._stored.state if self._journal.state is None else self._journal.state

    @property
    def usage(self) -> JSONObject:
        """What the conversation has used so far."""
        return read_usage(self._stored.usage)

    async def commit(
        self,
        messages: Sequence[JSONObject],
        state: str | None = None,
        step: str | None = None,
        usage: JSONObject | None = None,
    ) -> None:
        """Keep the turn if it ended well."""
        commit = self.commit_of(messages, state, step, usage)
        if self._journal.end is None:
            self.left = commit
            return
        self.keeping = asyncio.ensure_future(self._keep(commit))
        await asyncio.shield(self.keeping)

    def commit_of(
        self,
        messages: Sequence[JSONObject],
        state: str | None,
        step: str | None = None,
        usage: JSONObject | None = None,
    ) -> Commit:
        """A commit of this turn; without a step, the one that the state names, or the one before."""
        claim = self._claim
        return Commit(
            conversation_id=claim.conversation_id,
            agent_key=claim.agent_key,
            revision=claim.revision,
            messages=messages,
            state=state,
            step=step or step_in(state) or self._stored.step,
            usage=usage_after(self._stored.usage, usage),
        )


def step_in(state: str | None) -> str | None:
    """The step that a stored state names."""
    data: object = None if state is None else json.loads(state)
    step: object = cast("JSONObject", data).get("step") if isinstance(data, dict) else None
    return step if isinstance(step, str) else None

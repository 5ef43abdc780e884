"""Conversations kept in this process, and gone with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConversationConflict
from agent_runtime_framework.messages import ContextPolicy
from agent_runtime_framework.store.protocol import Commit, ConversationInfo, Store, Stored


@dataclass(slots=True)
class _AgentState:
    state: str | None
    step: str | None
    step_seq: int


@dataclass(slots=True)
class _Conversation:
    used: datetime
    revision: int = 0
    oldest_seq: int = 1
    messages: list[JSONObject] = field(default_factory=list[JSONObject])
    agents: dict[str, _AgentState] = field(default_factory=dict[str, _AgentState])
    usage: str | None = None

    @property
    def next_seq(self) -> int:
        return self.oldest_seq + len(self.messages)


_NO_AGENT = _AgentState(None, None, 1)


class VolatileStore(Store):
    """A store without a place; everything is where it is needed, nothing is encoded."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._conversations: dict[str, _Conversation] = {}

    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        found = self._conversations.get(conversation_id)
        if found is None:
            return Stored()
        agent = found.agents.get(agent_key, _NO_AGENT)
        first = max(after + 1, found.oldest_seq)
        if context == "step":
            first = max(first, agent.step_seq)
        elif context != "all":
            first = max(first, found.next_seq - context)
        first = min(first, found.next_seq)
        return Stored(
            revision=found.revision,
            state=agent.state,
            step=agent.step,
            step_seq=agent.step_seq,
            messages=found.messages[first - found.oldest_seq :],
            first_seq=first,
            oldest_seq=found.oldest_seq,
            usage=found.usage,
        )

    async def commit(self, commit: Commit) -> int:
        found = self._conversations.get(commit.conversation_id)
        revision = 0 if found is None else found.revision
        if commit.revision != revision:
            raise ConversationConflict(commit.conversation_id, expected=commit.revision, found=revision)
        if found is None:
            found = self._conversations[commit.conversation_id] = _Conversation(self._clock())
        first_seq = found.next_seq
        found.messages += commit.messages
        if commit.state is not None or commit.step is not None:
            _keep_state(found, commit, first_seq)
        if commit.usage is not None:
            found.usage = commit.usage
        found.revision += 1
        found.used = self._clock()
        return found.revision

    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        found = self._conversations.get(conversation_id)
        if found is None:
            if state is None:
                return
            found = self._conversations[conversation_id] = _Conversation(self._clock())
        agent = found.agents.get(agent_key)
        if agent is None:
            if state is not None:
                found.agents[agent_key] = _AgentState(state, None, found.next_seq)
        elif state is None:
            found.agents[agent_key] = _AgentState(None, None, found.next_seq)
        else:
            agent.state = state
        found.revision += 1
        found.used = self._clock()

    async def clear_messages(self, conversation_id: str) -> None:
        found = self._conversations.get(conversation_id)
        if found is not None:
            found.oldest_seq = found.next_seq
            found.messages = []
            found.revision += 1
            found.used = self._clock()

    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        listed = sorted(self._conversations.items(), key=lambda item: item[1].used, reverse=True)
        return [
            ConversationInfo(
                conversation_id=conversation_id,
                revision=found.revision,
                messages=len(found.messages),
                updated_at=found.used.isoformat(timespec="milliseconds"),
            )
            for conversation_id, found in listed[offset : offset + limit]
        ]


def _keep_state(found: _Conversation, commit: Commit, first_seq: int) -> None:
    agent = found.agents.get(commit.agent_key)
    if agent is None:
        found.agents[commit.agent_key] = _AgentState(commit.state, commit.step, first_seq)
        return
    if commit.state is not None:
        agent.state = commit.state
    if agent.step != commit.step:
        agent.step, agent.step_seq = commit.step, first_seq

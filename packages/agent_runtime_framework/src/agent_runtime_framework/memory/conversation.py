"""A turn of a conversation as a unit of work: load, talk, commit once.

A manager keeps the conversations it used last hot: their messages stay decoded, and only what came since is read. What
makes a hot conversation stale (another process's turn, a prune, a clear, a step entered) shows in the numbers that
every load brings along.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TypeAlias

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.memory.turnstile import Turnstile
from agent_runtime_framework.messages import ContextPolicy, History, window
from agent_runtime_framework.store.protocol import Commit, Store, Stored, read_usage, usage_after

_HotKey: TypeAlias = tuple[str, ContextPolicy, str]


class _Hot:
    """A history in memory, and how far it goes."""

    __slots__ = ("created_at", "history", "last_seq", "oldest_seq", "step", "step_seq")

    def __init__(self, stored: Stored, context: ContextPolicy) -> None:
        messages = stored.messages if isinstance(context, str) else window(stored.messages, context)
        self.history = History(messages)
        self.last_seq = stored.first_seq + len(stored.messages) - 1
        self.oldest_seq = stored.oldest_seq
        self.created_at = stored.created_at
        self.step: str | None = stored.step
        self.step_seq = stored.step_seq

    def take_in(self, stored: Stored, context: ContextPolicy) -> bool:
        """Add what came since; False if this history is no beginning of what is stored."""
        if stored.first_seq != self.last_seq + 1 or stored.oldest_seq != self.oldest_seq:
            return False
        if self.created_at not in ("", stored.created_at):
            return False
        if context == "step" and stored.step_seq != self.step_seq:
            return False
        if stored.messages:
            if not self._continues_with(stored.messages):
                return False
            self._add(stored.messages, context)
        self.step, self.step_seq, self.created_at = stored.step, stored.step_seq, stored.created_at
        return True

    def end_turn(self, turn: Commit, context: ContextPolicy) -> None:
        """Add a turn that was built on this history and is committed now."""
        if turn.step != self.step and (turn.step is not None or turn.state is not None):
            self.step, self.step_seq = turn.step, self.last_seq + 1
            if context == "step":
                self.history = History()
        self._add(turn.messages, context)

    def _add(self, messages: Sequence[JSONObject], context: ContextPolicy) -> None:
        self.history.extend(messages)
        self.last_seq += len(messages)
        if not isinstance(context, str):
            self.history.trim(context)

    def _continues_with(self, messages: Sequence[JSONObject]) -> bool:
        added = History(messages)
        return added.messages == messages and self.history.call_ids.isdisjoint(added.call_ids)


class Conversation:
    """One turn of a conversation: enter it, read, `commit` once.

    Attributes:
        conversation_id: The conversation.
        state: The agent's state as JSON text; None if it has none yet.
        revision: The revision this turn is built on.
        history: The finished turns the context policy lets through, sound; not to be changed by readers.
    """

    __slots__ = (
        "_agent_key", "_context", "_hot", "_is_committed", "_memory", "_usage", "conversation_id", "history",
        "revision", "state",
    )  # fmt: skip

    def __init__(self, memory: HotConversations, conversation_id: str, agent_key: str, context: ContextPolicy) -> None:
        self._memory = memory
        self._agent_key = agent_key
        self._context: ContextPolicy = context
        self._is_committed = False
        self.conversation_id = conversation_id

    async def __aenter__(self) -> Self:
        """Wait for the conversation's earlier turns in this process, then load what is new.

        Raises:
            ConversationConflict: This task is inside a turn of the conversation already.
            StoreError: The conversation cannot be read.
        """
        await self._memory.turnstile.enter(self.conversation_id)
        try:
            stored, self._hot = await self._memory.load(self.conversation_id, self._agent_key, self._context)
        except BaseException:
            self._memory.turnstile.leave(self.conversation_id)
            raise
        self.state = stored.state
        self.revision = stored.revision
        self.history = self._hot.history
        self._usage = stored.usage
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._memory.turnstile.leave(self.conversation_id)

    @property
    def usage(self) -> JSONObject:
        """What the conversation has used so far."""
        return read_usage(self._usage)

    async def commit(
        self,
        messages: Sequence[JSONObject],
        state: str | None = None,
        step: str | None = None,
        usage: JSONObject | None = None,
    ) -> None:
        """Make the turn durable: its messages, and the state and step after it.

        Args:
            messages: The turn's messages, the person's first, every call answered; handed over, not copied.
            state: The state as JSON text; None leaves the stored one.
            step: The journey's step.
            usage: What the turn has used.

        Raises:
            ConversationConflict: Another writer was faster; nothing was stored.
            StoreError: The store cannot be written; nothing was stored.
        """
        if self._is_committed:
            raise ConfigurationError(
                f"the turn of conversation {self.conversation_id!r} is committed already; begin another one"
            )
        turn = Commit(
            conversation_id=self.conversation_id,
            agent_key=self._agent_key,
            revision=self.revision,
            messages=messages,
            state=state,
            step=step,
            usage=usage_after(self._usage, usage),
        )
        self.revision = await self._memory.store.commit(turn)
        self._is_committed = True
        self._usage = turn.usage or self._usage
        self._hot.end_turn(turn, self._context)
        self.history = self._hot.history
        if state is not None:
            self.state = state


class HotConversations:
    """The conversations of a store, the last used ones in memory.

    Args:
        store: Where they are kept.
        limit: How many to keep hot; 0 reads every turn's history from the store.
    """

    def __init__(self, store: Store, limit: int) -> None:
        self.store = store
        self.turnstile = Turnstile()
        self._limit = limit
        self._hot: OrderedDict[_HotKey, _Hot] = OrderedDict()

    def turn(self, conversation_id: str, agent_key: str, context: ContextPolicy) -> Conversation:
        """The next turn of a conversation, to be entered."""
        if not (context in ("all", "step") if isinstance(context, str) else context >= 0):
            raise ConfigurationError(
                f"context {context!r} is unknown; expected 'all', 'step' or a number of messages from 0"
            )
        return Conversation(self, conversation_id, agent_key, context)

    async def load(self, conversation_id: str, agent_key: str, context: ContextPolicy) -> tuple[Stored, _Hot]:
        """What is stored, with its history from memory where possible."""
        # One message more than asked for tells a window's first message from the conversation's first.
        wanted: ContextPolicy = context if isinstance(context, str) else context + 1
        key = _hot_key(conversation_id, agent_key, context)
        hot = self._hot.get(key)
        if hot is not None:
            stored = await self.store.load(conversation_id, agent_key, after=hot.last_seq, context=wanted)
            if hot.take_in(stored, context):
                self._keep(key, hot)
                return stored, hot
        stored = await self.store.load(conversation_id, agent_key, context=wanted)
        hot = _Hot(stored, context)
        self._keep(key, hot)
        return stored, hot

    def _keep(self, key: _HotKey, hot: _Hot) -> None:
        self._hot[key] = hot
        self._hot.move_to_end(key)
        if len(self._hot) > self._limit:
            self._hot.popitem(last=False)


def _hot_key(conversation_id: str, agent_key: str, context: ContextPolicy) -> _HotKey:
    # Only the context "step" depends on whose turn it is.
    return conversation_id, context, agent_key if context == "step" else ""

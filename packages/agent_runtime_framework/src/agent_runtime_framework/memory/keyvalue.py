"""A documented pair of stores as a `Store`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConversationConflict, StoreError
from agent_runtime_framework.memory.store import ConversationStore, StateStore, StoredMessage, messages_key
from agent_runtime_framework.memory.views import state_text
from agent_runtime_framework.messages import ContextPolicy
from agent_runtime_framework.store.protocol import Commit, ConversationInfo, Store, Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turns:
    """The record that is kept beside state and messages, as `turns:<conversation_id>` among the states."""

    revision: int = 0
    messages: int = 0
    removed: int = 0
    steps: dict[str, tuple[str | None, int]] = field(default_factory=dict[str, tuple[str | None, int]])
    usage: str | None = None

    @property
    def next_seq(self) -> int:
        return self.removed + self.messages + 1


class KeyValueStore(Store):
    """States and messages in stores that only know keys and values.

    A turn takes three writes, one after the other: messages, state, and a record of the revision. So, unlike in a
    database: a process killed between them leaves the messages of a turn without its state; of two processes that
    commit in the same instant both may succeed; and the state written past this object, or messages replaced by
    equally many, go unnoticed. Messages added or removed past it are noticed, and count as revisions.
    """

    def __init__(self, states: StateStore, messages: ConversationStore) -> None:
        self._states = states
        self._messages = messages

    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        turns, tail = await self._read(conversation_id, after)
        state = await self._states.load_state(conversation_id, agent_key)
        step, step_seq = turns.steps.get(agent_key, (None, 1))
        wanted = len(tail)
        if context == "step":
            wanted = min(wanted, turns.next_seq - step_seq)
        elif context != "all":
            wanted = min(wanted, context)
        wanted = min(max(wanted, 0), max(turns.next_seq - after - 1, 0))
        messages = [_wire(each) for each in tail[len(tail) - wanted :]]
        return Stored(
            revision=turns.revision,
            state=None if state is None else state_text(state, agent_key),
            step=step,
            step_seq=step_seq,
            messages=messages,
            first_seq=turns.next_seq - wanted,
            oldest_seq=turns.removed + 1,
            usage=turns.usage,
        )

    async def commit(self, commit: Commit) -> int:
        conversation_id = commit.conversation_id
        turns, _ = await self._read(conversation_id, None)
        if turns.revision != commit.revision:
            raise ConversationConflict(conversation_id, expected=commit.revision, found=turns.revision)
        steps = turns.steps
        if commit.state is not None or commit.step is not None:
            step, step_seq = steps.get(commit.agent_key, (None, turns.next_seq))
            entered = step_seq if step == commit.step else turns.next_seq
            steps = {**steps, commit.agent_key: (commit.step, entered)}
        await self._messages.add_messages(conversation_id, commit.messages)
        if commit.state is not None:
            await self._states.save_state(conversation_id, commit.agent_key, json.loads(commit.state))
        revision = turns.revision + 1
        await self._keep(
            conversation_id,
            replace(
                turns,
                revision=revision,
                messages=turns.messages + len(commit.messages),
                steps=steps,
                usage=turns.usage if commit.usage is None else commit.usage,
            ),
        )
        return revision

    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        turns, _ = await self._read(conversation_id, None)
        steps = turns.steps
        if state is None:
            await self._states.delete_state(conversation_id, agent_key)
            if not turns.revision:
                return
            steps = {**steps, agent_key: (None, turns.next_seq)} if agent_key in steps else steps
        else:
            await self._states.save_state(conversation_id, agent_key, json.loads(state))
            steps = {agent_key: (None, turns.next_seq), **steps}
        await self._keep(conversation_id, replace(turns, revision=turns.revision + 1, steps=steps))

    async def clear_messages(self, conversation_id: str) -> None:
        turns, _ = await self._read(conversation_id, None)
        await self._messages.clear_conversation(conversation_id)
        if not turns.revision:
            return
        removed = turns.removed + turns.messages
        await self._keep(conversation_id, replace(turns, revision=turns.revision + 1, messages=0, removed=removed))

    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        raise StoreError(
            "a key-value backend cannot list its conversations; keep them with MemoryManager.from_url('sqlite:///chat.db')"
        )

    async def _read(self, conversation_id: str, after: int | None) -> tuple[_Turns, Sequence[StoredMessage]]:
        """The record as it is now, and at least the messages numbered above `after`; None for none of them."""
        turns = _read_record(await self._states.get(f"turns:{conversation_id}"))
        known = turns.messages
        wanted = known if after is None else min(max(after - turns.removed, 0), known)
        # The last known message is read along: if it is gone, the conversation was cleared past this object.
        start = max(wanted - 1, 0)
        if start:
            tail: Sequence[StoredMessage] = await self._messages.tail(messages_key(conversation_id), start)
        else:
            tail = await self._messages.get_messages(conversation_id)
        if start and not tail:
            start, tail = 0, await self._messages.get_messages(conversation_id)
        present = start + len(tail)
        if present != known:
            removed = turns.removed + max(known - present, 0)
            changes = abs(present - known)
            turns = replace(turns, revision=turns.revision + changes, messages=present, removed=removed)
        return turns, tail

    async def _keep(self, conversation_id: str, turns: _Turns) -> None:
        record: JSONObject = {
            "revision": turns.revision,
            "messages": turns.messages,
            "removed": turns.removed,
            "steps": {key: list(value) for key, value in turns.steps.items()},
        }
        if turns.usage is not None:
            record["usage"] = turns.usage
        await self._states.set(f"turns:{conversation_id}", record)


def _wire(message: StoredMessage) -> JSONObject:
    # The documented form leaves out an empty content; a turn's messages always have the key.
    return {"content": None, **message.to_dict()}


def _read_record(record: JSONObject | None) -> _Turns:
    if record is None:
        return _Turns()
    steps = cast("dict[str, list[Any]]", record["steps"])
    return _Turns(
        revision=record["revision"],
        messages=record["messages"],
        removed=record["removed"],
        steps={key: (step, step_seq) for key, (step, step_seq) in steps.items()},
        usage=record.get("usage"),
    )

"""Stores with one defect each, in what every store does; and the rules that have to notice."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConversationConflict, StoreError
from agent_runtime_framework.messages import ContextPolicy
from agent_runtime_framework.store.delivery import Accepted, Incoming, Lease
from agent_runtime_framework.store.protocol import Commit, ConversationInfo, Stored
from agent_runtime_framework.store.sqlite import SQLiteStore

DEFECTS: dict[type[SQLiteStore], list[str]] = {}
"""What each defect has to break, at least."""

S = TypeVar("S", bound=type[SQLiteStore])


def breaks(*rules: str) -> Callable[[S], S]:
    def noted(store: S) -> S:
        DEFECTS[store] = [f"test_{rule.replace(' ', '_')}" for rule in rules]
        return store

    return noted


@breaks("an unknown conversation is empty")
class GivesSomebodyElses(SQLiteStore):
    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        known = [each.conversation_id for each in await self.conversations()]
        found = conversation_id if conversation_id in known or not known else known[0]
        return await super().load(found, agent_key, after=after, context=context)


@breaks(
    "a turn comes back as it was committed",
    "messages are numbered without gaps and never rewritten",
    "two stores on the same data see each other s turns",
    "any sequence of operations does what the rules say",
)
class LosesTheLastMessage(SQLiteStore):
    async def commit(self, commit: Commit) -> int:
        return await super().commit(replace(commit, messages=commit.messages[:-1]))


@breaks("a turn without messages counts as a revision")
class IgnoresTurnsWithoutMessages(SQLiteStore):
    async def commit(self, commit: Commit) -> int:
        return await super().commit(commit) if commit.messages else commit.revision


@breaks(
    "a commit on an old revision is refused and leaves no trace",
    "a commit on a conversation that is gone is refused",
    "of commits on the same revision one is kept",
    "a refused commit does not fail the others",
    "of two stores that commit at once one is refused",
    "a state saved between turns counts as a revision",
)
class LetsTheLastWriterWin(SQLiteStore):
    async def commit(self, commit: Commit) -> int:
        while True:
            try:
                return await super().commit(commit)
            except ConversationConflict as conflict:
                commit = replace(commit, revision=conflict.found or 0)


@breaks("a commit on an old revision is refused and leaves no trace")
class KeepsTheStateOfARefusedTurn(SQLiteStore):
    async def commit(self, commit: Commit) -> int:
        try:
            return await super().commit(commit)
        except ConversationConflict:
            await self.save_state(commit.conversation_id, commit.agent_key, commit.state)
            raise


@breaks("no turn of somebody else comes between", "a commit on a conversation that is gone is refused")
class SaysThatARefusedTurnWasKept(SQLiteStore):
    async def commit(self, commit: Commit) -> int:
        try:
            return await super().commit(commit)
        except ConversationConflict:
            return commit.revision + 1


@breaks("conversations do not mix")
class HasOneConversation(SQLiteStore):
    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        return await super().load("one", agent_key, after=after, context=context)

    async def commit(self, commit: Commit) -> int:
        revision = (await super().load("one", "")).revision
        return await super().commit(replace(commit, conversation_id="one", revision=revision))


@breaks(
    "a turn without state and step leaves the stored ones",
    "a turn with a step only leaves the stored state",
)
class ForgetsAStateThatWasNotSaid(SQLiteStore):
    async def commit(self, commit: Commit) -> int:
        return await super().commit(replace(commit, state=commit.state or "null"))


@breaks("what a conversation used stays until a turn says otherwise")
class ForgetsWhatWasUsed(SQLiteStore):
    async def commit(self, commit: Commit) -> int:
        return await super().commit(replace(commit, usage=commit.usage or "{}"))


@breaks("a closed store can be used again")
class StaysClosed(SQLiteStore):
    is_closed = False

    async def aclose(self) -> None:
        self.is_closed = True
        await super().aclose()

    async def commit(self, commit: Commit) -> int:
        if self.is_closed:
            raise StoreError("closed")
        return await super().commit(commit)


@breaks(
    "only messages after what is known are loaded",
    "after and a number hold together",
    "after and a step hold together",
)
class LoadsWhatIsKnown(SQLiteStore):
    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        return await super().load(conversation_id, agent_key, context=context)


@breaks(
    "a number asks for the last messages",
    "a step begins with the turn that entered it",
    "a step entered again begins again",
)
class IgnoresThePolicy(SQLiteStore):
    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        return await super().load(conversation_id, agent_key, after=after)


@breaks("cleared messages are gone and their numbers are not used again")
class UsesNumbersAgain(SQLiteStore):
    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        stored = await super().load(conversation_id, agent_key, after=after, context=context)
        return replace(stored, first_seq=1, oldest_seq=1)


@breaks("clearing leaves other conversations alone")
class ClearsEverything(SQLiteStore):
    async def clear_messages(self, conversation_id: str) -> None:
        for each in await self.conversations():
            await super().clear_messages(each.conversation_id)


@breaks("every agent has a state of its own", "every agent is in a step of its own")
class HasOneStateForAllAgents(SQLiteStore):
    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        return await super().load(conversation_id, "", after=after, context=context)

    async def commit(self, commit: Commit) -> int:
        return await super().commit(replace(commit, agent_key=""))


@breaks("a state saved between turns leaves the step")
class ForgetsTheStepOfASavedState(SQLiteStore):
    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        await super().save_state(conversation_id, agent_key, None)
        await super().save_state(conversation_id, agent_key, state)


@breaks("a state can come before any message")
class SavesNoStateBeforeAMessage(SQLiteStore):
    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        if (await self.load(conversation_id, agent_key)).revision:
            await super().save_state(conversation_id, agent_key, state)


@breaks("a forgotten state is gone and its step too")
class ForgetsNoState(SQLiteStore):
    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        if state is not None:
            await super().save_state(conversation_id, agent_key, state)


@breaks("a forgotten state leaves those of others")
class ForgetsAllStates(SQLiteStore):
    async def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        for each in ("intake", "quote") if state is None else (agent_key,):
            await super().save_state(conversation_id, each, state)


@breaks(
    "clearing or forgetting what is not there leaves nothing behind",
    "a listing shows nothing that was never begun",
)
class MakesWhatItClears(SQLiteStore):
    async def clear_messages(self, conversation_id: str) -> None:
        await self.save_state(conversation_id, "", "{}")
        await super().clear_messages(conversation_id)


@breaks("a listing counts turns and messages")
class CountsTurnsForMessages(SQLiteStore):
    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        listed = await super().conversations(limit=limit, offset=offset)
        return [replace(each, messages=each.revision) for each in listed]


@breaks("the most recently used conversation comes first")
class ListsByName(SQLiteStore):
    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        listed = await super().conversations(limit=limit, offset=offset)
        return sorted(listed, key=lambda each: each.conversation_id)


@breaks("a listing has pages")
class ListsTheFirstPageOnly(SQLiteStore):
    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        return await super().conversations(limit=limit)


@breaks("text comes back as it was", "a message is delivered as it came")
class WritesASCII(SQLiteStore):
    async def commit(self, commit: Commit) -> int:
        return await super().commit(replace(commit, messages=[_ascii(each) for each in commit.messages]))

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        return await super().accept(replace(message, body=_ascii(message.body)), lease)


@breaks("text that no database takes is mended", "a message that no database takes is answered all the same")
class ChokesOnOddText(SQLiteStore):
    async def commit(self, commit: Commit) -> int:
        _choke(list(commit.messages))
        return await super().commit(commit)

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        _choke(message.body)
        return await super().accept(message, lease)


@breaks("names that are alike are not the same", "message ids that are alike are not the same")
class IsBlindForCase(SQLiteStore):
    async def load(
        self, conversation_id: str, agent_key: str, *, after: int = 0, context: ContextPolicy = "all"
    ) -> Stored:
        return await super().load(conversation_id.lower(), agent_key.lower(), after=after, context=context)

    async def commit(self, commit: Commit) -> int:
        return await super().commit(replace(commit, conversation_id=commit.conversation_id.lower()))

    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        return await super().accept(replace(message, message_id=message.message_id.lower()), lease)


@breaks(
    "reopening keeps everything",
    "reopening keeps messages that wait and a turn that was left",
    "reopening keeps outcomes and turns",
)
class ForgetsEverythingWhenClosed(SQLiteStore):
    async def aclose(self) -> None:
        await super().aclose()
        Path(self._database.path).unlink(missing_ok=True)  # noqa: ASYNC240  a test's file


def _ascii(message: JSONObject) -> JSONObject:
    return json.loads(json.dumps(message, ensure_ascii=False).encode("ascii", "replace"))


def _choke(value: Any) -> None:
    if "\x00" in json.dumps(value, ensure_ascii=False).encode().decode() or "\\u0000" in json.dumps(value):
        raise StoreError("NUL")

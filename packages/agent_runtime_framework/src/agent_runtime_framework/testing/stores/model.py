"""A store as its rules describe it, without a database: what a real one is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.errors import ConversationBusy, ConversationConflict, LeaseLost
from agent_runtime_framework.messages import ContextPolicy
from agent_runtime_framework.store.delivery import (
    Accepted,
    Claim,
    Ending,
    Entry,
    Finished,
    Incoming,
    Lease,
    Outcome,
    Policy,
    Status,
    TurnInfo,
)
from agent_runtime_framework.store.protocol import Commit, Stored

SOME_TIME = "some time"
"""Stands for times, which the model does not tell."""


@dataclass(slots=True)
class Message:
    """A message that was accepted."""

    message_id: str
    agent_key: str
    policy: Policy
    body: JSONObject
    status: Status = "waiting"
    turn: int | None = None


@dataclass(slots=True)
class AgentState:
    """What is kept of an agent."""

    state: str | None = None
    step: str | None = None
    step_seq: int = 1


@dataclass(slots=True)
class Conversation:
    """What is kept of a conversation."""

    revision: int = 0
    oldest_seq: int = 1
    messages: list[JSONObject] = field(default_factory=list[JSONObject])
    agents: dict[str, AgentState] = field(default_factory=dict[str, AgentState])
    usage: str | None = None
    turns: list[TurnInfo] = field(default_factory=list[TurnInfo])
    inbox: dict[str, Message] = field(default_factory=dict[str, Message])
    agent_key: str = ""
    running: int | None = None
    stop: Ending | None = None
    epoch: int = 0
    owner: str | None = None
    until: datetime | None = None
    journal: dict[int, Entry] = field(default_factory=dict[int, Entry])

    @property
    def next_seq(self) -> int:
        """The number of the next message."""
        return self.oldest_seq + len(self.messages)

    @property
    def waiting(self) -> list[Message]:
        """The messages that wait, oldest first."""
        return [each for each in self.inbox.values() if each.status == "waiting"]

    def of_turn(self, turn: int) -> list[Message]:
        """The messages that a turn answers."""
        return [each for each in self.inbox.values() if each.turn == turn]

    def keep(self, commit: Commit) -> None:
        """Take a turn's messages and state over."""
        first_seq = self.next_seq
        self.messages += commit.messages
        if commit.state is not None or commit.step is not None:
            agent = self.agents.setdefault(commit.agent_key, AgentState(None, commit.step, first_seq))
            if agent.step != commit.step:
                agent.step, agent.step_seq = commit.step, first_seq
            agent.state = agent.state if commit.state is None else commit.state
        self.usage = self.usage if commit.usage is None else commit.usage
        self.revision += 1


class Model:
    """The operations of a `DurableStore`, each a few lines that are easy to believe."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.conversations: dict[str, Conversation] = {}
        self._clock = clock

    def load(self, conversation_id: str, agent_key: str, after: int, context: ContextPolicy) -> Stored:
        found = self.conversations.get(conversation_id)
        if found is None:
            return Stored()
        agent = found.agents.get(agent_key, AgentState())
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

    def commit(self, commit: Commit) -> int:
        found = self.conversations.get(commit.conversation_id, Conversation())
        if commit.revision != found.revision or found.running is not None:
            raise ConversationConflict(commit.conversation_id, expected=commit.revision)
        self.conversations[commit.conversation_id] = found
        found.keep(commit)
        found.turns.append(_ended(commit.agent_key, len(found.turns) + 1, commit.step))
        return found.revision

    def save_state(self, conversation_id: str, agent_key: str, state: str | None) -> None:
        if state is None and conversation_id not in self.conversations:
            return
        found = self._conversation(conversation_id)
        if state is not None:
            found.agents.setdefault(agent_key, AgentState(step_seq=found.next_seq)).state = state
        elif agent_key in found.agents:
            found.agents[agent_key] = AgentState(step_seq=found.next_seq)
        found.revision += 1

    def clear_messages(self, conversation_id: str) -> None:
        if found := self.conversations.get(conversation_id):
            found.oldest_seq, found.messages = found.next_seq, []
            found.revision += 1

    def accept(self, message: Incoming, lease: Lease | None) -> Accepted:
        found = self.conversations.get(message.conversation_id, Conversation())
        if message.message_id in found.inbox:
            outcome = self.outcome(message.conversation_id, message.message_id)
            assert outcome is not None
            return Accepted(outcome=replace(outcome, is_held=False), is_new=False)
        stopped = _make_room(found, message)
        self.conversations[message.conversation_id] = found
        found.agent_key = message.agent_key or found.agent_key or message.default_agent
        taken_in = Message(message.message_id, found.agent_key, message.policy, message.body)
        found.inbox[message.message_id] = taken_in
        claim = None
        if lease is not None and found.running is None:
            claim = self.claim(message.conversation_id, lease, None)
        return Accepted(outcome=Outcome(status=taken_in.status), claim=claim, stopped_turn=stopped)

    def claim(self, conversation_id: str, lease: Lease, gone: str | None) -> Claim | None:
        found = self.conversations.get(conversation_id)
        if found is None or (self._is_held(found) and found.owner != gone):
            return None
        if found.running is not None:
            turn = found.turns[found.running - 1]
            found.turns[found.running - 1] = replace(turn, attempts=turn.attempts + 1)
        elif not _begin(found):
            return None
        found.epoch += 1
        found.owner, found.until = lease.owner, self._clock() + lease.ttl
        return _claim(conversation_id, found)

    def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        found = self._own(claim)
        found.until = self._clock() + ttl
        found.journal |= {each.no: each for each in entries}

    def finish(self, claim: Claim, finished: Finished, lease: Lease | None) -> Claim | None:
        found = self._own(claim)
        commit = finished.commit
        if commit.revision != found.revision:
            raise ConversationConflict(claim.conversation_id, expected=commit.revision, found=found.revision)
        for number, each in enumerate(found.of_turn(claim.turn)):
            each.status = "merged" if number and finished.ending == "answered" else finished.ending
        found.turns[claim.turn - 1] = replace(
            found.turns[claim.turn - 1],
            status=finished.ending,
            step=commit.step,
            ended_at=SOME_TIME,
            reply=finished.reply,
            receipt=finished.receipt,
        )
        found.keep(commit)
        found.running = found.stop = found.owner = found.until = None
        found.journal = {}
        return None if lease is None else self.claim(claim.conversation_id, lease, None)

    def renew(self, claims: Sequence[Claim], ttl: timedelta) -> list[Ending | Literal["lost"] | None]:
        told: list[Ending | Literal["lost"] | None] = []
        for claim in claims:
            try:
                found = self._own(claim)
            except LeaseLost:
                told.append("lost")
            else:
                found.until = self._clock() + ttl
                told.append(found.stop)
        return told

    def release(self, claim: Claim, counts: bool) -> None:
        try:
            found = self._own(claim)
        except LeaseLost:
            return
        found.owner = found.until = None
        found.epoch += 1
        turn = found.turns[claim.turn - 1]
        found.turns[claim.turn - 1] = replace(turn, attempts=turn.attempts - (0 if counts else 1))

    def stop(self, conversation_id: str, ending: Ending) -> int | None:
        found = self.conversations.get(conversation_id)
        if found is None or found.running is None:
            return None
        found.stop = ending
        return found.running

    def outcome(self, conversation_id: str, message_id: str) -> Outcome | None:
        found = self.conversations.get(conversation_id, Conversation())
        message = found.inbox.get(message_id)
        if message is None:
            return None
        turn = None if message.turn is None else found.turns[message.turn - 1]
        return Outcome(
            status=message.status,
            reply=None if turn is None else turn.reply,
            turn=message.turn,
            stopped_reason=None if turn is None or turn.receipt is None else turn.receipt["stopped_reason"],
            is_held=self._is_held(found),
        )

    def stranded(self) -> set[tuple[str, str | None]]:
        return {
            (name, found.owner if self._is_held(found) else None)
            for name, found in self.conversations.items()
            if found.waiting or found.running is not None
        }

    def _conversation(self, conversation_id: str) -> Conversation:
        return self.conversations.setdefault(conversation_id, Conversation())

    def _own(self, claim: Claim) -> Conversation:
        found = self.conversations[claim.conversation_id]
        if (found.epoch, found.running) != (claim.epoch, claim.turn):
            raise LeaseLost(claim.conversation_id, claim.turn)
        return found

    def _is_held(self, found: Conversation) -> bool:
        return found.until is not None and found.until > self._clock()


def _make_room(found: Conversation, message: Incoming) -> int | None:
    waiting = found.waiting
    if message.policy == "interrupt":
        for each in waiting:
            each.status = "superseded"
        if found.running is not None:
            found.stop = "superseded"
        return found.running
    is_busy = bool(waiting) or found.running is not None
    if (message.policy == "reject" and is_busy) or len(waiting) >= message.max_waiting:
        raise ConversationBusy(message.conversation_id, "")
    return None


def _begin(found: Conversation) -> bool:
    """Take up the oldest message and, if it may be merged, its neighbours that may be too."""
    waiting = found.waiting
    if not waiting:
        return False
    first, taken = waiting[0], 1
    if first.policy == "merge":
        while taken < len(waiting) and (waiting[taken].policy, waiting[taken].agent_key) == ("merge", first.agent_key):
            taken += 1
    found.running = len(found.turns) + 1
    begun = replace(_ended(first.agent_key, found.running, None), status="running", started_at=SOME_TIME, ended_at=None)
    found.turns.append(begun)
    for each in waiting[:taken]:
        each.status, each.turn = "running", found.running
    return True


def _claim(conversation_id: str, found: Conversation) -> Claim:
    assert found.running is not None
    turn, messages = found.turns[found.running - 1], found.of_turn(found.running)
    return Claim(
        conversation_id=conversation_id,
        agent_key=turn.agent_key,
        turn=turn.no,
        run_id="",
        epoch=found.epoch,
        revision=found.revision,
        attempts=turn.attempts,
        message_ids=tuple(each.message_id for each in messages),
        bodies=tuple(each.body for each in messages),
        entries=tuple(found.journal[no] for no in sorted(found.journal)),
        stop=found.stop,
    )


def _ended(agent_key: str, no: int, step: str | None) -> TurnInfo:
    return TurnInfo(
        no=no,
        agent_key=agent_key,
        status="answered",
        step=step,
        attempts=1,
        started_at=None,
        ended_at=SOME_TIME,
        reply=None,
        receipt=None,
    )

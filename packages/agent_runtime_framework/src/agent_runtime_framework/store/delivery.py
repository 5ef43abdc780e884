"""What a store promises of messages that are delivered: accepted, answered once, and never lost.

    accept -> waiting -> claim -> running -> record, record, … -> finish -> answered | cancelled | superseded | failed

Rules:
    - What `accept` returned for is durable. The same message id again changes nothing and gives the same outcome.
    - One owner at a time runs a turn of a conversation. Each claim counts up the epoch, and whatever an earlier owner
      writes afterwards is refused: `LeaseLost`.
    - `record` keeps the outcome of calls together with the state after them; a turn that is claimed again brings along
      all that was recorded.
    - `finish` is one transaction: messages, state, turn and outcome; what was recorded on the way is forgotten.
    - A turn that has begun ends, whoever ends it; its number is never used again.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.approvals import Decision, PendingCall
from agent_runtime_framework.store.operations import Operations
from agent_runtime_framework.store.protocol import Commit, ConversationInfo, Store, StoredMessage
from agent_runtime_framework.store.signals import Signals
from agent_runtime_framework.store.timers import Silence, Timers

if TYPE_CHECKING:
    from agent_runtime_framework.store.live import LiveConversation

Policy: TypeAlias = Literal["queue", "reject", "interrupt", "merge"]
"""What happens to a message for a conversation that is busy.

- queue: it waits its turn.
- reject: it is refused.
- interrupt: what runs is stopped, what waits is dropped, and it is next.
- merge: it waits, and is answered in one turn with its neighbours that say the same.
"""

Status: TypeAlias = Literal["waiting", "running", "paused", "answered", "merged", "superseded", "cancelled", "failed"]
"""Where a message is on its way to an answer; all but the first three are for good, and "paused" waits for a person."""

Ending: TypeAlias = Literal["answered", "superseded", "cancelled", "failed"]
"""How a turn ends."""

EntryKind: TypeAlias = Literal["heard", "model", "tool", "said"]
"""What a journal entry tells of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A message on its way in.

    Attributes:
        conversation_id: The conversation.
        message_id: The sender's name for it, unique in the conversation.
        agent_key: Who shall answer; empty for whoever was spoken to last.
        default_agent: Who answers where nobody was spoken to yet.
        body: The message in wire form.
        policy: What happens if the conversation is busy.
        max_waiting: How many messages may wait.
    """

    conversation_id: str
    message_id: str
    body: JSONObject
    agent_key: str = ""
    default_agent: str = ""
    policy: Policy = "queue"
    max_waiting: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The wish to own a conversation for a while.

    Attributes:
        owner: Who wants it; unique among all processes.
        ttl: For how long.
    """

    owner: str
    ttl: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing a turn has done, or is about to do.

    Attributes:
        no: Its place in the turn, from 0.
        kind: What it tells of.
        outcome: What came of it, JSON; None before that is known.
        name: The tool.
        call_id: The call.
        effect: What running it twice would do.
        state: The state after it, as JSON text; None where a later entry of the same transaction has it.
        notes: What the engine remembers beside the state.
    """

    no: int
    kind: EntryKind
    outcome: JSONObject | None = None
    name: str | None = None
    call_id: str | None = None
    effect: str | None = None
    state: str | None = None
    notes: JSONObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A turn that is this owner's to run.

    Attributes:
        conversation_id: The conversation.
        agent_key: Who answers.
        turn: The turn's number.
        run_id: The turn's name; the same whoever continues it.
        epoch: The fence: it is refused as soon as there is a later one.
        revision: What the turn is built on.
        attempts: How often the turn was begun or continued, this time included.
        message_ids: The messages it answers, in order.
        bodies: The same messages.
        entries: What was recorded of it so far.
        stop: What it shall end as at once; None if it shall run.
        decisions: What persons have decided about its calls.
        handoff: Who has taken over the conversation; None while the agent answers.
    """

    conversation_id: str
    agent_key: str
    turn: int
    run_id: str
    epoch: int
    revision: int
    attempts: int
    message_ids: tuple[str, ...]
    bodies: tuple[JSONObject, ...]
    entries: tuple[Entry, ...] = ()
    stop: Ending | None = None
    decisions: tuple[Decision, ...] = ()
    handoff: JSONObject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Where a message stands.

    Attributes:
        status: Its status.
        reply: What was answered; None before that.
        turn: The turn that took it up; None before that.
        stopped_reason: Why that turn ended.
        is_held: True if somebody is at the conversation now, or a person has to decide; only `outcome` looks.
        pending: The calls that wait for a decision, of a message that is paused.
    """

    status: Status
    reply: str | None = None
    turn: int | None = None
    stopped_reason: str | None = None
    is_held: bool = False
    pending: tuple[PendingCall, ...] = ()

    @property
    def is_final(self) -> bool:
        """True if nothing more comes."""
        return self.status not in ("waiting", "running", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of a message that was handed in.

    Attributes:
        outcome: Where it stands.
        is_new: False if it was known already; then nothing was changed.
        claim: The turn, if the conversation was idle and the caller wanted it.
        stopped_turn: The turn it interrupts, if any.
    """

    outcome: Outcome
    is_new: bool = True
    claim: Claim | None = None
    stopped_turn: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The end of a turn.

    Attributes:
        commit: Its messages, and the state after it.
        ending: How it ended.
        reply: What the person is answered.
        receipt: What was done, and why; JSON.
        effects: What calls did to the state, so that a replay can do it again without them; JSON.
        handoff: To whom the conversation is handed over, and why; "back" gives it back to the agent.
        silence: What is to happen if nothing is said for a while; None for nothing.
    """

    commit: Commit
    ending: Ending
    reply: str
    receipt: JSONObject = field(default_factory=dict[str, object])
    effects: Sequence[JSONObject] = ()
    handoff: JSONObject | Literal["back"] | None = None
    silence: Silence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnInfo:
    """A turn, as a listing shows it.

    Attributes:
        no: Its number.
        agent_key: Who answered.
        status: "running", or how it ended.
        step: The step it ended in.
        attempts: How often it was begun or continued.
        started_at: When, ISO 8601 in UTC; None for a turn that was not delivered.
        ended_at: When; None while it runs.
        reply: What the person was answered.
        receipt: What was done, and why.
        run_id: Its name in events and logs; None for a turn that was not delivered.
    """

    no: int
    agent_key: str
    status: str
    step: str | None
    attempts: int
    started_at: str | None
    ended_at: str | None
    reply: str | None
    receipt: JSONObject | None
    run_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deciding:
    """A person's decision on its way in.

    Attributes:
        call_id: The call.
        is_approved: True if it may run.
        by: Who decides.
        note: What they say to it; for a rejection, why.
    """

    call_id: str
    is_approved: bool
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """A conversation that a person has taken over.

    Attributes:
        conversation_id: The conversation.
        to: To whom it was handed over.
        reason: Why.
        since: Since when, ISO 8601 in UTC.
    """

    conversation_id: str
    to: str
    reason: str = ""
    since: str = ""


class DurableStore(Store, Operations, Timers):
    """A store that also takes messages in and sees them through. What needs no delivery needs only `Store`."""

    def signals(self) -> Signals | None:
        """A way for the processes on this store to tell each other something at once; None if there is none."""
        return None

    @abstractmethod
    async def accept(self, message: Incoming, lease: Lease | None = None) -> Accepted:
        """Take a message in; when this returns, it is durable.

        Args:
            message: The message.
            lease: Claim the turn in the same transaction, if the conversation is idle.

        Raises:
            ConversationBusy: The policy refuses the message, or too many wait; nothing was kept.
            StoreError: The store cannot be written; nothing was kept.
        """

    @abstractmethod
    async def claim(self, conversation_id: str, lease: Lease, *, gone: str | None = None) -> Claim | None:
        """The turn that is next, continued or new; None if there is none, or another owner is at it.

        Args:
            conversation_id: The conversation.
            lease: Who wants it.
            gone: An owner who is known to be gone, so that its lease counts no longer.
        """

    @abstractmethod
    async def record(self, claim: Claim, entries: Sequence[Entry], ttl: timedelta) -> None:
        """Keep what a turn has done, or is about to do, and hold the lease for another `ttl`.

        An entry with a number that is there already replaces it: an outcome takes the place of the intention.

        Raises:
            LeaseLost: Another owner has the turn; nothing was kept.
            StoreError: The store cannot be written; nothing was kept.
        """

    @abstractmethod
    async def pause(
        self, claim: Claim, entries: Sequence[Entry], call: PendingCall, note: str, lease: Lease
    ) -> Claim | None:
        """Keep what a turn has done, and let it rest at a call until somebody decides: nobody owns it meanwhile.

        Args:
            claim: The turn.
            entries: What is not recorded yet.
            call: What waits.
            note: What the sender of the message is told.
            lease: Claims the turn again at once if it was asked to end meanwhile; then it is returned.

        Raises:
            LeaseLost: Another owner has the turn; nothing was kept.
            StoreError: The store cannot be written; nothing was kept.
        """

    @abstractmethod
    async def decide(self, conversation_id: str, deciding: Deciding) -> bool:
        """Keep a person's decision, and let the turn be claimed again; False if the same was decided before.

        Raises:
            NotPending: There is no such call, or its turn has ended.
            AlreadyDecided: It was decided otherwise.
        """

    @abstractmethod
    async def pending(self, conversation_id: str | None = None) -> list[PendingCall]:
        """The calls that wait for a decision, those that have waited longest first."""

    @abstractmethod
    async def hand_over(self, conversation_id: str, *, to: str, reason: str = "") -> bool | None:
        """Give a conversation to a person; None if it is unknown, False if they have it already.

        A turn that is paused ends as superseded; `finish` with a `handoff` takes the conversation back.
        """

    @abstractmethod
    async def handed_over(
        self, conversation_id: str | None = None, *, limit: int = 100, offset: int = 0
    ) -> list[HandedOver]:
        """The conversations that persons have taken over."""

    @abstractmethod
    async def finish(self, claim: Claim, finished: Finished, lease: Lease | None = None) -> Claim | None:
        """End a turn, in one transaction.

        Args:
            claim: The turn.
            finished: What came of it.
            lease: Claim the conversation's next turn in the same transaction; it is returned if there is one.

        Raises:
            LeaseLost: Another owner has the turn; nothing was kept.
            ConversationConflict: State or messages were changed from outside since the turn was claimed.
            StoreError: The store cannot be written; nothing was kept.
        """

    @abstractmethod
    async def renew(self, claims: Sequence[Claim], ttl: timedelta) -> list[Ending | Literal["lost"] | None]:
        """Hold leases for another `ttl`; says of each "lost", or what its turn shall end as, or None."""

    @abstractmethod
    async def release(self, claim: Claim, *, counts: bool = False) -> None:
        """Give a turn back unfinished, to be continued by anybody at once; the attempt counts only if asked for."""

    @abstractmethod
    async def stop(self, conversation_id: str, ending: Literal["cancelled", "superseded"]) -> int | None:
        """Ask that the running turn end as this; returns its number, None if nothing runs."""

    @abstractmethod
    async def outcome(self, conversation_id: str, message_id: str) -> Outcome | None:
        """Where a message stands; None if it was never accepted."""

    @abstractmethod
    async def stranded(self, limit: int = 100) -> list[tuple[str, str | None]]:
        """Conversations with something to do and nobody at it, or whose owner might be gone: id and owner."""

    @abstractmethod
    async def live(self, agent_key: str, *, after: str = "", limit: int = 200) -> list[LiveConversation]:
        """Conversations of an agent that are not over, by id; reading them changes nothing.

        Args:
            agent_key: The agent.
            after: Only those behind this id.
            limit: How many at most.
        """

    @abstractmethod
    async def turns(self, conversation_id: str, *, last: int = 100, before: int | None = None) -> list[TurnInfo]:
        """The last turns of a conversation, or the last before a number, oldest first."""

    @abstractmethod
    async def ended(self, conversation_ids: Sequence[str]) -> dict[str, int]:
        """The last turn that has ended of each of these conversations; unknown ones are left out."""

    @abstractmethod
    async def messages(
        self, conversation_id: str, *, before: int | None = None, turn: int | None = None, limit: int = 100
    ) -> list[StoredMessage]:
        """The last messages of a conversation's ended turns, oldest first.

        Args:
            conversation_id: The conversation.
            before: Only those with a smaller number.
            turn: Only those of this turn.
            limit: How many at most.
        """

    @abstractmethod
    async def begin(self, conversation_id: str, *, owner: str | None, agent_key: str) -> bool:
        """Begin a conversation in which nothing was said yet; False, and nothing changed, if it is there already."""

    @abstractmethod
    async def info(self, conversation_id: str) -> ConversationInfo | None:
        """A conversation as a listing shows it; None if it is unknown."""

    @abstractmethod
    async def conversations_of(self, owner: str, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        """The conversations of an owner, most recently used first."""

    @abstractmethod
    async def holding(self, message_id: str, *, prefix: str, limit: int = 100) -> list[str]:
        """The conversations whose ids begin so, and that have accepted a message of this id; the last used first."""

"""`Runtime`: durable conversations behind one object."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID, uuid4

from agent_runtime_core.interfaces import JSONObject, conversation_key
from agent_runtime_framework.agents.base import AgentMessage, LLMClient
from agent_runtime_framework.agents.business import event_message
from agent_runtime_framework.approvals import PendingCall
from agent_runtime_framework.crash_points import reach
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.events import Event, Sink
from agent_runtime_framework.executor.turn import APOLOGY
from agent_runtime_framework.runtime.approval import decide
from agent_runtime_framework.runtime.feed import Position, Told
from agent_runtime_framework.runtime.following import follow
from agent_runtime_framework.runtime.handle import ConversationHandle
from agent_runtime_framework.runtime.handoff import back_message, said_message
from agent_runtime_framework.runtime.host import Host, LocalHost
from agent_runtime_framework.runtime.journal import APPROVAL_NOTE
from agent_runtime_framework.runtime.neighbours import Elsewhere, Neighbours
from agent_runtime_framework.runtime.owner import owner_name
from agent_runtime_framework.runtime.reply import Reply, reply_of
from agent_runtime_framework.runtime.roster import Agent, roster
from agent_runtime_framework.runtime.seen import Seen
from agent_runtime_framework.runtime.timers import Clock, When, timer_of
from agent_runtime_framework.runtime.watching import Watchers
from agent_runtime_framework.runtime.worker import Worker
from agent_runtime_framework.store.delivery import (
    Accepted,
    Claim,
    DurableStore,
    Ending,
    HandedOver,
    Incoming,
    Lease,
    Outcome,
    Policy,
    TurnInfo,
)
from agent_runtime_framework.store.open import open_durable_store
from agent_runtime_framework.store.operations import Wanted
from agent_runtime_framework.store.protocol import ConversationInfo
from agent_runtime_framework.store.timers import PendingTimer

LEASE_SECONDS = 30.0
"""For how long a turn is somebody's before others may take it over; renewed while it runs."""

_FIRST_LOOK, _LAST_LOOK = 0.02, 0.5
"""Seconds between two looks at a message that another process answers: at first, and at most."""

_LOOK_AT_PAUSE = 2.0
"""The same at most while a person has to decide."""


class Runtime:
    """Takes messages in, sees each through to a reply, and goes on after a crash: `async with Runtime(...) as runtime`.

    Args:
        store: A URL such as `sqlite:///chat.db`, or a store.
        agents: Who answers: journey classes, forms, `JourneyAgent`s. The first one answers where nobody else is named.
        llm_client: The model of the agents that are made from classes here.
        provide: What the `Injected` parameters of those agents get.
        host: Where turns run; by default in this process.
        works: False for a process that only takes messages in, and tells of turns that others run (`agent-runtime
            worker`).
        policy: What happens to a message for a busy conversation.
        max_waiting: How many messages of a conversation may wait.
        max_attempts: How often a turn is begun, if it takes the process with it each time.
        lease: Seconds after which others may take over a turn whose process does not say that it lives.
        apology: What the person reads when a turn broke.
        approval_note: What they read while a call waits for a person's agreement, where its tool has no words of its
            own.
        retention: For how long a conversation is kept in which nothing happens; by default for ever.
        clock: Tells the time, in place of the machine's; for tests, with a store that is given by its URL.
        on_failure: Told of every error that breaks a turn, with the turn; returns at once.
    """

    def __init__(
        self,
        store: str | DurableStore,
        agents: Iterable[object],
        *,
        llm_client: LLMClient | None = None,
        provide: Mapping[Any, object] | Sequence[object] = (),
        host: Host | None = None,
        works: bool = True,
        policy: Policy = "queue",
        max_waiting: int = 100,
        max_attempts: int = 3,
        lease: float = LEASE_SECONDS,
        apology: str = APOLOGY,
        approval_note: str = APPROVAL_NOTE,
        retention: timedelta | None = None,
        clock: Clock | None = None,
        on_failure: Callable[[Claim, BaseException], None] | None = None,
    ) -> None:
        self.agents: dict[str, Agent] = roster(agents, llm_client, provide)
        if clock is not None and not isinstance(store, str):
            raise ConfigurationError("clock= is for a store that is opened here; give the store itself its clock")
        told = None if clock is None else clock.now
        self.store = open_durable_store(store, clock=told) if isinstance(store, str) else store
        self._watchers = Watchers(self.store)
        self._neighbours = Neighbours(self.store, self._watchers)
        self.host: Host = _host(host, works, self._neighbours, clock)
        self._owns_store = isinstance(store, str)
        self._policy: Policy = policy
        self._max_waiting = max_waiting
        self._lease = Lease(owner=owner_name(), ttl=timedelta(seconds=lease))
        self._is_open = False
        self._worker = Worker(
            self.store,
            self.agents,
            self._lease,
            sinks_of=self._sinks_of,
            settled=self._settled,
            refused=self._watchers.refused,
            max_attempts=max_attempts,
            apology=apology,
            approval_note=approval_note,
            retention=retention,
            failed=on_failure,
        )

    @property
    def is_open(self) -> bool:
        """True inside `async with`."""
        return self._is_open

    async def __aenter__(self) -> Self:
        self._is_open = True
        await self.host.start(self._worker, self.store)
        await self._neighbours.start(self.host)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let running turns end for a moment, give back what is unfinished, and close the store if it was opened."""
        self._is_open = False
        await self._watchers.aclose()
        running = list(self._worker.running)
        await self.host.aclose()
        for conversation_id in running:
            # What was given back is somebody else's to continue.
            self._neighbours.wake(conversation_id)
        await self._neighbours.aclose()
        for agent in self.agents.values():
            await agent.aclose()
        if self._owns_store:
            await self.store.aclose()

    async def send(
        self,
        conversation_id: UUID | str,
        text: str | list[JSONObject],
        *,
        message_id: str | None = None,
        agent: str | None = None,
        policy: Policy | None = None,
    ) -> Reply:
        """Say something, and wait for the reply; no longer than until a person has to decide about a call.

        Args:
            conversation_id: The conversation.
            text: What the person says: text, or blocks of content.
            message_id: The sender's name for the message. The same one again gets the same reply, and changes nothing.
            agent: Who shall answer; by default whoever answered last.
            policy: What happens if the conversation is busy; by default the runtime's.

        Raises:
            ConversationBusy: The message was refused; it may be sent again.
            StateTooNew: The message was accepted, and waits for newer code: a later version wrote the conversation's
                state.
            StoreError: The store cannot be used; the message was not accepted.
        """
        body: JSONObject = {"role": "user", "content": text}
        return await self._answer(await self._accept(conversation_id, body, message_id, agent, policy))

    async def accept(
        self,
        conversation_id: UUID | str,
        text: str | list[JSONObject],
        *,
        message_id: str | None = None,
        agent: str | None = None,
        policy: Policy | None = None,
    ) -> Reply:
        """Say something, and return once it cannot be lost any more; `reply_to` waits for what comes of it.

        Raises:
            ConversationBusy: The message was refused; it may be sent again.
            StoreError: The store cannot be used; the message was not accepted.
        """
        body: JSONObject = {"role": "user", "content": text}
        ticket = await self._accept(conversation_id, body, message_id, agent, policy)
        return reply_of(ticket.conversation_id, ticket.message_id, ticket.accepted.outcome)

    async def post(
        self,
        conversation_id: UUID | str,
        event: str | Mapping[str, Any],
        *,
        message_id: str | None = None,
        agent: str | None = None,
    ) -> Reply:
        """Tell a conversation of something that nobody in it said, such as "payment arrived"; returns as `accept` does.

        Args:
            conversation_id: The conversation.
            event: What happened: words, or JSON.
            message_id: The sender's name for the event; the same one again changes nothing.
            agent: Who shall hear of it; by default whoever answered last.
        """
        ticket = await self._accept(conversation_id, event_message(event), message_id, agent, "queue")
        return reply_of(ticket.conversation_id, ticket.message_id, ticket.accepted.outcome)

    async def schedule(
        self,
        conversation_id: UUID | str,
        event: str | Mapping[str, Any],
        *,
        at: datetime | None = None,
        after: timedelta | str | None = None,
        timer_id: str | None = None,
        agent: str | None = None,
    ) -> PendingTimer:
        """Tell a conversation of something later: `post`, at a time.

        Args:
            conversation_id: The conversation.
            event: What it is told then: words, or JSON.
            at: When.
            after: How long from now, such as "2h"; instead of `at`.
            timer_id: The name of the timer in the conversation. One of that name that still waits is moved.
            agent: Who shall hear of it; by default whoever answered last by then.

        Raises:
            ConfigurationError: The time or the name is not possible.
            StoreError: The store cannot be used; nothing was scheduled.
        """
        agent_key = "" if agent is None else self._agent(agent).key
        when = When(at=at, after=after)
        timer = timer_of(conversation_id, event, when, timer_id, agent_key, next(iter(self.agents)))
        due_at = await self.store.schedule(timer)
        self.host.schedule(timer.conversation_id, timer.timer_id, due_at)
        return PendingTimer(timer_id=timer.timer_id, due_at=due_at, body=timer.body)

    async def unschedule(self, conversation_id: UUID | str, timer_id: str) -> bool:
        """Take back what was scheduled; False if nothing of that name waits any more."""
        key = conversation_key(conversation_id)
        was_there = await self.store.unschedule(key, timer_id)
        self.host.unschedule(key, timer_id)
        return was_there

    async def timers(self, conversation_id: UUID | str) -> list[PendingTimer]:
        """What is to come in a conversation, the next one first: what was scheduled, and what silence brings."""
        return await self.store.timers(conversation_key(conversation_id))

    async def fire_due(self) -> list[Reply]:
        """Do what is due by now, and wait for what comes of it. An open runtime looks every second by itself."""
        replies: list[Reply] = []
        while found := await self.store.fire():
            for conversation_id, _ in found:
                self.host.deliver(conversation_id)
            replies += await asyncio.gather(*(self.reply_to(*each) for each in found))
        return replies

    async def reply_to(self, conversation_id: UUID | str, message_id: str, *, through_pauses: bool = True) -> Reply:
        """The final outcome of a message that was accepted, as soon as there is one, also after a person's decision.

        Args:
            conversation_id: The conversation.
            message_id: The message.
            through_pauses: Otherwise it returns also when a person has to decide, as `send` does.

        Raises:
            ConfigurationError: No such message was accepted.
        """
        key = conversation_key(conversation_id)
        outcome = await self.store.outcome(key, message_id)
        if outcome is None:
            raise ConfigurationError(f"no message {message_id!r} was accepted in conversation {key!r}")
        ticket = _Ticket(key, message_id, Accepted(outcome=outcome, is_new=False))
        return await self._answer(ticket, through_pauses=through_pauses)

    async def stream(
        self,
        conversation_id: UUID | str,
        text: str | list[JSONObject],
        *,
        message_id: str | None = None,
        agent: str | None = None,
        policy: Policy | None = None,
    ) -> AsyncIterator[Event]:
        """Say something, and watch the turn: `async for event in runtime.stream(...)`.

        Leaving early does not stop the turn. What was answered before comes whole, and so does what another process
        answers where the store has no way to tell of it as it happens.

        Raises:
            ConversationBusy: The message was refused; it may be sent again.
            StoreError: The store cannot be used; the message was not accepted.
        """
        key, message_id = conversation_key(conversation_id), message_id or uuid4().hex
        with self._watchers.reading((key, message_id)) as events:
            ticket = await self._accept(key, {"role": "user", "content": text}, message_id, agent, policy)
            answering = asyncio.ensure_future(self._answer(ticket))
            seen = Seen()
            loop = asyncio.get_running_loop()
            # Of a turn elsewhere the store may know the end before its last events have arrived.
            answering.add_done_callback(lambda _: loop.call_later(seen.patience, events.put_nowait, None))
            try:
                while (event := await events.get()) is not None:
                    seen.add(event)
                    yield event
                reply = await answering
            finally:
                answering.cancel()
            for event in seen.missing(reply):
                yield event

    def watch(self, conversation_id: UUID | str, *, after: str | None = None) -> AsyncIterator[Told]:
        """Everything that happens in a conversation, in order and for ever: `async for told in runtime.watch("ada")`.

        A turn that another process runs comes as it happens where the store has a way to tell (PostgreSQL), and whole,
        when it has ended, where not. Reading slowly, or leaving, stops nothing.

        Args:
            conversation_id: The conversation.
            after: The `position` of the last event that was read, or the number of a turn, to go on behind it; by
                default it begins with the turn that is running.

        Raises:
            ConfigurationError: `after` is no position.
        """
        position = None if after is None else Position.parse(after)
        return follow(self.store, self._watchers, conversation_key(conversation_id), position)

    def keep_events(self) -> None:
        """From now on, keep what is told of every turn for a while, so that whoever begins to watch in it hears all."""
        self._watchers.feeds.keeps_all = True

    async def cancel(self, conversation_id: UUID | str) -> bool:
        """Stop what a conversation is doing; False if it does nothing.

        A tool that runs is cancelled, and its outcome is told as unknown. The next message is taken up afterwards.
        """
        key = conversation_key(conversation_id)
        turn = await self.store.stop(key, "cancelled")
        if turn is not None:
            self._stop(key, turn, "cancelled")
            # A turn that waited for a person is at nobody, and has yet to be ended.
            self.host.deliver(key)
        return turn is not None

    async def pending(self, conversation_id: UUID | str | None = None) -> list[PendingCall]:
        """The calls that wait for a person's decision, of one conversation or of all, the oldest first."""
        return await self.store.pending(None if conversation_id is None else conversation_key(conversation_id))

    async def approve(self, conversation_id: UUID | str, call_id: str, *, by: str = "", note: str = "") -> bool:
        """Let a call run that waits; its turn goes on at that very call. False if that was decided before.

        Args:
            conversation_id: The conversation.
            call_id: The call, as `pending` names it.
            by: Who decides.
            note: What they say to it.

        Raises:
            NotPending: There is no such call, or its turn has ended.
            AlreadyDecided: It was rejected.
        """
        return await decide(self.store, self.host, conversation_id, call_id, is_approved=True, by=by, note=note)

    async def reject(self, conversation_id: UUID | str, call_id: str, *, by: str = "", reason: str = "") -> bool:
        """Do not let a call run; the model is told so, with the reason, and goes on. False if that was decided before.

        Args:
            conversation_id: The conversation.
            call_id: The call, as `pending` names it.
            by: Who decides.
            reason: Why.

        Raises:
            NotPending: There is no such call, or its turn has ended.
            AlreadyDecided: It was approved.
        """
        return await decide(self.store, self.host, conversation_id, call_id, is_approved=False, by=by, note=reason)

    async def hand_over(self, conversation_id: UUID | str, *, to: str = "support", reason: str = "") -> bool:
        """Give a conversation to a person: what is said from now on is kept, and no model is asked.

        A turn that runs ends first; one that waits for an approval ends without it. False if they have it already.

        Args:
            conversation_id: The conversation.
            to: Who takes over.
            reason: Why.

        Raises:
            ConfigurationError: There is no such conversation.
        """
        key = conversation_key(conversation_id)
        is_new = await self.store.hand_over(key, to=to, reason=reason)
        if is_new is None:
            raise ConfigurationError(f"there is no conversation {key!r} to be handed over")
        self.host.deliver(key)
        return is_new

    async def say(
        self, conversation_id: UUID | str, text: str, *, by: str = "", message_id: str | None = None
    ) -> Reply:
        """Say something in the agent's place; it is kept as an assistant's message, and reaches whoever watches.

        Args:
            conversation_id: The conversation.
            text: The words.
            by: Who says them.
            message_id: The sender's name for the message; the same one again changes nothing.
        """
        ticket = await self._accept(conversation_id, said_message(text, by), message_id, None, "queue")
        return await self._answer(ticket, through_pauses=True)

    async def hand_back(
        self, conversation_id: UUID | str, *, by: str = "", note: str = "", step: str | None = None
    ) -> bool:
        """Let the agent answer again; it reads all that was said meanwhile. False if it answers already.

        Args:
            conversation_id: The conversation.
            by: Who hands it back.
            note: What the model shall know.
            step: The step in which the journey goes on; by default the one it was in.

        Raises:
            ConfigurationError: The journey has no such step.
        """
        key = conversation_key(conversation_id)
        if not await self.store.handed_over(key):
            return False
        agent = await self._last_agent(key)
        if step is not None:
            agent.put_in_step(agent.get_initial_state(), step)
        ticket = await self._accept(key, back_message(by, note, step), None, agent.key, "queue")
        await self._answer(ticket, through_pauses=True)
        return True

    async def handed_over(self, *, limit: int = 100, offset: int = 0) -> list[HandedOver]:
        """The conversations that persons have taken over."""
        return await self.store.handed_over(limit=limit, offset=offset)

    async def history(self, conversation_id: UUID | str) -> list[AgentMessage]:
        """What was said and done in a conversation's finished turns, oldest first."""
        stored = await self.store.load(conversation_key(conversation_id), "")
        return [AgentMessage.from_dict(message) for message in stored.messages]

    async def state(self, conversation_id: UUID | str, agent: str | None = None) -> Any:
        """The state of a journey after the last finished turn, as an object of its class.

        Args:
            conversation_id: The conversation.
            agent: Whose; by default that of whoever answered last.

        Raises:
            StateTooNew: A later version of the journey wrote the stored state.
            StateError: The stored state no longer fits its class.
        """
        key = conversation_key(conversation_id)
        answers = self._agent(agent) if agent is not None else await self._last_agent(key)
        stored = await self.store.load(key, answers.key, context=0)
        return answers.get_initial_state() if stored.state is None else answers.read_state(stored.state, key)

    async def turns(self, conversation_id: UUID | str, *, last: int = 100) -> list[TurnInfo]:
        """The last turns of a conversation, oldest first, each with its receipt."""
        return await self.store.turns(conversation_key(conversation_id), last=last)

    async def conversations(self, *, limit: int = 100, offset: int = 0) -> list[ConversationInfo]:
        """The conversations, most recently used first."""
        return await self.store.conversations(limit=limit, offset=offset)

    async def export(self, conversation_id: UUID | str) -> JSONObject | None:
        """Everything that is kept of a conversation, as one JSON object; None if it is unknown."""
        return await self.store.export(conversation_key(conversation_id))

    async def erase(self, conversation_id: UUID | str) -> bool:
        """Forget a conversation, with everything of it; False if it is unknown.

        A turn that runs is stopped. If it runs elsewhere, what it does is not kept.
        """
        await self.cancel(conversation_id)
        return await self.store.erase(conversation_key(conversation_id), force=True)

    async def prune(self, older_than: timedelta, *, limit: int = 100) -> list[str]:
        """Forget the oldest conversations in which nothing has happened for so long, and nothing is left to do.

        Args:
            older_than: For how long.
            limit: How many at most.

        Returns:
            Their ids.
        """
        return await self.store.prune(Wanted(older_than=older_than, limit=limit))

    def conversation(self, conversation_id: UUID | str, agent: str | None = None) -> ConversationHandle:
        """One conversation, to be spoken to without naming it again."""
        if agent is not None:
            self._agent(agent)
        return ConversationHandle(self, conversation_key(conversation_id), agent)

    async def _accept(
        self,
        conversation_id: UUID | str,
        body: JSONObject,
        message_id: str | None,
        agent: str | None,
        policy: Policy | None,
    ) -> _Ticket:
        if not self._is_open:
            raise ConfigurationError("the Runtime is not open; use it inside `async with Runtime(...) as runtime:`")
        message = Incoming(
            conversation_id=conversation_key(conversation_id),
            message_id=_checked_id(message_id),
            agent_key="" if agent is None else self._agent(agent).key,
            default_agent=next(iter(self.agents)),
            body=body,
            policy=policy or self._policy,
            max_waiting=self._max_waiting,
        )
        reach("accept:before")
        lease = self._lease if self.host.load < 1 else None
        accepted = await self.store.accept(message, lease)
        reach("accept:after")
        if accepted.claim is not None:
            self.host.deliver(message.conversation_id, accepted.claim)
        elif accepted.stopped_turn is not None:
            self._stop(message.conversation_id, accepted.stopped_turn, "superseded")
        elif lease is None:
            self.host.deliver(message.conversation_id)
        return _Ticket(message.conversation_id, message.message_id, accepted)

    def _stop(self, conversation_id: str, turn: int, ending: Ending) -> None:
        if self.host.is_at(conversation_id):
            self.host.stop(conversation_id, turn, ending)
        else:
            self._neighbours.stop(conversation_id, turn, ending)

    def _sinks_of(self, claim: Claim, heard: Callable[[], list[JSONObject] | None]) -> list[Sink]:
        return [*self._watchers.sinks_of(claim, heard), *self._neighbours.sinks_of(claim, heard)]

    def _settled(self, claim: Claim, outcome: Outcome | None) -> None:
        self._watchers.settled(claim, outcome)
        self._neighbours.settled(claim, outcome)

    async def _answer(self, ticket: _Ticket, *, through_pauses: bool = False) -> Reply:
        address, outcome = (ticket.conversation_id, ticket.message_id), ticket.accepted.outcome
        # Of a turn that is run here the end is told here.
        pause = _FIRST_LOOK if ticket.accepted.claim is None else _LAST_LOOK
        while not (outcome.is_final or (outcome.status == "paused" and not through_pauses)):
            with self._watchers.waiting(address) as future:
                done, _ = await asyncio.wait({future}, timeout=pause)
                if done:
                    outcome = future.result()
                    continue
                if self._worker.is_answering(*address):
                    # Its outcome is in the store a moment before all that happened was told.
                    continue
                # It may be answered by another process, or have been before anybody waited.
                # A message that is not there any more was erased, with its conversation.
                outcome = await self.store.outcome(*address) or Outcome(status="cancelled", reply="")
                if not outcome.is_final and not outcome.is_held:
                    # Whoever was at it has gone; no need to wait for the next sweep.
                    self.host.deliver(ticket.conversation_id)
                longest = _LAST_LOOK if outcome.status != "paused" else _LOOK_AT_PAUSE
                pause = longest if self.host.is_at(ticket.conversation_id) else min(pause * 1.5, longest)
        if outcome.status == "paused":
            # The store also knows since when it waits.
            outcome = await self.store.outcome(*address) or outcome
        return reply_of(*address, outcome)

    def _agent(self, key: str) -> Agent:
        if key not in self.agents:
            raise ConfigurationError(f"no agent {key!r} is here; there are: {', '.join(self.agents)}")
        return self.agents[key]

    async def _last_agent(self, conversation_id: str) -> Agent:
        turns = await self.store.turns(conversation_id, last=1)
        key = turns[0].agent_key if turns else ""
        return self.agents[key if key in self.agents else next(iter(self.agents))]


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A message that was handed in."""

    conversation_id: str
    message_id: str
    accepted: Accepted


def _host(host: Host | None, works: bool, neighbours: Neighbours, clock: Clock | None) -> Host:
    if host is not None and not works:
        raise ConfigurationError("works=False leaves all turns to other processes; leave out host=, or works=False")
    if not works:
        return Elsewhere(neighbours)
    return host or (LocalHost() if clock is None else LocalHost(sleep=clock.sleep))


def _checked_id(message_id: str | None) -> str:
    if message_id is None:
        return uuid4().hex
    if not 1 <= len(message_id) <= 255 or not message_id.isprintable():
        raise ConfigurationError(
            f"message_id {message_id!r:.80} is not possible; expected 1 to 255 characters, none of them a control "
            "character"
        )
    return message_id

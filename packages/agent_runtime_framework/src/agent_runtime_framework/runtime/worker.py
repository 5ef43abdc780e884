"""Runs claimed turns to their end: continued where they were left, stopped when asked, ended politely when broken.

    claim -> history -> the agent's turn, recorded as it goes -> finish, and the conversation's next claim

Rules:
    - Whoever loses the lease stops, and keeps nothing.
    - A turn that raises ends at once, with a sentence for the person: the client of the model has tried again already.
    - A turn that takes the process with it is continued, `max_attempts` times; then it ends politely too.
    - When the process ends, turns are given back as they are; so are those whose state only newer code understands.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.base import AgentContext, AgentMessage, AgentResult
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.silence import Silent
from agent_runtime_framework.crash_points import reach
from agent_runtime_framework.errors import ConversationConflict, LeaseLost, StateError, StateTooNew, StoreError
from agent_runtime_framework.events import Emitter, Sink
from agent_runtime_framework.executor.turn import APOLOGY, ProtocolError, Turn
from agent_runtime_framework.memory.conversation import HotConversations
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.runtime.aside import SetAside
from agent_runtime_framework.runtime.conversation import ClaimedConversation, step_in
from agent_runtime_framework.runtime.handoff import HANDED_OFF, is_passed_on, pass_on, tell
from agent_runtime_framework.runtime.job import Job, Running, over, state_before, used
from agent_runtime_framework.runtime.journal import APPROVAL_NOTE, StoredJournal
from agent_runtime_framework.runtime.receipts.recording import changes_between, done_in, effects_in
from agent_runtime_framework.runtime.timers import silence_after
from agent_runtime_framework.store.delivery import Claim, DurableStore, Ending, Finished, Lease, Outcome
from agent_runtime_framework.store.operations import Wanted
from agent_runtime_framework.store.protocol import Commit

logger = logging.getLogger(__name__)

NOT_REACHED = "Error: not run, because the conversation went on before this call's turn came."
"""The answer to a call that was never begun in a turn that nobody shall run any more."""

NOT_HEARD = "(a message that could not be taken in)"
"""Stands in the history for a message that broke its turn before it was listened to."""

HOT_CONVERSATIONS = 256

TIDY_SECONDS = 300.0
"""How often at most it is looked for conversations that are too old to be kept."""


class Worker:
    """Runs turns of a store.

    Args:
        store: The store.
        agents: Who answers, by key.
        lease: As whom, and for how long at a time.
        sinks_of: Who watches a turn; given what tells what was heard in it.
        settled: Told of every turn that has ended, or, without an outcome, is not run here any more.
        max_attempts: How often a turn is begun or continued.
        apology: What the person reads when a turn broke.
        approval_note: What they read while a call waits for a person, where its tool has no words of its own.
        retention: For how long a conversation is kept in which nothing happens; None keeps it.
        failed: Told of every error that broke a turn.
        refused: Told of every conversation that only newer code can go on with.

    Attributes:
        running: The turns that are being run, by conversation.
    """

    def __init__(
        self,
        store: DurableStore,
        agents: Mapping[str, JourneyAgent[Any, Any, Any]],
        lease: Lease,
        *,
        sinks_of: Callable[[Claim, Callable[[], list[JSONObject] | None]], Sequence[Sink]],
        settled: Callable[[Claim, Outcome | None], None],
        max_attempts: int = 3,
        apology: str = APOLOGY,
        retention: timedelta | None = None,
        failed: Callable[[Claim, BaseException], None] | None = None,
        approval_note: str = APPROVAL_NOTE,
        refused: Callable[[str, StateTooNew], None] = lambda _conversation, _error: None,
    ) -> None:
        self.running: dict[str, Running] = {}
        self._store = store
        self._agents = agents
        self._lease = lease
        self._sinks_of = sinks_of
        self._settled = settled
        self._max_attempts = max_attempts
        self._apology = apology
        self._retention = retention
        self._failed = failed
        self._tidied: float | None = None
        self._approval_note = approval_note
        self._refused = refused
        self._aside = SetAside()
        self._stopped_early: dict[str, tuple[int, Ending]] = {}
        self._hot = HotConversations(store, HOT_CONVERSATIONS)

    @property
    def ttl(self) -> timedelta:
        """For how long a lease is held at a time."""
        return self._lease.ttl

    def is_answering(self, conversation_id: str, message_id: str) -> bool:
        """True if the turn that answers this message is being run here."""
        running = self.running.get(conversation_id)
        return running is not None and message_id in running.claim.message_ids

    def stop(self, conversation_id: str, turn: int, ending: Ending) -> None:
        """End this turn as that, now or as soon as it begins to run here."""
        running = self.running.get(conversation_id)
        if running is None:
            self._stopped_early[conversation_id] = (turn, ending)
        elif running.claim.turn == turn:
            running.stop(ending)

    async def claim(self, conversation_id: str, gone: str | None = None) -> Claim | None:
        """The conversation's next turn, if there is one and it is free."""
        why = self._aside.why(conversation_id)
        if why is not None:
            self._refused(conversation_id, why)
            return None
        reach("claim:before")
        claim = await self._store.claim(conversation_id, self._lease, gone=gone)
        reach("claim:after")
        return claim

    async def tidy(self) -> None:
        """Forget what is too old to be kept, a batch at a time."""
        now = time.monotonic()
        if self._retention is None or (self._tidied is not None and now - self._tidied < TIDY_SECONDS):
            return
        gone = await self._store.prune(Wanted(older_than=self._retention))
        if gone:
            logger.info("%d conversations were older than they are kept", len(gone))
        else:
            self._tidied = now

    async def run(self, claim: Claim) -> Claim | None:
        """Run a turn to its end; returns the conversation's next one."""
        agent = self._agents.get(claim.agent_key)
        if agent is None:
            logger.warning("no agent %r here; turn %d was given back", claim.agent_key, claim.turn)
            await self._store.release(claim)
            return None
        try:
            return await self._run(claim, agent)
        except LeaseLost:
            logger.warning("turn %d was taken over by another owner", claim.turn)
        except StateTooNew as error:
            # Code that was rolled back, or is not deployed yet: somebody newer answers, and nothing is lost until then.
            logger.error("turn %d was given back: %s", claim.turn, error)
            await self._store.release(claim)
            self._aside.put(claim.conversation_id, error)
            self._refused(claim.conversation_id, error)
        except StoreError:
            # Whatever it is, it keeps the turn from being ended as well. It is continued from what was recorded; where
            # not even this works, when the lease has run out.
            logger.exception("turn %d cannot be kept; it is tried again", claim.turn)
            with suppress(StoreError):
                await self._store.release(claim, counts=True)
        return None

    async def _run(self, claim: Claim, agent: JourneyAgent[Any, Any, Any]) -> Claim | None:
        job = await self._prepare(claim, agent)
        try:
            ending = claim.stop or ("failed" if claim.attempts > self._max_attempts else None)
            if ending is None and is_passed_on(claim):
                await self._pass_on(job)
            elif ending is None:
                await self._take(job)
            else:
                await self._end_unrun(job, ending)
        finally:
            # Only now have all events of the turn been told.
            self._settled(claim, job.outcome)
        return job.following

    async def _take(self, job: Job) -> None:
        claim, agent = job.claim, job.agent
        silent = Silent.of(claim.bodies)
        said = claim.bodies if silent is None else ()
        ctx = AgentContext(UUID(claim.run_id), claim.conversation_id, [AgentMessage.from_dict(body) for body in said])
        sinks = self._sinks_of(claim, lambda: job.journal.heard)
        io = agent.edges(ctx, *sinks, streams=bool(sinks), journal=job.journal)
        task = asyncio.ensure_future(
            agent.turn(ctx, io, job.conversation)
            if silent is None
            else agent.turn_in_silence(ctx, io, job.conversation, silent)
        )
        running = self.running[claim.conversation_id] = Running(claim, task)
        turn, wanted = self._stopped_early.pop(claim.conversation_id, (0, None))
        if wanted is not None and turn == claim.turn:
            running.stop(wanted)
        try:
            await self._see_through(job, running)
        finally:
            self.running.pop(claim.conversation_id, None)

    async def _pass_on(self, job: Job) -> None:
        """Keep what is said while a person has the conversation; nobody else is asked."""
        claim = job.claim
        try:
            passed = await pass_on(claim, job.agent, job.conversation)
        except (StateTooNew, StoreError):
            raise
        except Exception as error:  # reading the state is the author's code
            logger.exception("turn %d of agent %r could not be passed on", claim.turn, job.agent.key)
            await self._end_broken(job, "failed", error)
            return
        job.handoff = passed.handoff
        commit = job.conversation.commit_of(passed.messages, passed.state)
        try:
            await self._finish(job, commit, "answered", passed.reply, HANDED_OFF)
        except ConversationConflict:
            # Somebody changed the conversation between the claim and now; nothing is lost by doing it once more.
            await self._store.release(claim, counts=True)
            job.following = await self.claim(claim.conversation_id)
            return
        heard = [] if passed.by is not None else passed.messages
        tell(passed, Emitter(self._sinks_of(claim, lambda: heard), claim.run_id, claim.conversation_id), job.agent.key)

    async def _prepare(self, claim: Claim, agent: JourneyAgent[Any, Any, Any]) -> Job:
        stored, hot = await self._hot.load(claim.conversation_id, agent.key, agent.config.context)
        journal = StoredJournal(self._store, claim, self._lease, approval_note=self._approval_note)

        async def keep(commit: Commit) -> None:
            end = journal.end
            reason = None if end is None else str(end.stopped_reason)
            job.handoff = journal.handoff
            try:
                await self._finish(job, commit, "answered", "" if end is None else end.response, reason)
            except ConversationConflict:
                job.conversation.left = replace(commit, messages=_without_reply(commit.messages))
                raise
            hot.end_turn(commit, agent.config.context)

        job = Job(claim, agent, journal, ClaimedConversation(claim, stored, hot.history, journal, keep))
        return job

    async def _see_through(self, job: Job, running: Running) -> None:
        try:
            await asyncio.wait({running.task})
        except asyncio.CancelledError:
            await self._give_back(job, running)
            raise
        # Looked at in any case, or the loop would complain of an exception that nobody saw.
        error = None if running.task.cancelled() else running.task.exception()
        if job.conversation.keeping is not None:
            await self._see_kept(job, job.conversation.keeping)
            return
        if job.journal.pausing is not None:
            await self._see_at_rest(job, job.journal.pausing)
            return
        if running.is_lost:
            raise LeaseLost(job.claim.conversation_id, job.claim.turn)
        if error is None and not running.task.cancelled():
            await self._end_without_a_trace(job, running.task.result())
        elif running.ending is not None:
            await self._end_broken(job, running.ending)
        elif isinstance(error, (LeaseLost, StateTooNew, StoreError)):
            raise error
        else:
            logger.error("turn %d of agent %r failed", job.claim.turn, job.agent.key, exc_info=error)
            self._report(job.claim, error)
            await self._end_broken(job, "failed", error)

    async def _see_kept(self, job: Job, keeping: asyncio.Future[None]) -> None:
        try:
            await keeping
        except ConversationConflict as conflict:
            logger.warning("turn %d is not kept, its conversation was changed from outside", job.claim.turn)
            await self._end_broken(job, "failed", conflict)

    async def _see_at_rest(self, job: Job, pausing: asyncio.Future[Claim | None]) -> None:
        """The turn waits for a person; or it shall end, and is claimed for that already."""
        job.following = await pausing
        if job.following is None and job.journal.pause is not None:
            call, note = job.journal.pause
            job.outcome = Outcome(
                status="paused", reply=note, turn=job.claim.turn, stopped_reason="paused", pending=(call,)
            )

    def _report(self, claim: Claim, error: BaseException | None) -> None:
        if self._failed is None or error is None:
            return
        try:
            self._failed(claim, error)
        except Exception:  # a broken observer must not break the conversation
            logger.warning("on_failure failed", exc_info=True)

    async def _give_back(self, job: Job, running: Running) -> None:
        """The process is about to end: somebody else goes on where this turn is."""
        running.task.cancel()
        await asyncio.wait({running.task})
        if not running.task.cancelled():
            running.task.exception()
        if job.conversation.keeping is not None:
            await job.conversation.keeping
            return
        left = job.claim if job.journal.pausing is None else await job.journal.pausing
        if left is not None:
            await self._store.release(left)

    async def _end_without_a_trace(self, job: Job, result: AgentResult) -> None:
        """There was nothing to do and nothing to keep, but the message has its outcome."""
        commit = job.conversation.commit_of([], None)
        await self._finish(job, commit, "answered", result.response, result.metadata.get("stopped_reason"))

    async def _end_broken(self, job: Job, ending: Ending, error: BaseException | None = None) -> None:
        left = job.conversation.left
        if left is None and job.claim.entries:
            # It broke before it was where it had been left. What was recorded is as true as before.
            job.journal = StoredJournal(self._store, job.claim, self._lease, approval_note=self._approval_note)
            await self._end_unrun(job, ending, error)
            return
        messages = [*(job.journal.heard or _unheard(job.claim))] if left is None else list(left.messages)
        state = None if left is None else left.state
        await self._end_as(job, ending, messages, state, error)

    async def _end_unrun(self, job: Job, ending: Ending, error: BaseException | None = None) -> None:
        """End a turn that nobody shall run any more, with all that was recorded of it."""
        turn = Turn(job.agent.config.policy(), job.conversation.history.call_ids)
        try:
            job.journal.replay(turn)
        except ProtocolError:
            logger.warning("turn %d was recorded under other limits; it ends where they were passed", job.claim.turn)
        turn.abandon(INTERRUPTED if job.journal.has_begun(turn.waiting) else NOT_REACHED, NOT_REACHED)
        messages = [*(job.journal.heard or _unheard(job.claim)), *turn.messages]
        await self._end_as(job, ending, messages, job.journal.state, error)

    async def _end_as(
        self,
        job: Job,
        ending: Ending,
        messages: list[JSONObject],
        state: str | None,
        error: BaseException | None = None,
    ) -> None:
        reply = ""
        if ending == "failed" and Silent.of(job.claim.bodies) is None:
            # Where the state cannot be loaded, saying it once more would not help.
            own = None if isinstance(error, StateError) else job.agent.config.limit_reply
            reply = own or self._apology
            messages = [*messages, {"role": "assistant", "content": reply}]
        commit = job.conversation.commit_of(messages, state, usage=used(job))
        reason = ending if error is None else f"{ending}:{type(error).__name__}"
        try:
            await self._finish(job, commit, ending, reply, reason)
        except ConversationConflict as conflict:
            # Somebody changed the state meanwhile; what they wrote stays, and what was said is kept with it.
            revision = conflict.found or 0
            commit = Commit(
                conversation_id=commit.conversation_id,
                agent_key=commit.agent_key,
                revision=revision,
                messages=messages,
                usage=commit.usage,
            )
            await self._finish(job, commit, ending, reply, reason)

    async def _finish(self, job: Job, commit: Commit, ending: Ending, reply: str, reason: str | None) -> None:
        claim = job.claim
        receipt: JSONObject = {
            "stopped_reason": reason,
            "step_before": job.conversation.step_before,
            "step_after": commit.step,
            "attempts": claim.attempts,
            "ms": round((time.perf_counter() - job.began) * 1000),
            "done": done_in(job.journal.entries, job.journal.resumed_at, claim.attempts),
        }
        receipt |= job.journal.mended
        if (silent := Silent.of(claim.bodies)) is not None:
            receipt["silence"] = silent.told()
        if (how := over(job)) is not None:
            receipt["over"] = how
        before = state_before(job)
        if receipt["step_before"] is None and (began_in := step_in(before)) is not None:
            receipt["began_in"] = began_in
        if fields := changes_between(before, commit.state):
            receipt["fields"] = fields
        if job.journal.decisions:
            receipt["approvals"] = [decision.to_dict() for decision in job.journal.decisions]
        finished = Finished(
            commit=commit,
            ending=ending,
            reply=reply,
            receipt=receipt,
            effects=effects_in(job.journal.entries),
            handoff=job.handoff,
            silence=silence_after(job.agent, claim, commit, job.conversation.state_before, ending, job.handoff),
        )
        reach("finish:before")
        job.following = await self._store.finish(claim, finished, self._lease)
        reach("finish:after")
        job.outcome = Outcome(status=ending, reply=reply, turn=claim.turn, stopped_reason=reason)


def _without_reply(messages: Sequence[JSONObject]) -> Sequence[JSONObject]:
    """A turn's messages as far as they tell what was done."""
    last = messages[-1] if messages else {}
    return messages[:-1] if last.get("role") == "assistant" and not last.get("tool_calls") else messages


def _unheard(claim: Claim) -> list[JSONObject]:
    """What the history keeps of messages that were never listened to: nobody knows what must not be shown of them."""
    return [{"role": "user", "content": NOT_HEARD} for _ in claim.bodies] if Silent.of(claim.bodies) is None else []

"""A conversation that outlives the process: held by a `Runtime`, in a store."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, aclosing, suppress
from typing import Any, cast
from uuid import uuid4

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.agents.base import AgentResult
from agent_runtime_framework.cli.progress import Progress
from agent_runtime_framework.cli.session import Session, Steps
from agent_runtime_framework.cli.targets import Agent
from agent_runtime_framework.crash_points import watched
from agent_runtime_framework.events import Event, Sink
from agent_runtime_framework.executor.asking import LLMClient
from agent_runtime_framework.memory import StoredMessage
from agent_runtime_framework.runtime import LocalHost, Reply, Runtime
from agent_runtime_framework.runtime.owner import is_gone
from agent_runtime_framework.runtime.receipts.account import account_of
from agent_runtime_framework.store.delivery import Claim, DurableStore

KILLED = 137
"""The exit code of a process that was killed, as shells report it."""

_STOPPING_SECONDS = 5.0


class DurableSession(Session):
    """A conversation in a store.

    Args:
        agent: Who is talked to.
        store: Where it is kept; closed with the session.
        conversation_id: Its name.
        client: The model.

    Attributes:
        apology: What the person was answered where the last turn broke; empty if it did not.
    """

    is_durable = True

    def __init__(self, agent: Agent, store: DurableStore, conversation_id: str, client: LLMClient) -> None:
        self._broke: BaseException | None = None
        self._is_open = False
        self._crash: AbstractContextManager[None] | None = None
        self._host = _OneConversation(conversation_id)
        self._store = store
        self._runtime = Runtime(store, [agent], host=self._host, on_failure=self._failed)
        self.apology = ""
        super().__init__(agent, conversation_id, client)

    @property
    def client(self) -> LLMClient:
        """The model; a turn that has begun keeps the one it began with."""
        return cast("LLMClient", self.agent.llm_client)

    @client.setter
    def client(self, client: LLMClient) -> None:
        self.agent.llm_client = client

    async def open(self) -> None:
        if not self._is_open:
            self._is_open = True
            await self._runtime.__aenter__()
        self.progress = Progress.of(self.agent, await self.state(), await self._visited())

    async def state(self) -> Any:
        return await self._runtime.state(self.conversation_id, self.agent.key)

    async def is_somebody_elses(self) -> bool:
        turns = await self._store.turns(self.conversation_id, last=1_000)
        agents = {each.agent_key for each in turns if each.agent_key}
        return bool(agents) and self.agent.key not in agents

    async def messages(self, limit: int | None = None) -> list[StoredMessage]:
        stored = await self._store.load(self.conversation_id, "", context="all" if limit is None else limit)
        return [stored_message(each) for each in stored.messages]

    async def say(self, text: str, sink: Sink) -> AgentResult:
        message_id = uuid4().hex
        stream = self._runtime.stream(self.conversation_id, text, message_id=message_id, agent=self.agent.key)
        return await self._see_through(stream, message_id, sink)

    async def left(self) -> Claim | None:
        """The turn in which an earlier process died; None if there is none, or somebody is still at it."""
        for conversation_id, owner in await self._store.stranded(limit=10_000):
            if conversation_id == self.conversation_id and (owner is None or is_gone(owner)):
                return await self._store.unfinished(self.conversation_id)
        return None

    async def go_on(self, left: Claim, sink: Sink) -> AgentResult:
        """Go on with a turn that was left; `sink` is told of everything that happens from now on."""
        message_id = left.message_ids[0]
        # The same message again is no second message; its events are those of the turn that goes on.
        stream = self._runtime.stream(self.conversation_id, "", message_id=message_id, agent=self.agent.key)
        first = asyncio.ensure_future(anext(stream, None))
        await asyncio.sleep(0)
        self._host.is_awake = True
        await self._host.sweep()
        return await self._see_through(_behind(first, stream), message_id, sink)

    async def restart(self) -> None:
        await self._runtime.erase(self.conversation_id)
        await self.open()

    async def aclose(self) -> None:
        if self._is_open:
            await self._runtime.aclose()
        await self._store.aclose()

    def crash_in_next_call(self, last_words: Callable[[], None]) -> bool:
        def die(place: str) -> None:
            if place == "call:after":
                last_words()
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(KILLED)

        # Nothing ends it but the end of the process; it would end by itself if nobody held it.
        self._crash = watched(die)
        self._crash.__enter__()
        return True

    async def _see_through(self, stream: Any, message_id: str, sink: Sink) -> AgentResult:
        self._broke, self.apology = None, ""
        steps = Steps(self)
        try:
            async with aclosing(stream) as events:
                async for event in events:
                    sink.push(event)
                    steps.push(event)
            reply = await self._runtime.reply_to(self.conversation_id, message_id)
        except asyncio.CancelledError:
            await self._stop(message_id)
            raise
        finally:
            self._host.is_awake = True
            # What was kept counts, not what was seen on the way.
            self.progress = Progress.of(self.agent, await self.state(), await self._visited())
        return self._result(reply)

    def _result(self, reply: Reply) -> AgentResult:
        if reply.status == "failed":
            self.apology = reply.text
            if self._broke is not None:
                raise self._broke
            # The turn was given up from inside, by whoever plays the model.
            raise asyncio.CancelledError
        return AgentResult(response=reply.text, metadata={"stopped_reason": reply.stopped_reason})

    async def _stop(self, message_id: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOPPING_SECONDS):
                if await self._runtime.cancel(self.conversation_id):
                    await self._runtime.reply_to(self.conversation_id, message_id)

    async def _visited(self) -> frozenset[str]:
        turns = await self._store.turns(self.conversation_id, last=10_000)
        accounts = [account_of(each) for each in turns if each.agent_key == self.agent.key]
        passed = {step for each in accounts for step in each.steps}
        return frozenset(passed | {each.step_after for each in accounts if each.step_after})

    def _failed(self, claim: Claim, error: BaseException) -> None:
        self._broke = error


class _OneConversation(LocalHost):
    """Runs the turns of one conversation, and leaves all others in its store alone.

    Attributes:
        is_awake: False until what was left of it may go on.
    """

    def __init__(self, conversation_id: str) -> None:
        super().__init__()
        self.is_awake = False
        self._only = conversation_id

    async def sweep(self) -> None:
        for conversation_id, owner in await self._store.stranded(limit=10_000):
            if self.is_awake and conversation_id == self._only and (owner is None or is_gone(owner)):
                self._deliver(conversation_id, None, owner)


async def _behind(first: asyncio.Future[Event | None], rest: Any) -> AsyncGenerator[Event]:
    """An event that was waited for already, and those behind it."""
    event = await first
    if event is not None:
        yield event
        async with aclosing(rest) as events:
            async for each in events:
                yield each


def stored_message(body: JSONObject) -> StoredMessage:
    """A message in wire form, as the documented stores give it."""
    return StoredMessage(
        role=body["role"],
        content=body.get("content"),
        tool_calls=body.get("tool_calls") or [],
        tool_call_id=body.get("tool_call_id"),
        name=body.get("name"),
    )

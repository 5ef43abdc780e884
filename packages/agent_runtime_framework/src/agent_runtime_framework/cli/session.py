"""One conversation with one agent, without a screen: take a turn, look, begin again."""

from __future__ import annotations

from typing import Any

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.agents.base import AgentContext, AgentResult
from agent_runtime_framework.cli.progress import Progress
from agent_runtime_framework.cli.targets import Agent
from agent_runtime_framework.events import Emitter, Event, Sink
from agent_runtime_framework.executor.asking import LLMClient, StreamedReplies
from agent_runtime_framework.executor.loop import TurnIO
from agent_runtime_framework.memory import MemoryManager, StoredMessage


class Session:
    """A conversation.

    The way it took is kept beside it, under a key of its own: a state tells the present step alone.

    Attributes:
        agent: Who is talked to.
        memory: Where the conversation is kept.
        conversation_id: Its name.
        client: The model.
        target: How the command line named the agent.
        progress: Where it is.
    """

    def __init__(self, agent: Agent, memory: MemoryManager, conversation_id: str, client: LLMClient) -> None:
        agent.memory = memory
        self.agent = agent
        self.memory = memory
        self.conversation_id = conversation_id
        self.client = client
        self.target = ""
        self.progress = Progress()

    async def open(self) -> None:
        """Find out where the conversation is.

        Raises:
            StateError: What is stored no longer fits the agent.
            StoreError: The store cannot be read.
        """
        kept = await self.memory.state_store.load_state(self.conversation_id, self._trail_key)
        visited = frozenset(str(step) for step in (kept or {}).get("visited", ()))
        self.progress = Progress.of(self.agent, await self.state(), visited)

    async def state(self) -> Any:
        """The state as it is now."""
        return await self.agent.state_of(self.conversation_id)

    async def has_begun(self) -> bool:
        """True if there is something stored."""
        return bool(await self.messages(1)) or await self._stored_state() is not None

    async def is_somebody_elses(self) -> bool:
        """True if the conversation was held with another agent only."""
        return bool(await self.messages(1)) and await self._stored_state() is None

    async def messages(self, limit: int | None = None) -> list[StoredMessage]:
        """What was said, oldest first."""
        return await self.memory.conversation_store.get_messages(self.conversation_id, limit)

    async def say(self, text: str, sink: Sink) -> AgentResult:
        """Take a turn; `sink` is told of everything as it happens."""
        ctx = AgentContext.from_text(text, self.conversation_id)
        watching = (*self.agent.sinks, sink, _Steps(self))
        emitter = Emitter(watching, str(ctx.run_id), self.conversation_id)
        io = TurnIO(model=StreamedReplies(self.client), hooks=self.agent.hooks, emitter=emitter)
        before = self.progress
        try:
            return await self.agent.turn(ctx, io)
        finally:
            await self._settle(before)

    async def restart(self) -> None:
        """Forget the conversation."""
        await self.memory.clear_conversation(self.conversation_id)
        await self.memory.delete_state(self.conversation_id, self.agent.key)
        await self.memory.delete_state(self.conversation_id, self._trail_key)
        await self.open()

    @property
    def _trail_key(self) -> str:
        return f"{self.agent.key} (the way it took)"

    async def _stored_state(self) -> JSONObject | None:
        return await self.memory.state_store.load_state(self.conversation_id, self.agent.key)

    async def _settle(self, before: Progress) -> None:
        """Believe what was kept, not what was seen on the way."""
        self.progress = Progress.of(self.agent, await self.state(), self.progress.visited)
        if self.progress.visited != before.visited:
            trail = {"visited": [step for step in self.progress.steps if step in self.progress.visited]}
            await self.memory.save_state(self.conversation_id, self._trail_key, trail)


class _Steps:
    """Notes the steps a turn passes through."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def push(self, event: Event) -> None:
        if event.type == EventType.STEP_ENTERED:
            self._session.progress = self._session.progress.on_the_way(event.payload.get("step"))

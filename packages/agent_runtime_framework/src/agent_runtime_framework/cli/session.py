"""One conversation with one agent, without a screen: take a turn, look, begin again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.agents.base import AgentContext, AgentResult
from agent_runtime_framework.cli.progress import Progress
from agent_runtime_framework.cli.targets import Agent
from agent_runtime_framework.events import Emitter, Event, Sink
from agent_runtime_framework.executor.asking import LLMClient, StreamedReplies
from agent_runtime_framework.executor.loop import TurnIO
from agent_runtime_framework.memory import MemoryManager, StoredMessage


class Session(ABC):
    """A conversation.

    Attributes:
        agent: Who is talked to.
        conversation_id: Its name.
        client: The model.
        target: How the command line named the agent.
        progress: Where it is.
        is_durable: True if a turn goes on after the process has died.
    """

    is_durable = False

    def __init__(self, agent: Agent, conversation_id: str, client: LLMClient) -> None:
        self.agent = agent
        self.conversation_id = conversation_id
        self.client = client
        self.target = ""
        self.progress = Progress()

    @abstractmethod
    async def open(self) -> None:
        """Find out where the conversation is.

        Raises:
            StateError: What is stored no longer fits the agent.
            StoreError: The store cannot be read.
        """

    @abstractmethod
    async def state(self) -> Any:
        """The state as it is now."""

    @abstractmethod
    async def is_somebody_elses(self) -> bool:
        """True if the conversation was held with another agent only."""

    @abstractmethod
    async def messages(self, limit: int | None = None) -> list[StoredMessage]:
        """What was said, oldest first."""

    @abstractmethod
    async def say(self, text: str, sink: Sink) -> AgentResult:
        """Take a turn; `sink` is told of everything as it happens."""

    @abstractmethod
    async def restart(self) -> None:
        """Forget the conversation."""

    async def aclose(self) -> None:  # noqa: B027  what holds nothing open has nothing to close
        """Release what is held open."""

    def crash_in_next_call(self, last_words: Callable[[], None]) -> bool:
        """Let the process die inside the next tool call; False where that would prove nothing."""
        return False


class MemorySession(Session):
    """A conversation with an agent that keeps its state itself, or in a memory that is its own."""

    def __init__(self, agent: Agent, memory: MemoryManager, conversation_id: str, client: LLMClient) -> None:
        super().__init__(agent, conversation_id, client)
        agent.memory = memory
        self.memory = memory

    async def open(self) -> None:
        self.progress = Progress.of(self.agent, await self.state())

    async def state(self) -> Any:
        return await self.agent.state_of(self.conversation_id)

    async def is_somebody_elses(self) -> bool:
        return bool(await self.messages(1)) and await self._stored_state() is None

    async def messages(self, limit: int | None = None) -> list[StoredMessage]:
        return await self.memory.conversation_store.get_messages(self.conversation_id, limit)

    async def say(self, text: str, sink: Sink) -> AgentResult:
        ctx = AgentContext.from_text(text, self.conversation_id)
        watching = (*self.agent.sinks, sink, Steps(self))
        emitter = Emitter(watching, str(ctx.run_id), self.conversation_id)
        io = TurnIO(model=StreamedReplies(self.client), hooks=self.agent.hooks, emitter=emitter)
        try:
            return await self.agent.turn(ctx, io)
        finally:
            # What was kept counts, not what was seen on the way.
            self.progress = Progress.of(self.agent, await self.state(), self.progress.visited)

    async def restart(self) -> None:
        await self.memory.clear_conversation(self.conversation_id)
        await self.memory.delete_state(self.conversation_id, self.agent.key)
        await self.open()

    async def aclose(self) -> None:
        await self.memory.aclose()

    async def _stored_state(self) -> JSONObject | None:
        return await self.memory.state_store.load_state(self.conversation_id, self.agent.key)


class Steps:
    """Notes the steps a turn passes through."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def push(self, event: Event) -> None:
        if event.type == EventType.STEP_ENTERED:
            self._session.progress = self._session.progress.on_the_way(event.payload.get("step"))

"""The documented base class of a journey."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from uuid import UUID, uuid4

from agent_runtime_core.errors import ConfigurationError
from agent_runtime_core.interfaces import JSONObject, conversation_key
from agent_runtime_framework.agents.base import AgentContext, AgentMessage, AgentResult, BaseAgent, LLMClient
from agent_runtime_framework.agents.blocking import is_loop_running, runner_for
from agent_runtime_framework.agents.business import event_message
from agent_runtime_framework.agents.closing import is_closing
from agent_runtime_framework.agents.config import JourneyConfig
from agent_runtime_framework.agents.scene import (
    JourneyScene,
    StateT,
    ToolsT,
    read_stored,
    step_name,
    step_of,
)
from agent_runtime_framework.agents.silence import NOT_IDLE, REASONS, Silent
from agent_runtime_framework.agents.streaming import stream_turn
from agent_runtime_framework.agents.turns import (
    JourneyTurnScene,
    OpenConversation,
    TurnTaken,
    nothing_to_say,
    take_silent_turn,
    take_turn,
)
from agent_runtime_framework.approvals import Approve
from agent_runtime_framework.errors import StateError
from agent_runtime_framework.events import SILENT, Emitter, Event, Sink
from agent_runtime_framework.executor.approving import at_once
from agent_runtime_framework.executor.asking import Model, StreamedReplies, TimedReplies, WholeReplies
from agent_runtime_framework.executor.dispatch import run_method
from agent_runtime_framework.executor.hooks import ExecutorHooks
from agent_runtime_framework.executor.journal import Journal
from agent_runtime_framework.executor.loop import TurnIO
from agent_runtime_framework.executor.turn import Turn
from agent_runtime_framework.memory import MemoryManager
from agent_runtime_framework.messages import call_ids, repair, window
from agent_runtime_framework.state.versions import VersionedState, up_to_date
from agent_runtime_framework.tools.offer import Offer
from agent_runtime_framework.tools.schema import ToolSchema

if TYPE_CHECKING:
    pass

if TYPE_CHECKING:
    from agent_runtime_framework.journey.definition import IdleRule
    from agent_runtime_framework.journey.graph import Graph

__all__ = ["JourneyAgent", "JourneyConfig"]

StepT = TypeVar("StepT")

DEFAULT_CONVERSATION = "default"


class JourneyAgent(BaseAgent, VersionedState, Generic[StateT, ToolsT, StepT]):
    """A journey: steps with their own prompt and tools, and a state that decides which step it is.

    Prompt and tools are read from the state before every model request, so a step change takes effect at once.

    Args:
        llm_client: The model; without one, `agent_runtime_core.llm.get_llm_client()` is asked when it is needed.
        config: Limits and habits.
        memory: Keeps state and messages between turns. `ctx.input_messages` are then only what is new.
        hooks: Observe every turn.
        sinks: Are told of every event of every turn.
        approve: Decides at once about calls that need a person's agreement: True, or the reason why not; None leaves it
            to a runtime, under which the call waits. Without either, such a call is not run, and the model is told so.

    Attributes:
        version: Of the state's shape, of the class. States of earlier versions are migrated when they are loaded from a
            memory or a store, those of later ones are refused.
    """

    def __init__(
        self,
        llm_client: LLMClient | None = None,
        config: JourneyConfig | None = None,
        *,
        memory: MemoryManager | None = None,
        hooks: ExecutorHooks | None = None,
        sinks: Sequence[Sink] = (),
        approve: Approve | None = None,
    ) -> None:
        self.llm_client = llm_client
        self.config = config or JourneyConfig()
        self.memory = memory
        self.hooks = hooks
        self.sinks = tuple(sinks)
        self.approve = approve
        own, base = cast("Any", type(self)), cast("Any", JourneyAgent)
        self._keeps_its_own_state: bool = own.load_state is not base.load_state
        self._default_client: LLMClient | None = None
        self._chat_memory: MemoryManager | None = None
        self._catalog: Mapping[str, JSONObject] | None = None
        self._running: set[asyncio.Task[object]] = set()
        self._runner: asyncio.Runner | None = None

    @abstractmethod
    def get_initial_state(self) -> StateT:
        """The state a conversation begins with."""

    @abstractmethod
    def get_system_prompt(self, state: StateT) -> str:
        """The instructions of the current step."""

    @abstractmethod
    def get_tool_schemas(self, state: StateT) -> list[ToolSchema]:
        """The tools of the current step; nothing else can be called in it."""

    @abstractmethod
    def create_tools(self, state: StateT, ctx: AgentContext) -> ToolsT:
        """The tools, working on this state."""

    async def execute_tool(self, tools: ToolsT, name: str, arguments: dict[str, Any]) -> Any:
        """Run one of the offered tools; by default, the public method of that name.

        `arguments` fit its schema; if that is from `ToolSchema.from_callable`, they have the types of the hints.
        """
        return await run_method(tools, name, arguments)

    async def load_state(self, ctx: AgentContext) -> StateT | None:
        """The conversation's state, from wherever you keep it; None begins anew. Overriding it wins over `memory`."""
        return None

    async def save_state(self, ctx: AgentContext, state: StateT) -> None:
        """Keep the state; called once, at the end of a turn, also of one that broke after tools had run."""

    def is_terminal_state(self, state: StateT) -> bool:
        """True if the journey is over."""
        return state.is_terminal()

    def is_closing_message(self, text: str) -> bool:
        """True if the message only says goodbye; asked only once the journey is over."""
        return is_closing(text, self.config.closing_phrases)

    async def run(self, ctx: AgentContext) -> AgentResult:
        """Take one turn.

        Raises:
            ConfigurationError: There is no model to ask; the text lists the ways to choose one.
            ConversationConflict: Another writer moved the conversation on meanwhile.
            StateError: The stored state no longer fits its class.
        """
        return await self.turn(ctx, self._io(ctx, WholeReplies(self._client())))

    def stream(self, ctx: AgentContext) -> AsyncIterator[Event]:
        """Take one turn and watch it: `async for event in agent.stream(ctx)`.

        The client's `stream` is used if it has one. Leaving the loop early does not cancel the turn. After the last
        event it raises what `run` would have raised.
        """

        async def take(sink: Sink) -> AgentResult:
            return await self.turn(ctx, self._io(ctx, StreamedReplies(self._client()), sink))

        return stream_turn(take, self._running)

    async def chat(
        self, text: str, conversation_id: str = DEFAULT_CONVERSATION, *, approve: Approve | None = None
    ) -> str:
        """Say something and get the reply. Without a `memory`, the conversation lasts as long as this agent.

        Args:
            text: What is said.
            conversation_id: The conversation.
            approve: Decides about calls that need a person's agreement, in place of the agent's own `approve`.
        """
        ctx = AgentContext.from_text(text, conversation_id)
        if self._chat_memory is None:
            self._chat_memory = self.memory or MemoryManager()
        io = self._io(ctx, WholeReplies(self._client()), approve=approve)
        return (await self._turn(ctx, io, self._chat_memory)).end.response

    def chat_sync(
        self, text: str, conversation_id: str = DEFAULT_CONVERSATION, *, approve: Approve | None = None
    ) -> str:
        """`chat` for programs without an event loop.

        Raises:
            ConfigurationError: An event loop is running; `await agent.chat(...)` instead.
        """
        if is_loop_running():
            raise ConfigurationError("chat_sync was called inside a running event loop; use `await agent.chat(...)`")
        if self._runner is None:
            self._runner = runner_for(self)
        return self._runner.run(self.chat(text, conversation_id, approve=approve))

    async def state_of(self, conversation_id: UUID | str = DEFAULT_CONVERSATION) -> StateT:
        """The state a conversation is in now, from wherever it is kept; the initial one if there is none.

        Raises:
            StateError: The stored state no longer fits its class.
        """
        ctx = AgentContext(uuid4(), conversation_id, [])
        memory = self.memory or self._chat_memory
        if memory is None:
            return (await self._state(ctx, None))[0]
        async with memory.turn(conversation_id, self.key, context=0) as conversation:
            return (await self._state(ctx, conversation))[0]

    def read_state(self, stored: str | JSONObject, conversation_id: UUID | str = "") -> StateT:
        """A stored state as an object of its class, migrated if an earlier version wrote it.

        Args:
            stored: The state as it is stored.
            conversation_id: Whose it is, for the error's text.

        Raises:
            StateTooNew: A later version wrote it.
            StateError: It no longer fits its class.
        """
        return self._read(stored, conversation_id)[0]

    def on_idle(self, state: StateT) -> Sequence[IdleRule]:
        """What a runtime does if the person says nothing after a turn that left this state: `remind` and `expire`.

        Override it; the earliest comes first. The words are said as they are, so fill them from the state yourself.
        """
        return ()

    def rules_of_silence(self, step: str | None, state: str | None) -> Sequence[IdleRule]:
        """The same for a state as it is stored."""
        own, base = cast("Any", type(self)), cast("Any", JourneyAgent)
        if state is None or own.on_idle is base.on_idle:
            return ()
        loaded = self.read_state(state)
        return () if self.is_terminal_state(loaded) else self.on_idle(loaded)

    async def aclose(self) -> None:
        """Close what the agent has opened by itself, such as connections to MCP servers that nobody else uses."""

    def graph(self) -> Graph:
        """The journey as a picture: its steps, and the moves between them, as far as they can be read from its source.

        Your `get_initial_state`, `get_system_prompt`, `get_tool_schemas` and `is_terminal_state` are called for it; no
        tool is. A notebook shows it; `.text()`, `.svg()`, `.html()`, `.mermaid()` and `.json()` give it elsewhere.
        """
        from agent_runtime_framework.journey.graph import read_graph

        return read_graph(self)

    async def turn(self, ctx: AgentContext, io: TurnIO, conversation: OpenConversation | None = None) -> AgentResult:
        """Take one turn with edges of the caller's choice; `run` and `stream` are this with theirs.

        Args:
            ctx: The turn.
            io: Its edges.
            conversation: Where history and state are, and where they are kept; by default the agent's `memory`.
        """
        if conversation is None:
            return _result(await self._turn(ctx, io, self.memory))
        return _result(await self._take(ctx, io, conversation))

    async def turn_in_silence(
        self, ctx: AgentContext, io: TurnIO, conversation: OpenConversation, silent: Silent
    ) -> AgentResult:
        """Do what `on_idle` says about a person who has said nothing; a model is asked only where it says `tell`."""
        if io.journal is not None and io.journal.heard is not None:
            return await self.turn(ctx, io, conversation)
        state, found = await self._state(ctx, conversation)
        rule = silent.rule_among(self.on_idle(state))
        if rule is None:
            return _result(nothing_to_say(self.key, state, io, NOT_IDLE))
        scene = self._scene(state, ctx, io.emitter, found)
        if rule.tell is not None:
            ctx.input_messages = [AgentMessage.from_dict(event_message(scene.worded(rule.tell)))]
            return await self.turn(ctx, io, conversation)
        if io.journal is not None:
            io.journal.open(scene, conversation.history.messages, [])

        async def keep(turn: Turn) -> None:
            scene.require_fit()
            step = step_name(step_of(scene.state))
            await conversation.commit(turn.messages, state=scene.dumped(), step=step)

        from agent_runtime_core.logs import log_context

        with log_context(run_id=ctx.run_id, conversation_id=ctx.conversation_id):
            return _result(
                await take_silent_turn(
                    self.key,
                    scene,
                    self.config.policy(),
                    io,
                    act=lambda: scene.in_silence(rule),
                    reason=REASONS[rule.kind],
                    keep=keep,
                )
            )

    async def _turn(self, ctx: AgentContext, io: TurnIO, memory: MemoryManager | None) -> TurnTaken:
        if memory is None:
            return await self._take(ctx, io, None)
        key = conversation_key(ctx.conversation_id)
        async with memory.turn(key, self.key, context=self.config.context) as conversation:
            return await self._take(ctx, io, conversation)

    def edges(self, ctx: AgentContext, *sinks: Sink, streams: bool = True, journal: Journal | None = None) -> TurnIO:
        """The agent's own model, hooks and sinks as the edges of a turn.

        Args:
            ctx: The turn.
            *sinks: Are told of every event of the turn, besides the agent's own.
            streams: Use the client's `stream` if it has one.
            journal: Where the turn is recorded while it runs.
        """
        client = self._client()
        return self._io(ctx, StreamedReplies(client) if streams else WholeReplies(client), *sinks, journal=journal)

    async def _take(self, ctx: AgentContext, io: TurnIO, conversation: OpenConversation | None) -> TurnTaken:
        state, found = await self._state(ctx, conversation)
        resumed = None if io.journal is None else io.journal.heard
        text = ctx.get_user_message() if resumed is None else None
        if text is not None and self.is_terminal_state(state) and self.is_closing_message(text):
            return nothing_to_say(self.key, state, io)

        scene = self._scene(state, ctx, io.emitter, found)
        history = () if conversation is None else conversation.history.messages
        incoming = scene.hear(history, repair(ctx.input_messages)) if resumed is None else resumed
        if io.journal is not None:
            io.journal.open(scene, history, incoming)
        if conversation is None:
            limit = self.config.context
            earlier = window(incoming, limit) if isinstance(limit, int) else incoming
            taken = call_ids(incoming)
        else:
            earlier = [*conversation.history.messages, *incoming]
            # Joining the sets would copy all ids of the conversation in every turn.
            taken = conversation.history.call_ids
            taken = taken | incoming_ids if (incoming_ids := call_ids(incoming)) else taken

        async def keep(turn: Turn) -> None:
            await self.save_state(ctx, scene.state)
            if conversation is not None:
                step = step_name(step_of(scene.state))
                messages = [*incoming, *turn.messages]
                try:
                    scene.require_fit()
                except StateError:
                    # What happened is not forgotten; a state that nobody could load again is.
                    if io.journal is not None:
                        io.journal.broke()
                    await conversation.commit(messages, usage=turn.usage)
                    raise
                await conversation.commit(messages, state=scene.dumped(), step=step, usage=turn.usage)

        policy = self.config.policy()
        spent = None if conversation is None or policy.conversation_limit is None else conversation.usage
        from agent_runtime_core.logs import log_context

        def step_now() -> str | None:
            return step_name(step_of(scene.state))

        with log_context(run_id=ctx.run_id, conversation_id=ctx.conversation_id, step=step_now):
            return await take_turn(self.key, scene, policy, io, earlier=earlier, taken=taken, keep=keep, spent=spent)

    async def overheard(self, ctx: AgentContext, conversation: OpenConversation) -> list[JSONObject]:
        """The person's new messages as they may be kept, where somebody else answers them; nothing is changed."""
        state, found = await self._state(ctx, conversation)
        return self._scene(state, ctx, SILENT, found).hear(conversation.history.messages, repair(ctx.input_messages))

    async def moved(self, ctx: AgentContext, conversation: OpenConversation, step: str) -> str:
        """The conversation's state as it is to be stored, once a person has moved it to a step.

        Raises:
            ConfigurationError: There is no such step.
        """
        state, found = await self._state(ctx, conversation)
        self.put_in_step(state, step)
        return self._scene(state, ctx, SILENT, found).dumped()

    def put_in_step(self, state: StateT, step: str) -> None:
        """Move a state to the step of this name.

        Raises:
            ConfigurationError: There is no such step.
        """
        current = step_of(state)
        if not isinstance(current, Enum):
            state.set_step(step)
            return
        try:
            state.set_step(type(current)(step))
        except ValueError as error:
            known = ", ".join(str(each.value) for each in type(current))
            raise ConfigurationError(f"{step!r} is no step of {self.key!r}; its steps are: {known}") from error

    def _scene(self, state: StateT, ctx: AgentContext, emitter: Emitter, found: int | None = None) -> JourneyTurnScene:
        def make_tools(current: StateT) -> ToolsT:
            return self.create_tools(current, ctx)

        return JourneyScene(self, state, make_tools, emitter, version=self.version, found=found)

    async def _state(self, ctx: AgentContext, conversation: OpenConversation | None) -> tuple[StateT, int | None]:
        """The state, and the version that wrote it where one did."""
        own = await self.load_state(ctx)
        if own is not None:
            return own, None
        if conversation is None or conversation.state is None or self._keeps_its_own_state:
            return self.get_initial_state(), None
        return self._read(conversation.state, ctx.conversation_id)

    def _read(self, stored: str | JSONObject, conversation_id: UUID | str) -> tuple[StateT, int]:
        where = f" of conversation {str(conversation_id)!r} (agent {self.key!r})" if conversation_id else ""
        return read_stored(self._state_class().__name__, stored, where, self._restored)

    def _restored(self, data: JSONObject) -> tuple[StateT, int]:
        plain, found = up_to_date(data, self.version, self.migrate)
        return self._state_class().from_dict(plain), found

    def _state_class(self) -> type[StateT]:
        return type(self.get_initial_state())

    def _client(self) -> LLMClient:
        if self.llm_client is not None:
            return self.llm_client
        if self._default_client is None:
            from agent_runtime_core.llm import get_llm_client

            self._default_client = get_llm_client()
        return self._default_client

    def _io(
        self,
        ctx: AgentContext,
        model: Model,
        *sinks: Sink,
        journal: Journal | None = None,
        approve: Approve | None = None,
    ) -> TurnIO:
        watching = (*self.sinks, *sinks)
        emitter = Emitter(watching, str(ctx.run_id), str(ctx.conversation_id)) if watching else SILENT
        if self.config.deadline is not None:
            model = TimedReplies(model, self.config.deadline)
        catalog = self._all_tools() if self.config.constant_tools else None
        asked = approve or self.approve
        return TurnIO(
            model=model,
            hooks=self.hooks,
            emitter=emitter,
            journal=journal,
            catalog=catalog,
            approve=None if asked is None else at_once(asked, str(ctx.conversation_id)),
        )

    def _all_tools(self) -> Mapping[str, JSONObject]:
        if self._catalog is None:
            offers = [self.get_tool_schemas(state) or () for state in self._at_every_step()]
            self._catalog = {tool.name: tool.wire for offer in offers for tool in Offer(offer).tools.values()}
        return self._catalog

    def _at_every_step(self) -> Iterator[StateT]:
        """The initial state, put in every step in turn; only as it is where its step is no enum's."""
        state = self.get_initial_state()
        step = step_of(state)
        for each in type(step) if isinstance(step, Enum) else (step,):
            state.set_step(each)
            yield state


def _result(taken: TurnTaken) -> AgentResult:
    return AgentResult(
        response=taken.end.response,
        messages=[AgentMessage.from_dict(message) for message in taken.messages],
        state=taken.state.to_dict(),
        usage=taken.usage or None,
        metadata={"stopped_reason": str(taken.end.stopped_reason)},
    )

"""Journeys as runtimes of `django_agent_runtime`, or of any other host with a `RunContext`; imports no Django."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast

from agent_runtime_core.errors import ConfigurationError, ProviderError
from agent_runtime_core.interfaces import AgentRuntime, ErrorInfo, JSONObject, RunContext, RunResult
from agent_runtime_framework.adapters.host import DjangoStateStore, HostedContext, HostEvents
from agent_runtime_framework.agents.base import LLMClient
from agent_runtime_framework.agents.closing import is_closing
from agent_runtime_framework.agents.journey import JourneyConfig
from agent_runtime_framework.agents.scene import JourneyScene, StateT, ToolsT, load_state, state_dict
from agent_runtime_framework.agents.turns import TurnTaken, take_turn
from agent_runtime_framework.errors import StateError
from agent_runtime_framework.events import Emitter
from agent_runtime_framework.executor.asking import StreamedReplies, WholeReplies
from agent_runtime_framework.executor.dispatch import run_method
from agent_runtime_framework.executor.hooks import CompositeHooks, ExecutorHooks
from agent_runtime_framework.executor.loop import TurnIO
from agent_runtime_framework.executor.turn import Turn
from agent_runtime_framework.memory.store import StateStore
from agent_runtime_framework.messages import call_ids, repair, window
from agent_runtime_framework.state.versions import VersionedState, up_to_date
from agent_runtime_framework.tools.schema import ToolSchema

if TYPE_CHECKING:
    from agent_runtime_framework.journey.graph import Graph

__all__ = [
    "DjangoRunContext",
    "DjangoRunResult",
    "DjangoRuntimeAdapter",
    "DjangoStateStore",
    "HostedContext",
    "RunResultImpl",
    "create_django_runtime",
]

StepT = TypeVar("StepT")
T = TypeVar("T")
AdapterT = TypeVar("AdapterT", bound="DjangoRuntimeAdapter[Any, Any, Any]")

DjangoRunContext: TypeAlias = RunContext
DjangoRunResult: TypeAlias = RunResult
RunResultImpl = RunResult


class DjangoRuntimeAdapter(AgentRuntime, VersionedState, ABC, Generic[StateT, ToolsT, StepT]):
    """A journey as a runtime: what a `JourneyAgent` is, for hosts that schedule runs and keep messages and state.

    A run is one turn. Its `input_messages` are the conversation so far, the person's last message at the end; its state
    is what the host's `get_state()` gives. The host hears of every tool, in order, and gets a checkpoint at the end,
    also of a run that broke after tools had run.

    Hooks and tools get a `HostedContext`: an `AgentContext` that has everything of the host's context, too.

    Args:
        llm_client: The model; without one, `agent_runtime_core.llm.get_llm_client()` is asked when it is needed.
        backend_client: Handed to `create_tools`.
        max_tool_iterations: Most model requests of a run; 10 by default.
        terminal_tools: A batch whose last call is one of these, and succeeds, ends the run.
        config: Further limits and habits; the two arguments above win over it.
        hooks: Observe every turn.
        state_store: Keeps the state between runs, for hosts whose checkpoints end with the run.
        stream: Show the reply while the model writes it, as `assistant.delta` events, where the client can stream.

    Attributes:
        version: Of the state's shape, of the class. States of earlier versions are migrated when they are loaded, those
            of later ones are refused.
    """

    def __init__(
        self,
        llm_client: LLMClient | None = None,
        backend_client: Any = None,
        max_tool_iterations: int | None = None,
        terminal_tools: Iterable[str] | None = None,
        *,
        config: JourneyConfig | None = None,
        hooks: ExecutorHooks | None = None,
        state_store: StateStore | None = None,
        stream: bool = False,
    ) -> None:
        self._config = config or JourneyConfig()
        self._llm_client = llm_client
        self._backend_client = backend_client
        self._max_tool_iterations = (
            self._config.max_tool_iterations if max_tool_iterations is None else max_tool_iterations
        )
        self._terminal_tools = set(self._config.terminal_tools if terminal_tools is None else terminal_tools)
        self._hooks = hooks
        self._state_store = state_store
        self._stream = stream
        self._default_client: LLMClient | None = None

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
    def create_tools(self, state: StateT, ctx: HostedContext, backend_client: Any) -> ToolsT:
        """The tools, working on this state."""

    async def execute_tool(self, tools: ToolsT, name: str, arguments: dict[str, Any]) -> Any:
        """Run one of the offered tools; by default, the public method of that name.

        `arguments` fit its schema; if that is from `ToolSchema.from_callable`, they have the types of the hints.
        """
        return await run_method(tools, name, arguments)

    def get_llm_client(self, ctx: HostedContext) -> LLMClient | Awaitable[LLMClient]:
        """The model of this run; an override may choose by `ctx` and may be async.

        Raises:
            ConfigurationError: There is no model to ask; the text lists the ways to choose one.
        """
        if self._llm_client is not None:
            return self._llm_client
        if self._default_client is None:
            try:
                from agent_runtime_core.llm import get_llm_client
            except ImportError as error:
                raise ConfigurationError(
                    f"{type(self).__name__} has no llm_client, and agent_runtime_core cannot be imported to make one; "
                    "pass llm_client=, or install agent_runtime_core"
                ) from error
            self._default_client = get_llm_client()
        return self._default_client

    def get_backend_client(self, ctx: HostedContext) -> Any:
        """What the tools of this run reach other systems with; an override may be async."""
        return self._backend_client

    def is_terminal_state(self, state: StateT) -> bool:
        """True if the journey is over."""
        return state.is_terminal()

    def is_closing_message(self, text: str) -> bool:
        """True if the message only says goodbye; asked only once the journey is over."""
        return is_closing(text, self._config.closing_phrases)

    async def on_state_change(self, ctx: HostedContext, state: StateT) -> None:
        """Follow a tool that says that the state has changed; by default, a checkpoint."""
        await ctx.checkpoint(state_dict(state, self.version))

    def graph(self) -> Graph:
        """The journey as a picture, as `JourneyAgent.graph` gives it."""
        from agent_runtime_framework.journey.graph import read_graph

        return read_graph(self)

    async def run(self, ctx: RunContext) -> RunResult:
        """Take the turn this run is.

        Raises:
            ConfigurationError: There is no model to ask; the text lists the ways to choose one.
            StateError: The stored state no longer fits its class.
        """
        messages = repair(ctx.input_messages)
        hosted = HostedContext.of(ctx, messages)
        states = DjangoStateStore(ctx, self.key, self._state_store)
        state = await self._load(states, hosted)
        text = hosted.get_user_message()
        if text is not None and self.is_terminal_state(state) and self.is_closing_message(text):
            return RunResult(final_output={"response": ""})

        limit = self._config.context
        events = HostEvents(ctx, live=self._stream)
        ask = StreamedReplies if self._stream else WholeReplies
        io = TurnIO(
            model=ask(await _settled(self.get_llm_client(hosted))),
            hooks=events if self._hooks is None else CompositeHooks([events, self._hooks]),
            emitter=Emitter([events], str(hosted.run_id), str(hosted.conversation_id)),
            is_cancelled=getattr(ctx, "cancelled", None),
        )
        scene = await self._scene(state, hosted, io.emitter)

        async def keep(_: Turn) -> None:
            await states.save(state_dict(scene.state, self.version))

        policy = replace(
            self._config, max_tool_iterations=self._max_tool_iterations, terminal_tools=self._terminal_tools
        ).policy()
        try:
            taken = await take_turn(
                self.key,
                scene,
                policy,
                io,
                earlier=window(messages, limit) if isinstance(limit, int) else messages,
                taken=call_ids(messages),
                keep=keep,
            )
        finally:
            await events.flush()
        return _result(taken, self.version)

    async def on_error(self, ctx: RunContext, error: Exception) -> ErrorInfo:
        """Describe a failure. Trying again may help, unless the program, its settings or a stored state is wrong."""
        details = {"provider": error.provider, "status": error.status} if isinstance(error, ProviderError) else {}
        return ErrorInfo(
            type=type(error).__name__,
            message=str(error) or type(error).__name__,
            retriable=_is_retriable(error),
            details=details,
        )

    async def _load(self, states: DjangoStateStore, ctx: HostedContext) -> StateT:
        stored = await states.load()
        initial = self.get_initial_state()
        if stored is None:
            return initial
        where = f" of conversation {str(ctx.conversation_id)!r} (agent {self.key!r})"
        return load_state(type(initial), stored, where=where, read=self._restored)

    def _restored(self, data: JSONObject) -> StateT:
        plain, _ = up_to_date(data, self.version, self.migrate)
        return self._state_from_dict(plain)

    def _state_from_dict(self, data: dict[str, Any]) -> StateT:
        """The state a checkpoint holds; override it for checkpoints that `from_dict` does not understand."""
        return type(self.get_initial_state()).from_dict(data)

    def _make_state_callback(self, ctx: HostedContext) -> Callable[[StateT], Awaitable[None]]:
        """`on_state_change` for tools that want theirs in the constructor; where it is left empty it is set anyway."""
        return partial(self.on_state_change, ctx)

    async def _scene(self, state: StateT, ctx: HostedContext, emitter: Emitter) -> JourneyScene[StateT, ToolsT]:
        backend_client = await _settled(self.get_backend_client(ctx))

        def make_tools(current: StateT) -> ToolsT:
            return self.create_tools(current, ctx, backend_client)

        return JourneyScene(self, state, make_tools, emitter, self._make_state_callback(ctx))


def create_django_runtime(
    agent_class: type[AdapterT], llm_client: LLMClient | None = None, backend_client: Any = None, **kwargs: Any
) -> AdapterT:
    """A runtime of that class, ready for `register_runtime`."""
    return agent_class(llm_client=llm_client, backend_client=backend_client, **kwargs)


async def _settled(value: T | Awaitable[T]) -> T:
    return await value if inspect.isawaitable(value) else cast("T", value)


def _result(taken: TurnTaken, version: int) -> RunResult:
    return RunResult(
        final_output={"response": taken.end.response, "state": state_dict(taken.state, version)},
        final_messages=taken.messages,
        usage=taken.usage,
    )


def _is_retriable(error: Exception) -> bool:
    if isinstance(error, ProviderError):
        return error.is_retryable
    return not isinstance(error, (ConfigurationError, StateError, ImportError))

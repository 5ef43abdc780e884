"""`Talk`: say something to an agent, and look at all that came of it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Sequence
from enum import Enum
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from uuid import uuid4

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.usage import add_usage
from agent_runtime_framework.agents.base import AgentContext
from agent_runtime_framework.agents.blocking import is_loop_running, runner_for
from agent_runtime_framework.agents.journey import JourneyAgent
from agent_runtime_framework.agents.making import agent_of
from agent_runtime_framework.agents.scene import step_name, step_of
from agent_runtime_framework.errors import ConfigurationError
from agent_runtime_framework.events import Emitter, Event
from agent_runtime_framework.executor.asking import LLMClient, WholeReplies
from agent_runtime_framework.executor.loop import TurnIO
from agent_runtime_framework.memory import MemoryManager
from agent_runtime_framework.testing.conversation.asked import Asked
from agent_runtime_framework.testing.conversation.record import CallMade, Exchange, Refusal, Walked
from agent_runtime_framework.testing.conversation.telling import retold, summed_up
from agent_runtime_framework.testing.conversation.visible import shown_state, visible_state
from agent_runtime_framework.testing.person import Person
from agent_runtime_framework.testing.scripted import ScriptedRequest

StateT = TypeVar("StateT")

Observer = Callable[["Talk[Any]", Exchange], None]
"""Told of every exchange, once it is over."""

MOST_MESSAGES = 40
"""How many messages a simulated person sends at most."""


class Talk(Generic[StateT]):
    """A conversation with an agent, in a test.

    >>> from agent_runtime_framework.journey import Journey, step
    >>> class Hello(Journey):
    ...     name: str = ""
    ...     ask = step("Ask for their name.")
    ...     done = step(say="Hello $name!", final=True)
    ...     @ask.tool(to=done)
    ...     def save_name(self, name: str) -> None:
    ...         self.name = name
    >>> with Talk(Hello) as t:
    ...     t("I am Ada")
    'Hello Ada!'
    >>> t.state.name, t.step is Hello.done, t.called
    ('Ada', True, ['save_name'])

    What is stored is gone with the test, unless an instance brings a memory of its own.

    Args:
        subject: Whom to talk to; see `agent_of`.
        model: Who answers. An instance that has a model keeps it; otherwise it is the offline model.
        state: The state to begin with; a journey's state, of its class.
        step: The step to begin in.
        options: What a journey class or a form is made with, such as `provide`.
        observers: Told of every exchange.
        conversation_id: The conversation; by default a new one.

    Attributes:
        agent: Who is talked to.
        conversation_id: The conversation.
        exchanges: What was said, message by message.
        state: The state after the last message.
        first_state: The state before the first one.
        events: Everything that happened, in order.
        usage: Token counts, summed up.
    """

    def __init__(
        self,
        subject: object,
        model: LLMClient | None = None,
        *,
        state: Any = None,
        step: Any = None,
        options: JSONObject | None = None,
        observers: Sequence[Observer] = (),
        conversation_id: str = "",
    ) -> None:
        made = agent_of(subject, **(options or {}))
        # An instance may serve several tests, and none of them shall leave a mark on it.
        self.agent: JourneyAgent[Any, Any, Any] = copy.copy(made)
        self._asked = Asked(model or made.llm_client or _offline())
        self.agent.llm_client = self._asked
        self._memory = made.memory or MemoryManager()
        self.agent.memory = self._memory
        self.conversation_id = conversation_id or f"test-{uuid4()}"
        self.exchanges: list[Exchange] = []
        self.events: list[Event] = []
        self.usage: JSONObject = {}
        self._observers = tuple(observers)
        self._beginning = self._placed(state, step)
        self.state: StateT = self._beginning if self._beginning is not None else self.agent.get_initial_state()
        self.first_state = self.state
        self._first_step = self._step_name()
        self._runner: asyncio.Runner | None = None
        self._messages: list[JSONObject] = []

    def __call__(self, *said: str) -> str:
        """Say one message after the other; returns the last reply.

        Raises:
            ConfigurationError: An event loop is running; `await t.say(...)` instead.
        """
        self._refuse_loop("await t.say(...)")
        return self._loop().run(self.say(*said))

    async def say(self, *said: str) -> str:
        """Say one message after the other; returns the last reply."""
        if not self.exchanges and self._beginning is not None:
            await self._memory.save_state(self.conversation_id, self.agent.key, self._beginning)
            self._beginning = None
        for text in said:
            await self._exchange(text)
        return self.reply

    def meet(self, person: Person, limit: int = MOST_MESSAGES) -> bool:
        """Let a simulated person talk until the journey is over or they give up; True if it is over.

        Raises:
            ConfigurationError: An event loop is running; `await t.met(...)` instead.
        """
        self._refuse_loop("await t.met(...)")
        return self._loop().run(self.met(person, limit))

    async def met(self, person: Person, limit: int = MOST_MESSAGES) -> bool:
        """Let a simulated person talk until the journey is over or they give up; True if it is over."""
        mind = person.begin()
        for _ in range(limit):
            text = None if self.is_over else mind.answer(self.reply)
            if text is None:
                break
            await self.say(text)
        return self.is_over

    @property
    def reply(self) -> str:
        """The last reply; empty before the first message."""
        return self.exchanges[-1].reply if self.exchanges else ""

    @property
    def replies(self) -> list[str]:
        """All replies."""
        return [each.reply for each in self.exchanges]

    @property
    def said(self) -> list[str]:
        """All messages of the person."""
        return [each.said for each in self.exchanges]

    @property
    def last(self) -> Exchange:
        """The last message and what came of it.

        Raises:
            ConfigurationError: Nothing was said yet.
        """
        if not self.exchanges:
            raise ConfigurationError('nothing was said yet; say something first: t("hello")')
        return self.exchanges[-1]

    @property
    def step(self) -> Any:
        """The step the conversation is in, as the author's code names it."""
        return step_of(self.state)  # pyright: ignore[reportArgumentType]  any state may be asked for its step

    @property
    def steps(self) -> list[Any]:
        """The steps it went through, the first and the present one included, as the author's code names them."""
        return [self._as_written(name) for name in self.path]

    @property
    def path(self) -> list[str]:
        """The same by name."""
        return [self._first_step, *(move.target for move in self.moves)]

    @property
    def moves(self) -> list[Walked]:
        """All moves."""
        return [move for each in self.exchanges for move in each.moves]

    @property
    def calls(self) -> list[CallMade]:
        """All tool calls that ran, with arguments and results."""
        return [call for each in self.exchanges for call in each.calls]

    @property
    def called(self) -> list[str]:
        """The names of the tools that ran."""
        return [call.name for call in self.calls]

    @property
    def refused(self) -> list[Refusal]:
        """All tool calls that were refused, with the reasons."""
        return [refusal for each in self.exchanges for refusal in each.refused]

    @property
    def requests(self) -> list[ScriptedRequest]:
        """What the model was asked, request by request."""
        return self._asked.requests

    @property
    def messages(self) -> list[JSONObject]:
        """The conversation as it is stored, in wire form."""
        return self._messages

    @property
    def is_over(self) -> bool:
        """True if the journey has ended."""
        return self.agent.is_terminal_state(self.state)

    @property
    def title(self) -> str:
        """What the author calls it."""
        journey = getattr(self.agent, "journey", type(self.agent))
        return str(getattr(journey, "__name__", self.agent.key))

    @property
    def step_name(self) -> str:
        """The step the conversation is in, by name."""
        return self._step_name()

    @property
    def visible(self) -> JSONObject:
        """The state as JSON, without the engine's own notes; the answers of a form stand under its step's name."""
        return visible_state(self.state)

    def explain(self) -> str:
        """The conversation, for people: what was said, called, refused, and where it went."""
        return retold(self.exchanges, self.title, shown_state(self.state), self._first_step)

    def close(self) -> None:
        """Give back the event loop; nothing more can be said without `await`."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return summed_up(self.exchanges, self.title, self._step_name())

    def _loop(self) -> asyncio.Runner:
        if self._runner is None:
            self._runner = runner_for(self)
        return self._runner

    def _refuse_loop(self, instead: str) -> None:
        if is_loop_running():
            raise ConfigurationError(f"a test that runs inside an event loop has to wait: use `{instead}`")

    async def _exchange(self, text: str) -> None:
        sink = _Kept()
        asked, before = len(self.requests), self._step_name()
        reply, error = "", None
        ctx = AgentContext.from_text(text, self.conversation_id)
        emitter = Emitter((*self.agent.sinks, sink), str(ctx.run_id), self.conversation_id)
        io = TurnIO(model=WholeReplies(self._asked), hooks=self.agent.hooks, emitter=emitter)
        try:
            result = await self.agent.turn(ctx, io)
            reply = result.response
            self.usage = add_usage(self.usage, result.usage or {})
        except BaseException as caught:
            error = caught
            raise
        finally:
            self.events += sink.events
            self.state = await self.agent.state_of(self.conversation_id)
            stored = await self._memory.conversation_store.get_messages(self.conversation_id)
            self._messages = [each.to_dict() for each in stored]
            exchange = Exchange(
                said=text,
                reply=reply,
                events=tuple(sink.events),
                requests=len(self.requests) - asked,
                before=before,
                after=self._step_name(),
                error=error,
            )
            self.exchanges.append(exchange)
            for tell in self._observers:
                tell(self, exchange)

    def _placed(self, state: Any, step: Any) -> Any:
        if state is None and step is None:
            return None
        base: Any = JourneyAgent
        if type(self.agent).load_state is not base.load_state:
            raise ConfigurationError(
                f"{type(self.agent).__name__} loads its own state, so state= and step= would not be seen; put the "
                "state where its load_state finds it"
            )
        placed = copy.deepcopy(state) if state is not None else self.agent.get_initial_state()
        if step is not None:
            placed.step = step
        return placed

    def _step_name(self) -> str:
        return step_name(self.step) or ""

    def _as_written(self, name: str) -> object:
        present = self.step
        if isinstance(present, Enum):
            return type(present)(name)
        found = getattr(type(self.state), name, None)
        return found if isinstance(found, type(present)) and found is not None else name


class _Kept:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def push(self, event: Event) -> None:
        self.events.append(event)


def _offline() -> LLMClient:
    from agent_runtime_core.llm.offline import OfflineClient

    return OfflineClient()

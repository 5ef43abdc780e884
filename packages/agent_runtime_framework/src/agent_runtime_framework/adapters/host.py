"""The host's side of a run: its context, its events and its checkpoints, as a turn needs them.

Of the host's context only `input_messages`, `get_state`, `checkpoint` and `emit` are taken for granted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, cast
from uuid import uuid4

from agent_runtime_core.interfaces import EventType, JSONObject, RunContext
from agent_runtime_framework.agents.base import AgentContext
from agent_runtime_framework.agents.scene import state_dict
from agent_runtime_framework.errors import StateError
from agent_runtime_framework.events import Event
from agent_runtime_framework.executor.hooks import ExecutorHooks
from agent_runtime_framework.memory.snapshot import snapshot
from agent_runtime_framework.memory.store import StateStore
from agent_runtime_framework.messages import AgentMessage
from agent_runtime_framework.state.base import BaseJourneyState

logger = logging.getLogger(__name__)

RESULT_CHARS = 500
"""How much of a tool's result an event carries, in characters."""

_WORKFLOW_PROGRESS = "_step_executor_state"


@dataclass
class HostedContext(AgentContext):
    """An `AgentContext` made from a host's `RunContext`, with everything else the host's offers.

    What an `AgentContext` has (`run_id`, `conversation_id`, `input_messages` as `AgentMessage`s, `metadata`) is the
    agent's; any other name, such as `params`, `emit` or `cancelled`, is looked up in the host's context.

    Attributes:
        run_context: The host's context itself.
    """

    run_context: RunContext = field(kw_only=True)

    @classmethod
    def of(cls, ctx: RunContext, messages: Sequence[JSONObject]) -> Self:
        """The host's context as an agent's; a run without a conversation is a conversation of its own.

        Args:
            ctx: The host's context.
            messages: Its `input_messages`, repaired.
        """
        run_id = getattr(ctx, "run_id", None) or uuid4()
        return cls(
            run_id=run_id,
            conversation_id=conversation_of(ctx) or run_id,
            input_messages=[AgentMessage.from_dict(message) for message in messages],
            metadata=getattr(ctx, "metadata", {}),
            run_context=ctx,
        )

    def __getattr__(self, name: str) -> Any:
        # Asked of an object that is just being copied, `run_context` would be looked up for ever.
        if name == "run_context" or name.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
        return getattr(self.run_context, name)


class HostEvents(ExecutorHooks):
    """Hands a turn's events on to the host, in order.

    Events come in at any time and wait; they are handed on where the turn waits anyway: before every model request,
    before every tool, and at the end. So the host hears of a call before the tool runs. What the host
    cannot take is logged and dropped: it must not break a turn whose tools have run.

    Args:
        ctx: The host's context.
        live: Hand on the pieces of a text while the model writes it; those that come in while the host is busy
            arrive as one.
    """

    def __init__(self, ctx: RunContext, *, live: bool = False) -> None:
        self._ctx = ctx
        self._live = live
        self._waiting: deque[tuple[str, JSONObject]] = deque()
        self._lock = asyncio.Lock()
        self._pump: asyncio.Task[None] | None = None

    def push(self, event: Event) -> None:
        """Take an event; those that hosts report themselves, such as `run.started`, are left out."""
        if event.type in _PIECES:
            if self._live:
                self._push_piece(event)
            return
        payload = _PAYLOADS.get(event.type)
        if payload is not None:
            self._waiting.append((event.type.value, payload(event.payload)))

    async def flush(self) -> None:
        """Hand on everything that waits."""
        async with self._lock:
            while self._waiting:
                await self._tell(*self._waiting.popleft())

    async def on_iteration_start(self, iteration: int) -> None:
        await self.flush()

    async def on_tool_start(self, name: str, arguments: dict[str, Any]) -> None:
        await self.flush()

    def _push_piece(self, event: Event) -> None:
        last = self._waiting[-1] if self._waiting else None
        if event.type == EventType.ASSISTANT_DELTA and last is not None and last[0] == EventType.ASSISTANT_DELTA:
            last[1]["delta"] += event.text
        else:
            self._waiting.append((event.type.value, dict(event.payload)))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self.flush())

    async def _tell(self, name: str, payload: JSONObject) -> None:
        to_person = getattr(self._ctx, "emit_user_message", None)
        try:
            if name == EventType.ASSISTANT_MESSAGE and to_person is not None:
                await to_person(payload["content"])
            else:
                await self._ctx.emit(name, payload)
        except Exception:  # an event is a preview; the result that the host stores is the truth
            logger.warning("the host could not take the event %s", name, exc_info=True)


class DjangoStateStore:
    """A journey's state in the checkpoints of a run.

    Args:
        ctx: The host's context; it decides which state a new run begins with.
        agent_key: Whose state it is.
        between_runs: Where the state is kept as well, and found where the host has none; for hosts whose
            checkpoints end with the run.
    """

    def __init__(self, ctx: RunContext, agent_key: str, between_runs: StateStore | None = None) -> None:
        self._ctx = ctx
        self._agent_key = agent_key
        self._conversation_id = conversation_of(ctx)
        # A run without a conversation has nothing before it and nothing after it.
        self._between_runs = None if self._conversation_id is None else between_runs
        self._is_loaded = False
        self._state: JSONObject | None = None

    async def load(self) -> JSONObject | None:
        """The state, or None if there is none yet; the host is asked once.

        Raises:
            StateError: The host gave something that is no state.
        """
        if not self._is_loaded:
            self._state = _state_in(await self._ctx.get_state())
            if self._state is None and self._between_runs is not None:
                self._state = await self._between_runs.load_state(self._conversation_id, self._agent_key)
            self._is_loaded = True
        return snapshot(self._state)

    async def save(self, state: BaseJourneyState[Any] | Mapping[str, Any]) -> None:
        """Keep the state: the checkpoint first, which is what the host goes by."""
        data = dict(state) if isinstance(state, Mapping) else state_dict(state)
        await self._ctx.checkpoint(data)
        if self._between_runs is not None:
            await self._between_runs.save_state(self._conversation_id, self._agent_key, data)
        self._state, self._is_loaded = snapshot(data), True


def conversation_of(ctx: RunContext) -> Any:
    """The conversation a run belongs to, or None."""
    return getattr(ctx, "conversation_id", None)


def _state_in(checkpoint: object) -> JSONObject | None:
    if not checkpoint:
        return None
    if not isinstance(checkpoint, dict):
        raise StateError(f"the host's get_state() gave {checkpoint!r:.200}; expected a dict, or None")
    # A tool that runs a `StepExecutor` keeps its progress in the same checkpoint.
    return {key: value for key, value in cast("JSONObject", checkpoint).items() if key != _WORKFLOW_PROGRESS} or None


def _whole(payload: JSONObject) -> JSONObject:
    return payload


def _result(payload: JSONObject) -> JSONObject:
    return {
        "name": payload["name"],
        "result": payload["result"][:RESULT_CHARS],
        "tool_call_id": payload["tool_call_id"],
    }


_PIECES = frozenset({EventType.ASSISTANT_DELTA, EventType.ASSISTANT_RESET})
"""The events that show a text while it is being written."""

_PAYLOADS: Mapping[EventType, Callable[[JSONObject], JSONObject]] = {
    EventType.STEP_ENTERED: _whole,
    EventType.TOOL_CALL: _whole,
    EventType.TOOL_RESULT: _result,
    EventType.TOOL_REFUSED: _whole,
    EventType.ASSISTANT_MESSAGE: _whole,
}
"""The other events a host is told of, and what it is told."""

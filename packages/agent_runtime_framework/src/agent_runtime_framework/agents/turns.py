"""Takes one turn of a journey from its first request to its last commit; what every front shares."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Protocol

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.agents.scene import step_name, step_of
from agent_runtime_framework.executor.loop import TurnIO, TurnScene, drive
from agent_runtime_framework.executor.turn import Finish, StoppedReason, Turn, TurnPolicy
from agent_runtime_framework.messages import INTERRUPTED

logger = logging.getLogger(__name__)


class JourneyTurnScene(TurnScene, Protocol):
    """A scene with a state to be kept."""

    state: Any

    def begin(self) -> None:
        """The person has said something, and nothing has been done yet."""
        ...

    def end(self) -> None:
        """The turn ended well; its state is about to be kept."""
        ...


async def take_turn(
    key: str,
    scene: JourneyTurnScene,
    policy: TurnPolicy,
    io: TurnIO,
    *,
    earlier: Sequence[JSONObject],
    taken: AbstractSet[str],
    keep: Callable[[Turn], Awaitable[None]],
) -> tuple[Turn, Finish]:
    """Drive a turn and keep what came of it, also when it breaks half-way.

    A turn that breaks after tools have run keeps their messages and the state: what has happened is not forgotten,
    and no call stays unanswered. A turn that breaks before anything happened leaves no trace.

    Args:
        key: The agent's key.
        scene: Prompt, tools and state.
        policy: Limits and habits.
        io: The edges.
        earlier: The messages before, the person's last.
        taken: The call ids in use.
        keep: Makes the turn durable; awaited exactly once, or not at all if nothing happened.
    """
    emitter = io.emitter
    if emitter:
        emitter.emit(EventType.RUN_STARTED, {"agent": key, "step": step_name(step_of(scene.state))})
    turn = Turn(policy, taken)
    scene.begin()
    try:
        end = await drive(turn, scene, io, earlier)
    except BaseException as error:
        turn.abandon(INTERRUPTED)
        if turn.messages:
            await _keep_in_spite_of(error, keep(turn))
        _report_failure(io, error)
        raise
    assert isinstance(end, Finish)  # nothing pauses a turn yet
    scene.end()
    await keep(turn)
    _report_end(io, end, turn)
    return turn, end


async def _keep_in_spite_of(error: BaseException, keeping: Awaitable[None]) -> None:
    try:
        await asyncio.shield(asyncio.ensure_future(keeping))
    except Exception:  # the error that broke the turn is the one to report
        logger.exception("a turn broken by %s could not be kept", type(error).__name__)


def _report_failure(io: TurnIO, error: BaseException) -> None:
    if io.emitter:
        is_cancelled = isinstance(error, asyncio.CancelledError)
        event = EventType.RUN_CANCELLED if is_cancelled else EventType.RUN_FAILED
        io.emitter.emit(event, {"error": str(error), "error_type": type(error).__name__})


def _report_end(io: TurnIO, end: Finish, turn: Turn) -> None:
    if not io.emitter:
        return
    if end.stopped_reason == StoppedReason.CANCELLED:
        io.emitter.emit(EventType.RUN_CANCELLED, {"error": "", "error_type": ""})
        return
    if end.response:
        io.emitter.emit(EventType.ASSISTANT_MESSAGE, {"content": end.response})
    output = {"response": end.response, "stopped_reason": str(end.stopped_reason), "usage": turn.usage}
    io.emitter.emit(EventType.RUN_SUCCEEDED, output)

"""Takes one turn of a journey from its first request to its last commit; what every front shares."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.agents.scene import step_name, step_of
from agent_runtime_framework.events import Emitter
from agent_runtime_framework.executor.journal import DurableScene
from agent_runtime_framework.executor.loop import TurnIO, TurnScene, drive
from agent_runtime_framework.executor.policy import TurnPolicy
from agent_runtime_framework.executor.turn import Finish, Pause, StoppedReason, Turn
from agent_runtime_framework.messages import INTERRUPTED, History
from agent_runtime_framework.toolcalls import error_text

if TYPE_CHECKING:
    from agent_runtime_framework.journey.definition import IdleRule

logger = logging.getLogger(__name__)


class OpenConversation(Protocol):
    """A conversation in which a turn is being taken."""

    @property
    def state(self) -> str | None:
        """The agent's state as JSON text; None if it has none yet."""
        ...

    @property
    def history(self) -> History:
        """The finished turns."""
        ...

    @property
    def usage(self) -> JSONObject:
        """What the finished turns have used."""
        ...

    async def commit(
        self,
        messages: Sequence[JSONObject],
        state: str | None = None,
        step: str | None = None,
        usage: JSONObject | None = None,
    ) -> None:
        """Keep what came of the turn, and what it used."""
        ...


class JourneyTurnScene(TurnScene, DurableScene, Protocol):
    """A scene with a state to be kept."""

    def hear(self, earlier: Sequence[JSONObject], incoming: list[JSONObject]) -> list[JSONObject]:
        """The person's new messages as they may be sent and stored: what must not be shown is taken out of them."""
        ...

    def require_fit(self) -> None:
        """Make sure that the state can be loaded again, once it is stored.

        Raises:
            StateError: It cannot.
        """
        ...

    async def in_silence(self, rule: IdleRule) -> list[str]:
        """Do what was declared about a person who says nothing; returns what is said."""
        ...

    def worded(self, text: str) -> str:
        """A text of the journey's author, with what it asks for of the state."""
        ...

    def begin(self) -> None:
        """The person has said something, and nothing has been done yet."""
        ...

    def end(self) -> None:
        """The turn ended well; its state is about to be kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnTaken:
    """A turn that has been taken and kept.

    Attributes:
        end: How it ended; "paused" if it waits for a person, and then nothing of it is kept here.
        messages: What it produced, in wire form.
        state: The journey's state after it.
        usage: Token counts.
    """

    end: Finish
    messages: list[JSONObject]
    state: Any
    usage: JSONObject


async def take_turn(
    key: str,
    scene: JourneyTurnScene,
    policy: TurnPolicy,
    io: TurnIO,
    *,
    earlier: Sequence[JSONObject],
    taken: AbstractSet[str],
    keep: Callable[[Turn], Awaitable[None]],
    spent: JSONObject | None = None,
) -> TurnTaken:
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
        spent: What the conversation has used before, where a limit asks for it.
    """
    emitter = io.emitter
    if emitter:
        emitter.emit(EventType.RUN_STARTED, {"agent": key, "step": step_name(step_of(scene.state))})
    turn = Turn(policy, taken, spent)
    try:
        end = await _to_the_end(turn, scene, io, earlier, keep)
    except BaseException as error:
        if emitter:
            _report_failure(emitter, error)
        raise
    if isinstance(end, Pause):
        end = Finish(end.note, StoppedReason.PAUSED)
    elif emitter:
        _report_end(emitter, end, turn.usage)
    return TurnTaken(end=end, messages=turn.messages, state=scene.state, usage=turn.usage)


async def take_silent_turn(
    key: str,
    scene: JourneyTurnScene,
    policy: TurnPolicy,
    io: TurnIO,
    *,
    act: Callable[[], Awaitable[list[str]]],
    reason: str,
    keep: Callable[[Turn], Awaitable[None]],
) -> TurnTaken:
    """Let code speak where nobody has said anything, without a model request, and keep what came of it.

    Args:
        key: The agent's key.
        scene: The journey.
        policy: Limits and habits.
        io: The edges.
        act: Does it; returns what is said.
        reason: Why the turn ends.
        keep: Makes the turn durable.
    """
    emitter, turn = io.emitter, Turn(policy)
    if emitter:
        emitter.emit(EventType.RUN_STARTED, {"agent": key, "step": step_name(step_of(scene.state))})
    try:
        said = await act()
        for text in said:
            turn.said(text)
        end = Finish("\n\n".join(said), reason)
        if io.journal is not None:
            io.journal.ended(end)
        await keep(turn)
    except BaseException as error:
        if emitter:
            _report_failure(emitter, error)
        raise
    if emitter:
        _report_end(emitter, end, {})
    return TurnTaken(end=end, messages=turn.messages, state=scene.state, usage={})


def nothing_to_say(key: str, state: Any, io: TurnIO, reason: str = StoppedReason.CLOSED) -> TurnTaken:
    """A turn in which nothing is asked, said or kept: somebody said goodbye to a journey that is over."""
    end = Finish("", reason)
    if io.emitter:
        io.emitter.emit(EventType.RUN_STARTED, {"agent": key, "step": step_name(step_of(state))})
        _report_end(io.emitter, end, {})
    return TurnTaken(end=end, messages=[], state=state, usage={})


async def _to_the_end(
    turn: Turn,
    scene: JourneyTurnScene,
    io: TurnIO,
    earlier: Sequence[JSONObject],
    keep: Callable[[Turn], Awaitable[None]],
) -> Finish | Pause:
    if io.journal is None or not io.journal.replay(turn):
        scene.begin()
    try:
        end = await drive(turn, scene, io, earlier)
    except BaseException as error:
        turn.abandon(INTERRUPTED)
        if turn.messages:
            await _keep_in_spite_of(error, keep(turn))
        raise
    if isinstance(end, Pause):
        return end
    if scene.handoff is not None and end.stopped_reason == StoppedReason.TEXT_RESPONSE:
        end = end._replace(stopped_reason=StoppedReason.HANDED_OFF)
        if io.journal is not None:
            io.journal.ended(end)
    scene.end()
    await keep(turn)
    return end


async def _keep_in_spite_of(error: BaseException, keeping: Awaitable[None]) -> None:
    try:
        await asyncio.shield(asyncio.ensure_future(keeping))
    except Exception:  # the error that broke the turn is the one to report
        logger.exception("a turn broken by %s could not be kept", type(error).__name__)


def _report_failure(emitter: Emitter, error: BaseException) -> None:
    event = EventType.RUN_CANCELLED if isinstance(error, asyncio.CancelledError) else EventType.RUN_FAILED
    emitter.emit(event, {"error": error_text(error), "error_type": type(error).__name__})


def _report_end(emitter: Emitter, end: Finish, usage: JSONObject) -> None:
    if end.stopped_reason == StoppedReason.CANCELLED:
        emitter.emit(EventType.RUN_CANCELLED, {"error": "", "error_type": ""})
        return
    if end.response:
        emitter.emit(EventType.ASSISTANT_MESSAGE, {"content": end.response})
    output = {"response": end.response, "stopped_reason": str(end.stopped_reason), "usage": usage}
    emitter.emit(EventType.RUN_SUCCEEDED, output)

"""What happened in a conversation, put together from its events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.events import Event


@dataclass(frozen=True, slots=True)
class CallMade:
    """A tool call that ran.

    Attributes:
        name: The tool.
        arguments: As the model gave them.
        result: What the model was told.
        ok: False if the tool failed.
        step: The step it was made in.
    """

    name: str
    arguments: JSONObject = field(default_factory=dict[str, Any])
    result: str = ""
    ok: bool = True
    step: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A tool call that was refused.

    Attributes:
        name: What was called.
        arguments: As the model gave them.
        reason: What the model was told.
        step: The step it was made in.
    """

    name: str
    arguments: JSONObject = field(default_factory=dict[str, Any])
    reason: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True)
class Walked:
    """A move that was made.

    Attributes:
        source: Where it began.
        target: Where it led.
        tool: The tool that took it; None if code did by itself.
    """

    source: str
    target: str
    tool: str | None = None

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}" + (f" by {self.tool}" if self.tool else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One message of the person, and all that came of it.

    Attributes:
        said: The message.
        reply: The answer; empty if the turn broke.
        events: What happened, in order.
        requests: How many model requests it took.
        before: The step it began in.
        after: The step it ended in.
        error: What broke the turn.
    """

    said: str
    reply: str
    events: tuple[Event, ...] = ()
    requests: int = 0
    before: str = ""
    after: str = ""
    error: BaseException | None = None

    @property
    def calls(self) -> list[CallMade]:
        """The calls that ran."""
        return [each for each in happenings(self.events, self.before) if isinstance(each, CallMade)]

    @property
    def refused(self) -> list[Refusal]:
        """The calls that were refused."""
        return [each for each in happenings(self.events, self.before) if isinstance(each, Refusal)]

    @property
    def moves(self) -> list[Walked]:
        """The moves that were made."""
        return [each for each in happenings(self.events, self.before) if isinstance(each, Walked)]


def happenings(events: Sequence[Event], step: str) -> Iterator[CallMade | Refusal | Walked]:
    """Calls, refusals and moves, in order; a call comes before the move it makes.

    Args:
        events: Of one turn.
        step: Where the turn began.
    """
    running: JSONObject | None = None
    walked: list[Walked] = []
    called_in = step
    for event in events:
        told = event.payload
        match event.type:
            case EventType.TOOL_CALL:
                running, walked, called_in = told, [], step
            case EventType.STEP_ENTERED:
                move = Walked(told.get("previous") or step, told["step"], running["name"] if running else None)
                step = move.target
                if running is None:
                    yield move
                else:
                    walked.append(move)
            case EventType.TOOL_RESULT:
                yield CallMade(
                    told["name"], (running or told)["arguments"], told["result"], bool(told["ok"]), called_in
                )
                if told["ok"]:
                    yield from walked
                else:
                    step = called_in  # what a failed tool did is undone
                running, walked = None, []
            case EventType.TOOL_REFUSED:
                step = called_in if running else step
                yield Refusal(told["name"], told["arguments"], told["reason"], step)
                running, walked = None, []
            case _:
                pass

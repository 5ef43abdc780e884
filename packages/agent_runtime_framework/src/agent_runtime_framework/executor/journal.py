"""What a turn tells of itself so that somebody else can finish it.

The loop calls a journal around everything that costs or changes something. A turn that is continued is given what was
recorded, and goes on behind it: nothing that was recorded is asked, said or run again.

Rules:
    - What is told without `await` is kept with the next `await`; the last state told is kept with it.
    - `before_calls` returns once it is durable that the calls are about to run, unless running them twice does no harm.
      Of several, each has its place in the record before the first begins.
    - When `before_request` returns, everything told so far is durable.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.approvals import ApprovalNeeded, Decision
from agent_runtime_framework.executor.asking import Request
from agent_runtime_framework.executor.calls import Answer
from agent_runtime_framework.executor.turn import Finish, Reply, Turn
from agent_runtime_framework.toolcalls import Effect, ToolCall


class DurableScene(Protocol):
    """What a journal has to know of a turn's scene."""

    state: Any
    handoff: JSONObject | None

    def effect_of(self, call: ToolCall) -> Effect:
        """What running this call twice would do."""
        ...

    def entered(self) -> list[str]:
        """The steps that were entered since it was asked last, in order."""
        ...

    @property
    def mended(self) -> JSONObject:
        """What had to be done to the state before the turn could go on with it."""
        ...

    def redo(self, changed: JSONObject, gone: Sequence[str]) -> None:
        """Do to the state what a recorded call did to it, without the call.

        Raises:
            StateError: The state cannot be so.
        """
        ...

    def dumped(self) -> str:
        """The state as it is stored, with the version that writes it.

        Raises:
            StateError: It cannot be stored.
        """
        ...

    def notes(self) -> JSONObject:
        """What this turn remembers beside the state."""
        ...

    def recall(self, notes: JSONObject, earlier: Sequence[JSONObject], heard: Sequence[JSONObject]) -> None:
        """Remember what `notes` gave, in a turn that is continued."""
        ...


class Journal(Protocol):
    """Where a turn is recorded while it runs."""

    @property
    def heard(self) -> list[JSONObject] | None:
        """The person's messages as the turn heard them, if it is continued; None if it begins."""
        ...

    def open(self, scene: DurableScene, earlier: Sequence[JSONObject], heard: list[JSONObject]) -> None:
        """Record this scene; in a turn that is continued, it is given its notes."""
        ...

    def replay(self, turn: Turn) -> bool:
        """Bring a fresh turn to where the recorded one was; False if there is nothing to continue."""
        ...

    async def before_request(self, request: Request) -> None:
        """This model request is about to be made."""
        ...

    def replied(self, reply: Reply, offered: Iterable[str] | None, *, insists: bool) -> None:
        """The model has replied."""
        ...

    def knows(self, call: ToolCall) -> bool:
        """True if the answer of a call is known already: it is told, whatever is offered by now."""
        ...

    async def before_calls(self, calls: Sequence[ToolCall]) -> Sequence[Answer | None]:
        """These calls passed the gate and are about to run, side by side if there are several.

        An answer that is known already takes a call's place: one for each, in order.
        """
        ...

    def answered(self, call: ToolCall, answer: Answer) -> None:
        """A call was answered, perhaps refused."""
        ...

    async def keep(self) -> None:
        """The call that was answered has ended, and others are still running beside it."""
        ...

    def decision(self, call: ToolCall) -> Decision | None:
        """What a person decided about a call; None if nobody has."""
        ...

    def decided(self, decision: Decision) -> None:
        """A decision was had at once, without a pause."""
        ...

    async def paused(self, call: ToolCall, needed: ApprovalNeeded) -> str:
        """The turn rests until somebody decides about this call; returns what the person is told meanwhile."""
        ...

    async def before_code(self) -> None:
        """Code of the journey is about to run that no call asked for."""
        ...

    def settled(self, said: Sequence[str], *, is_over: bool) -> None:
        """That code has run, and said this."""
        ...

    def ended(self, end: Finish) -> None:
        """The turn has ended; what is kept of it follows."""
        ...

    def broke(self) -> None:
        """It has ended, and what it left cannot be kept as it is."""
        ...

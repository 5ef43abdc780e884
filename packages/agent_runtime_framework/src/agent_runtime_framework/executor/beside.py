"""Calls that run side by side: neighbours in one reply whose tools are declared independent.

Rules:
    - Each passes the gate as if it were alone; what is refused is answered, and the others run.
    - Each is answered once, and the model reads the answers in the order of the calls.
    - Those that have ended are kept whatever happens to the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

from agent_runtime_framework.executor.calls import Answer, Scene, refused_now, run_admitted
from agent_runtime_framework.messages import INTERRUPTED
from agent_runtime_framework.toolcalls import ToolCall
from agent_runtime_framework.tools.offer import Offer

if TYPE_CHECKING:
    from agent_runtime_framework.executor.loop import TurnIO


def neighbours(waiting: Sequence[ToolCall], offer: Offer | None) -> Sequence[ToolCall]:
    """The calls at the head of those that wait that may run side by side; one alone is none."""
    if offer is None or not offer.independent or len(waiting) < 2:
        return ()
    free = offer.independent - offer.approvals.keys()
    found = list(takewhile(lambda call: call.name in free, waiting))
    return found if len(found) > 1 else ()


class Beside:
    """One batch of calls on their way.

    Args:
        calls: The calls.
        scene: The tools and the state.
        io: The turn's edges.
    """

    def __init__(self, calls: Sequence[ToolCall], scene: Scene, io: TurnIO) -> None:
        self._calls = calls
        self._scene = scene
        self._io = io
        self._ended: dict[str, Answer] = {}
        self._errors: list[Exception] = []

    @property
    def answers(self) -> list[tuple[ToolCall, Answer]]:
        """What each call came to, in their order; of one that did not end, that this is unknown."""
        unknown = Answer(INTERRUPTED, ok=False)
        return [(call, self._ended.get(call.id, unknown)) for call in self._calls]

    async def run(self, sent: Offer | None, current: Offer | None) -> None:
        """Run them all; what a tool raises is raised when all have ended."""
        running: list[ToolCall] = []
        for call in self._calls:
            refused = refused_now(call, sent, current, self._io.emitter, self._io.journal)
            if refused is None:
                running.append(call)
            else:
                self._take(call, refused)
        journal = self._io.journal
        known = [None] * len(running) if journal is None or not running else await journal.before_calls(running)
        async with asyncio.TaskGroup() as group:
            for call, answer in zip(running, known, strict=True):
                group.create_task(self._run(call, answer))
        if self._errors:
            raise self._errors[0]

    async def _run(self, call: ToolCall, known: Answer | None) -> None:
        io = self._io
        try:
            answer = await run_admitted(call, self._scene, known, hooks=io.hooks, emitter=io.emitter)
        except Exception as error:  # noqa: BLE001  raised again as soon as the others have ended
            self._errors.append(error)
            return
        self._take(call, answer)
        if io.journal is not None and len(self._ended) + len(self._errors) < len(self._calls):
            await io.journal.keep()

    def _take(self, call: ToolCall, answer: Answer) -> None:
        self._ended[call.id] = answer
        if self._io.journal is not None:
            self._io.journal.answered(call, answer)

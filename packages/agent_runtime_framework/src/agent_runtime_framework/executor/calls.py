"""The gate: every tool call passes here, is refused or run, and is answered.

    offered with this request, and still offered now?   no -> refused
    arguments readable, and do they fit the schema?     no -> refused
    run it                                              it raises -> the state is put back; told, or raised

Rules:
    - A refusal is an answer too: providers reject a history with an unanswered call.
    - A tool that fails leaves the state as it was before the call.
    - The error policy lives here and nowhere else. `CancelledError` always passes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

from agent_runtime_core.errors import ToolError
from agent_runtime_core.interfaces import EventType
from agent_runtime_framework.config import should_swallow_exceptions
from agent_runtime_framework.errors import MoveRefused
from agent_runtime_framework.events import SILENT, Emitter
from agent_runtime_framework.executor.hooks import ExecutorHooks, notify
from agent_runtime_framework.state.serializer import StateSerializer
from agent_runtime_framework.toolcalls import ToolCall, clean_text, error_text, preview
from agent_runtime_framework.tools.base import ToolResult
from agent_runtime_framework.tools.offer import Offer

if TYPE_CHECKING:
    from agent_runtime_framework.executor.journal import Journal

logger = logging.getLogger(__name__)

MAX_PROBLEMS = 8
"""How many faults of one call the model is told at once."""


Why: TypeAlias = Literal["", "unknown_tool", "withheld", "closed", "unreadable", "arguments", "move", "tool", "raised"]
"""Why a call was refused or failed: it is no tool that was offered; a guard withholds it; the step awaits the person;
its arguments cannot be read, or do not fit; it wanted to go where it may not; the tool said so; the tool raised."""


class Answer(NamedTuple):
    """What a call came to.

    Attributes:
        text: What the model is told.
        ok: False if the call was refused or failed.
        is_refused: True if it ran and then wanted to go where it may not.
        why: Why it was refused or failed; empty if it was not.
        detail: The journey's own reason, as far as it quotes no arguments.
    """

    text: str
    ok: bool = True
    is_refused: bool = False
    why: Why = ""
    detail: str = ""


class Scene(Protocol):
    """Where a call takes place: the tools and the state of one turn."""

    def offer(self) -> Offer | None:
        """What may be called now, read from the current state; None leaves every name to `run`."""
        ...

    async def run(self, call: ToolCall) -> object:
        """Run a call that passed; its exceptions pass through."""
        ...

    def snapshot(self) -> Any:
        """The state as it is, to be put back by `restore`; None if there is none."""
        ...

    def restore(self, snapshot: Any) -> None:
        """Put the state back, in the same object."""
        ...


async def answer_call(
    call: ToolCall,
    scene: Scene,
    sent: Offer | None,
    current: Offer | None,
    *,
    hooks: ExecutorHooks | None = None,
    emitter: Emitter = SILENT,
    journal: Journal | None = None,
) -> Answer:
    """Refuse a call or run it.

    Args:
        call: The call.
        scene: The tools and the state.
        sent: What was offered with the request; None is a bare executor without a tool list.
        current: What would be offered now, after the calls that have run since.
        hooks: Told before and after a call that runs.
        emitter: Told of every call.
        journal: Told before a call that runs.
    """
    refused = refused_now(call, sent, current, emitter, journal)
    if refused is not None:
        return refused
    (known,) = (None,) if journal is None else await journal.before_calls([call])
    return await run_admitted(call, scene, known, hooks=hooks, emitter=emitter)


def refused_now(
    call: ToolCall, sent: Offer | None, current: Offer | None, emitter: Emitter, journal: Journal | None = None
) -> Answer | None:
    """The answer to a call that is refused, told to who watches; None if it may run, or has been run already."""
    if journal is not None and journal.knows(call):
        return None
    refused = refusal(call, sent, current)
    if refused is not None:
        logger.info("call of %r refused", preview(call.name, 64))
        if emitter:
            emitter.emit(EventType.TOOL_REFUSED, {**_described(call), "reason": refused.text})
    return refused


async def run_admitted(
    call: ToolCall,
    scene: Scene,
    known: Answer | None,
    *,
    hooks: ExecutorHooks | None = None,
    emitter: Emitter = SILENT,
) -> Answer:
    """Run a call that may run, unless its answer is known already."""
    # Events come before hooks, here and below: what is awaited may rely on what was told.
    if emitter:
        emitter.emit(EventType.TOOL_CALL, _described(call))
    if hooks is not None:
        await notify(hooks, "on_tool_start", call.name, call.arguments)
    answer = known or await _run(call, scene)
    if answer.is_refused and emitter:
        emitter.emit(EventType.TOOL_REFUSED, {**_described(call), "reason": answer.text})
    elif emitter:
        result = {"name": call.name, "result": answer.text, "tool_call_id": call.id, "ok": answer.ok}
        emitter.emit(EventType.TOOL_RESULT, result)
    if hooks is not None:
        await notify(hooks, "on_tool_end", call.name, answer.text)
    return answer


def refusal(call: ToolCall, sent: Offer | None, current: Offer | None) -> Answer | None:
    """What a call that may not run is answered; None if it may."""
    problems: Sequence[str] = (call.error,) if call.error is not None else ()
    why: Why = "unreadable"
    detail = ""
    shown, now = (sent if sent is not None else current), (current if current is not None else sent)
    if shown is not None and now is not None:
        tool = shown.tools.get(call.name)
        if tool is None or call.name not in now.tools or call.name.startswith("_"):
            return _not_offered(call, now)
        if shown.closed is not None or now.closed is not None:
            why, detail = "closed", shown.closed or now.closed or ""
            problems = (detail,)
        elif not problems:
            # Where the offer changed, what counts is the schema the model was shown.
            why, problems = "arguments", tool.check(call.arguments)
    if not problems:
        return None
    text = f"Error: {preview(call.name, 64)} did not run: {'; '.join(problems[:MAX_PROBLEMS])}."
    return Answer(text, ok=False, why=why, detail=detail)


def _not_offered(call: ToolCall, offer: Offer) -> Answer:
    reason = offer.withheld.get(call.name)
    if reason is not None:
        text = f"Error: {call.name} is not possible now: {reason.rstrip('.')}. Offered now: {offer.names()}."
        return Answer(text, ok=False, why="withheld", detail=reason)
    text = f"Error: Unknown tool '{preview(call.name, 64)}'. Offered now: {offer.names()}."
    return Answer(text, ok=False, why="unknown_tool")


def result_text(result: object) -> Answer:
    """What the model is told of a tool's return value: text as it is, everything else as JSON."""
    if isinstance(result, str):
        return Answer(clean_text(result))
    if isinstance(result, ToolResult):
        return Answer(result_text(result.content).text, result.success, why="" if result.success else "tool")
    if result is None:
        return Answer("Done.")
    try:
        text = json.dumps(result, ensure_ascii=False, default=_plain)
    except (TypeError, ValueError, RecursionError):
        text = str(result)
    return Answer(clean_text(text))


async def _run(call: ToolCall, scene: Scene) -> Answer:
    before = scene.snapshot()
    try:
        return result_text(await scene.run(call))
    except ToolError as error:
        scene.restore(before)
        is_refused = isinstance(error, MoveRefused)
        if is_refused:
            logger.warning("a move of tool %r was refused: %s", call.name, error)
        text = clean_text(str(error))
        if is_refused:
            return Answer(f"Error: {text}", ok=False, is_refused=True, why="move", detail=text)
        return Answer(f"Error: {text}", ok=False, why="tool")
    except Exception as error:  # whatever a tool raises is told to the model or raised, as configured
        scene.restore(before)
        if not should_swallow_exceptions():
            raise
        logger.warning("tool %r failed; told the model", call.name, exc_info=True)
        return Answer(f"Error executing {call.name}: {error_text(error)}", ok=False, why="raised")
    except BaseException:
        scene.restore(before)
        raise


def _described(call: ToolCall) -> dict[str, Any]:
    # Read again from the text: the tool may change its arguments before a sink gets round to the event.
    return {"name": call.name, "arguments": json.loads(call.text), "tool_call_id": call.id}


def _plain(value: object) -> object:
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    plain = StateSerializer.serialize(value)
    return str(value) if plain is value else plain

"""The one loop: drives a turn's moves against a model and its tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.approvals import ApprovalNeeded
from agent_runtime_framework.events import SILENT, Emitter
from agent_runtime_framework.executor.approving import (
    DecideAtOnce,
    approval_needed,
    decide,
    rejected,
    tell_decision,
)
from agent_runtime_framework.executor.asking import LLMClient, Model, Request, WholeReplies, system_message
from agent_runtime_framework.executor.beside import Beside, neighbours
from agent_runtime_framework.executor.calls import Answer, Scene, answer_call
from agent_runtime_framework.executor.dispatch import (
    CallableToolExecutor,
    MethodToolExecutor,
    ResolvingExecutor,
    ToolExecutor,
)
from agent_runtime_framework.executor.hooks import ExecutorHooks, notify
from agent_runtime_framework.executor.journal import Journal
from agent_runtime_framework.executor.policy import TurnPolicy
from agent_runtime_framework.executor.turn import (
    CallModel,
    CallTool,
    Finish,
    Pause,
    Reply,
    StoppedReason,
    Turn,
)
from agent_runtime_framework.messages import AgentMessage, call_ids, repair
from agent_runtime_framework.toolcalls import ToolCall
from agent_runtime_framework.tools.offer import Offer
from agent_runtime_framework.tools.schema import ToolSchema

if TYPE_CHECKING:
    from agent_runtime_core.usage import UsageLimit

__all__ = [
    "CallableToolExecutor",
    "ExecutionResult",
    "Executor",
    "ExecutorConfig",
    "LLMExecutor",
    "LLMExecutorConfig",
    "MethodToolExecutor",
    "ToolExecutor",
    "TurnIO",
    "TurnScene",
    "drive",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnIO:
    """A turn's edges: all that differs between a plain run, a stream, a server and a durable runtime.

    Attributes:
        model: How the model is asked.
        hooks: The awaited observer.
        emitter: Where events go.
        is_cancelled: Asked before every model request; True ends the turn.
        journal: Where the turn is recorded while it runs.
        catalog: All tools of the journey, by name; see `Request`.
        approve: Decides at once about calls that need a person's agreement.
    """

    model: Model
    hooks: ExecutorHooks | None = None
    emitter: Emitter = SILENT
    is_cancelled: Callable[[], bool] | None = None
    journal: Journal | None = None
    catalog: Mapping[str, JSONObject] | None = None
    approve: DecideAtOnce | None = None


class TurnScene(Scene, Protocol):
    """What a turn is about: prompt, tools and state, read afresh whenever they are needed."""

    @property
    def settles(self) -> bool:
        """True if `settle` may have something to do."""
        ...

    async def settle(self) -> tuple[list[str], bool]:
        """Pass the steps that need no model: what is said on the way, and whether the turn ends there."""
        ...

    @property
    def is_ready(self) -> bool:
        """True if it is known what may be called; False if `prepare` has to be awaited first."""
        ...

    async def prepare(self) -> None:
        """Find out what may be called, where others have to be asked for it."""
        ...

    def view(self) -> tuple[str | list[JSONObject] | None, Offer | None]:
        """The system prompt and the tools, from the state as it is now; once per request."""
        ...

    def refresh(self) -> None:
        """A whole batch of calls has been answered."""
        ...


async def drive(turn: Turn, scene: TurnScene, io: TurnIO, earlier: Sequence[JSONObject]) -> Finish | Pause:
    """Carry out the turn's moves until it ends or pauses.

    Args:
        turn: The machine that decides.
        scene: What it is about.
        io: Its edges.
        earlier: The messages before this turn's own, the person's message last.
    """
    offer = await _offered_earlier(turn, scene)
    while True:
        if turn.is_spent and scene.settles:
            # Exact words need no request, so they come although no further one may be made.
            await _settle(turn, scene, io)
        match turn.next():
            case CallModel() as move:
                if io.is_cancelled is not None and io.is_cancelled():
                    turn.stop(StoppedReason.CANCELLED)
                elif not (scene.settles and await _settle(turn, scene, io)):
                    prompt, offer = await _view(scene)
                    messages = [*system_message(prompt), *earlier, *turn.messages]
                    must_call = turn.policy.require_tool_call
                    request = Request(messages, offer, must_call, turn.shown, io.catalog)
                    await _ask(turn, request, io, move)
            case CallTool() as move:
                await _call(turn, scene, offer, io, move)
                if not turn.has_waiting_calls:
                    scene.refresh()
            case Pause() as pause:
                return pause
            case Finish() as finish:
                return await _end(finish, io)


async def _view(scene: TurnScene) -> tuple[str | list[JSONObject] | None, Offer | None]:
    if not scene.is_ready:
        await scene.prepare()
    return scene.view()


async def _offered_earlier(turn: Turn, scene: TurnScene) -> Offer | None:
    """What was offered with the calls that a continued turn still has to answer, as far as it is offered now."""
    if not turn.has_waiting_calls:
        return None
    if not scene.is_ready:
        await scene.prepare()
    current = scene.offer()
    return current if current is None or turn.offered is None else current.only(turn.offered)


async def _call(turn: Turn, scene: TurnScene, offer: Offer | None, io: TurnIO, move: CallTool) -> None:
    """Answer the call that was handed out, and its neighbours if they may run beside it; or pause there."""
    call = move.call
    current = offer if move.is_first else scene.offer()
    calls = neighbours(turn.waiting, current)
    if calls:
        await _answer_beside(turn, Beside(calls, scene, io), offer, current)
        return
    needed = approval_needed(call, offer, current)
    if needed is not None:
        decision = await decide(call, needed, io.approve, io.journal)
        if decision is None:
            await _pause(turn, call, needed, io)
            return
        tell_decision(decision, io.emitter)
        if not decision.is_approved:
            _answered(turn, call, rejected(call, needed, decision, io.emitter), io.journal)
            return
    answer = await answer_call(call, scene, offer, current, hooks=io.hooks, emitter=io.emitter, journal=io.journal)
    _answered(turn, call, answer, io.journal)


async def _answer_beside(turn: Turn, beside: Beside, sent: Offer | None, current: Offer | None) -> None:
    try:
        await beside.run(sent, current)
    finally:
        # Also where the turn breaks here: what has ended is not forgotten with what has not.
        for call, answer in beside.answers:
            if turn.has_waiting_calls:
                turn.answered(call.id, answer.text, ok=answer.ok)


async def _pause(turn: Turn, call: ToolCall, needed: ApprovalNeeded, io: TurnIO) -> None:
    assert io.journal is not None  # without one, nothing waits
    note = await io.journal.paused(call, needed)
    turn.paused(needed.reason, note)
    if io.emitter:
        payload = {"name": call.name, "arguments": needed.arguments, "tool_call_id": call.id, "reason": needed.reason}
        io.emitter.emit(EventType.ASSISTANT_MESSAGE, {"content": note})
        io.emitter.emit(EventType.RUN_PAUSED, {**payload, "note": note})


def _answered(turn: Turn, call: ToolCall, answer: Answer, journal: Journal | None) -> None:
    turn.answered(call.id, answer.text, ok=answer.ok)
    if journal is not None:
        journal.answered(call, answer)


async def _end(finish: Finish, io: TurnIO) -> Finish:
    if io.journal is not None:
        io.journal.ended(finish)
    if io.hooks is not None:
        await notify(io.hooks, "on_complete", finish.response, str(finish.stopped_reason))
    return finish


async def _settle(turn: Turn, scene: TurnScene, io: TurnIO) -> bool:
    """Let code carry the journey as far as it goes; True if that ended the turn."""
    if io.journal is not None:
        await io.journal.before_code()
    said, is_over = await scene.settle()
    for text in said:
        turn.said(text)
        if io.emitter:
            io.emitter.emit(EventType.ASSISTANT_DELTA, {"delta": f"{text}\n\n"})
    if is_over:
        turn.conclude()
    if io.journal is not None:
        io.journal.settled(said, is_over=is_over)
    return is_over


async def _ask(turn: Turn, request: Request, io: TurnIO, move: CallModel) -> Reply:
    hooks = io.hooks
    if move.note:
        request.messages.append({"role": "user", "content": move.note})
    if hooks is not None:
        await notify(hooks, "on_iteration_start", move.number)
        await notify(hooks, "on_llm_call", request.messages, request.wire_tools)
    if io.journal is not None:
        await io.journal.before_request(request)
    reply = await io.model.ask(request, io.emitter)
    offered = None if request.offer is None else request.offer.tools
    calls = turn.replied(reply, offered, insists=request.must_call)
    if io.journal is not None:
        io.journal.replied(reply, offered, insists=request.must_call)
    if io.emitter and turn.has_withheld_text:
        io.emitter.emit(EventType.ASSISTANT_RESET, {"text": turn.shown})
    if hooks is not None and calls:
        await notify(hooks, "on_tool_calls", [call.wire for call in calls])
    return reply


@dataclass
class LLMExecutorConfig:
    """How an `LLMExecutor` runs.

    Attributes:
        max_iterations: Most model requests of a run.
        terminal_tools: A batch whose last call is one of these ends the run.
        require_tool_call: Send `tool_choice="required"` whenever tools are offered.
        stop_on_text: A text reply ends the run; otherwise the model is asked to go on.
        limit_reply: The response when the limit is reached; None gives the last tool result.
        max_failures: How often the very same call may fail before the run ends.
        ask_again: How many further requests an empty reply may cost, within `max_iterations`.
        usage_limit: No further request is made once this much has been used in the run.
    """

    max_iterations: int = 10
    terminal_tools: set[str] = field(default_factory=set[str])
    require_tool_call: bool = False
    stop_on_text: bool = True
    limit_reply: str | None = None
    max_failures: int = 3
    ask_again: int = 0
    usage_limit: UsageLimit | None = None

    def policy(self) -> TurnPolicy:
        """The same as the turn machine takes it."""
        return TurnPolicy.of(self, self.max_iterations)


@dataclass
class ExecutionResult:
    """What a run of an `LLMExecutor` came to.

    Attributes:
        response: The text for the person.
        messages: The messages the run produced.
        tool_calls_made: Calls answered, refused ones included.
        stopped_reason: `text_response`, `terminal_tool:<name>`, `max_iterations` or `repeated_failure`.
        usage: Token counts, summed over all replies.
    """

    response: str
    messages: list[AgentMessage] = field(default_factory=list[AgentMessage])
    tool_calls_made: int = 0
    stopped_reason: str = "text_response"
    usage: JSONObject = field(default_factory=dict[str, Any])


class LLMExecutor:
    """Asks a model, runs the tools it calls, and asks again, until it answers in text or a limit is reached."""

    def __init__(
        self,
        llm_client: LLMClient,
        tool_executor: ToolExecutor | None = None,
        config: LLMExecutorConfig | None = None,
        hooks: ExecutorHooks | None = None,
    ) -> None:
        self.llm_client = llm_client
        self.tool_executor = tool_executor
        self.config = config or LLMExecutorConfig()
        self.hooks = hooks

    async def run(
        self,
        messages: list[JSONObject],
        tools: Sequence[ToolSchema] | None = None,
        system_prompt: str | None = None,
    ) -> ExecutionResult:
        """Answer `messages`.

        Args:
            messages: In wire form. Without a system prompt this very list is extended by what the run produces.
            tools: What is offered; anything else the model calls is refused. None offers nothing and leaves every
                name to the tool executor.
            system_prompt: Put in front, for these requests alone.
        """
        earlier = repair(messages)
        turn = Turn(self.config.policy(), call_ids(earlier))
        scene = _FixedScene(system_prompt, None if tools is None else Offer(tools), self.tool_executor)
        io = TurnIO(model=WholeReplies(self.llm_client), hooks=self.hooks)
        try:
            end = await drive(turn, scene, io, earlier)
        finally:
            turn.abandon("Error: interrupted; the outcome of this call is unknown.")
            if system_prompt is None:
                messages.extend(turn.messages)
        assert isinstance(end, Finish)  # nothing pauses a bare executor
        return ExecutionResult(
            response=end.response,
            messages=[AgentMessage.from_dict(message) for message in turn.messages],
            tool_calls_made=turn.calls_made,
            stopped_reason=str(end.stopped_reason),
            usage=turn.usage,
        )


class _FixedScene:
    """One prompt and one set of tools, whatever happens; no state."""

    settles = False
    is_ready = True

    def __init__(self, prompt: str | None, offer: Offer | None, executor: ToolExecutor | None) -> None:
        self._prompt = prompt
        self._offer = offer
        self._executor = executor

    def view(self) -> tuple[str | None, Offer | None]:
        return self._prompt, self._offer

    def offer(self) -> Offer | None:
        return self._offer

    async def settle(self) -> tuple[list[str], bool]:
        return [], False

    async def prepare(self) -> None:
        pass

    def refresh(self) -> None:
        pass

    def snapshot(self) -> None:
        return None

    def restore(self, snapshot: str | None) -> None:
        pass

    async def run(self, call: ToolCall) -> object:
        executor = self._executor
        if executor is None:
            return f"Error: No tool executor configured for '{call.name}'"
        if isinstance(executor, ResolvingExecutor):
            return await executor.call(call.name, call.arguments)
        return await executor.execute(call.name, call.arguments)


Executor = LLMExecutor
ExecutorConfig = LLMExecutorConfig

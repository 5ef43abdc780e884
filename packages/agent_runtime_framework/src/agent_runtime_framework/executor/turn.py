"""One turn as a pure machine: it decides what comes next and never does it.

No I/O, no clock, no store. A driver asks `next` for a move, carries it out, and reports back:

    state      next()       reported by            goes to
    ---------  -----------  ---------------------  ------------------------------------
    asking     CallModel    replied(reply)         calling | asking | finished
    asking     CallModel    said(words)            asking
    asking     CallModel    conclude()             finished
    asking     Finish       (the budget is spent)  finished; until then said and conclude as above
    calling    CallTool     answered(id, result)   calling | asking | finished
    calling    CallTool     paused(reason)         paused
    paused     Pause        resumed()              calling
    finished   Finish       -                      -

Rules:
    - Model requests never exceed `TurnPolicy.max_requests`; zero is legal.
    - All calls of a reply are handed out in order, one at a time; every one gets exactly one tool message.
    - The same call failing `max_failures` times ends the turn.
    - `dump` and `load` at any point make no difference to how the turn ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from copy import deepcopy
from enum import StrEnum
from typing import Any, NamedTuple, Self, TypeAlias

from agent_runtime_core.errors import AgentRuntimeError
from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.sums import add_into
from agent_runtime_framework.executor.policy import TurnPolicy
from agent_runtime_framework.messages import call_ids, tool_message
from agent_runtime_framework.toolcalls import ToolCall, unique_id

APOLOGY = "I'm sorry, I can't get this done at the moment. Please try again, or tell me more."
"""What the person reads when a call keeps failing, or a limit is reached, and no other sentence is configured."""

CONVERSATION_OVER = "I'm sorry, this conversation has become too long for me to go on. Please start a new one."
"""What the person reads when the conversation's limit is reached, and no other sentence is configured."""

NOT_RUN = "Error: not run, because the turn ended before this call's turn came."
"""The answer to a call that was never started."""

EMPTY_REPLY_NOTE = "Your last reply was empty. Answer the person, or call one of the tools."
CALL_NOTE = "That reply did nothing and was not shown. Call one of the tools now."
CONTINUE_NOTE = "Continue. Call a tool, or say what is missing."


class ProtocolError(AgentRuntimeError, RuntimeError):
    """The driver reported something the turn was not waiting for."""


class StoppedReason(StrEnum):
    """Why a turn ended; a terminal tool adds its name: `terminal_tool:<name>`."""

    TEXT_RESPONSE = "text_response"
    TERMINAL_TOOL = "terminal_tool"
    MAX_ITERATIONS = "max_iterations"
    REPEATED_FAILURE = "repeated_failure"
    USAGE_LIMIT = "usage_limit"
    CONVERSATION_LIMIT = "conversation_limit"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    HANDED_OFF = "handed_off"


class Reply(NamedTuple):
    """A model's reply, read.

    Attributes:
        text: What the person may see; empty if there is nothing.
        calls: The tool calls, in order.
        usage: Token counts as the client reported them.
        extra: What else of the message the provider wants back with it, such as its thinking.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    usage: Mapping[str, Any] | None = None
    extra: JSONObject | None = None


class CallModel(NamedTuple):
    """Send a request; `note` is a last instruction for this request alone."""

    number: int
    note: str | None = None


class CallTool(NamedTuple):
    """Run one call; `is_first` in its batch means the offer it was made from still stands."""

    call: ToolCall
    is_first: bool


class Pause(NamedTuple):
    """Stop here until somebody decides about this call; `note` is what the person is told meanwhile."""

    call: ToolCall
    reason: str
    note: str = ""


class Finish(NamedTuple):
    """The turn is over."""

    response: str
    stopped_reason: str


NextMove: TypeAlias = CallModel | CallTool | Pause | Finish


class Turn:
    """One person's message on its way to one reply.

    Args:
        policy: Limits and habits.
        taken: The call ids that earlier turns used; never changed here.
        spent: What earlier turns used; never changed here.

    Attributes:
        messages: What this turn has produced, in wire form; complete whenever no call is waiting.
        usage: Token counts summed over all replies.
        requests: Model requests made.
        calls_made: Tool calls answered, refused ones included.
    """

    __slots__ = (
        "_failures",
        "_finish",
        "_fruitless_replies",
        "_ids",
        "_is_first",
        "_last_result",
        "_note",
        "_offered",
        "_pause",
        "_pause_note",
        "_said",
        "_spent",
        "_taken",
        "_waiting",
        "calls_made",
        "messages",
        "policy",
        "requests",
        "usage",
    )  # fmt: skip

    def __init__(
        self, policy: TurnPolicy, taken: AbstractSet[str] = frozenset(), spent: Mapping[str, Any] | None = None
    ) -> None:
        self.policy = policy
        self.messages: list[JSONObject] = []
        self.usage: JSONObject = {}
        self.requests = 0
        self.calls_made = 0
        self._taken = taken
        self._spent = spent
        self._ids: set[str] = set()
        self._waiting: list[ToolCall] = []
        self._offered: list[str] | None = None
        self._is_first = False
        self._fruitless_replies = 0
        self._last_result: str | None = None
        self._failures: dict[str, int] = {}
        self._note: str | None = None
        self._said: list[str] = []
        self._pause: str | None = None
        self._pause_note = ""
        self._finish: Finish | None = None

    @property
    def has_waiting_calls(self) -> bool:
        """True while calls of the last reply are unanswered."""
        return bool(self._waiting)

    def next(self) -> NextMove:
        """The next move; asking twice gives the same answer."""
        if self._finish is not None:
            return self._finish
        if self._waiting:
            call = self._waiting[0]
            return CallTool(call, self._is_first) if self._pause is None else Pause(call, self._pause, self._pause_note)
        limit = self._limit()
        return CallModel(self.requests, self._note) if limit is None else self._end(*limit)

    @property
    def is_spent(self) -> bool:
        """True if the next move ends the turn because no further request may be made; words that need none may come."""
        return self._finish is None and not self._waiting and self._limit() is not None

    @property
    def waiting(self) -> tuple[ToolCall, ...]:
        """The calls of the last reply that are unanswered, in order."""
        return tuple(self._waiting)

    @property
    def shown(self) -> str:
        """The words said in this turn so far, as a preview shows them: each followed by an empty line."""
        return "".join(f"{text}\n\n" for text in self._said)

    @property
    def has_withheld_text(self) -> bool:
        """True if the last reply's text was not accepted, and the model is to be asked again."""
        return self._note == CALL_NOTE

    @property
    def offered(self) -> list[str] | None:
        """The tools that were offered when the waiting calls were made; None if that is not for the turn to say."""
        return self._offered

    def replied(
        self, reply: Reply, offered: Iterable[str] | None = None, *, insists: bool = False
    ) -> tuple[ToolCall, ...]:
        """Take in the model's reply; returns its calls as they will be handed out.

        Args:
            reply: The reply.
            offered: The names of the tools that went with the request; kept, so that a turn that is continued
                elsewhere can still hold the calls against them.
            insists: Text alone will not do; it is withheld, and the model asked again, as often as `ask_again` says.

        Raises:
            ProtocolError: The turn was not waiting for a reply.
        """
        if self._finish is not None or self._waiting or self.requests >= self.policy.max_requests:
            raise ProtocolError("a reply came in, but the turn was not waiting for one")
        self.requests += 1
        self._note = None
        if reply.usage:
            add_into(self.usage, reply.usage)
        if reply.calls:
            return self._queue(reply, offered)
        self._take_text(reply, insists)
        return ()

    def answered(self, call_id: str, result: str, *, ok: bool = True) -> None:
        """Take in the result of the call that `next` handed out; `ok` is False if it was refused or failed.

        Raises:
            ProtocolError: That call was not being waited for.
        """
        if self._finish is not None or self._pause is not None or not self._waiting or self._waiting[0].id != call_id:
            raise ProtocolError(f"a result for call {call_id!r} came in, but the turn was not waiting for it")
        call = self._answer(result)
        self._is_first = False
        self._last_result = result
        if not ok and self._has_failed_too_often(call):
            self.abandon(NOT_RUN)
            self._end(StoppedReason.REPEATED_FAILURE, self.policy.limit_reply or APOLOGY)
        elif ok and not self._waiting and call.name in self.policy.terminal_tools:
            self._finish = Finish(self._with_said(result), f"{StoppedReason.TERMINAL_TOOL}:{call.name}")

    def paused(self, reason: str, note: str = "") -> None:
        """Hold the turn at the call that `next` handed out; `note` is what the person is told meanwhile.

        Raises:
            ProtocolError: No call is being waited for.
        """
        if not self._waiting or self._pause is not None:
            raise ProtocolError("a pause was reported, but no call was handed out")
        self._pause, self._pause_note = reason, note

    def resumed(self) -> None:
        """Go on at the call the turn was held at.

        Raises:
            ProtocolError: The turn is not paused.
        """
        if self._pause is None:
            raise ProtocolError("the turn was resumed, but it is not paused")
        self._pause = None

    def abandon(self, current: str, rest: str = NOT_RUN) -> None:
        """Answer the calls that are still waiting, so that the messages are complete.

        Args:
            current: The answer to the call that was handed out last.
            rest: The answer to those behind it, which were never started.
        """
        self._pause = None
        answer = current
        while self._waiting:
            self._answer(answer)
            answer = rest

    def said(self, text: str) -> None:
        """Put exact words of the journey into the turn; they come before the model's own in the response.

        Raises:
            ProtocolError: Calls are waiting for their results, or the turn is over.
        """
        self._expect_no_calls("words were said")
        self.messages.append({"role": "assistant", "content": text})
        self._said.append(text)

    def conclude(self) -> None:
        """End the turn with the words said so far, without a further request.

        Raises:
            ProtocolError: Calls are waiting for their results, or the turn is over.
        """
        self._expect_no_calls("the turn was concluded")
        self._finish = Finish(self._with_said(""), StoppedReason.TEXT_RESPONSE)

    def stop(self, reason: StoppedReason) -> Finish:
        """End the turn from outside, with the last tool result as the response; a turn that is over stays as it is."""
        self.abandon(NOT_RUN)
        return self._finish or self._end(reason, None)

    def dump(self) -> JSONObject:
        """The turn as JSON, to be continued by `load`."""
        finish = self._finish and {"response": self._finish.response, "stopped_reason": self._finish.stopped_reason}
        plain = {name: deepcopy(getattr(self, name)) for name in _PLAIN}
        return {**plain, "waiting": [call_to_dict(call) for call in self._waiting], "finish": finish}

    @classmethod
    def load(
        cls,
        policy: TurnPolicy,
        data: Mapping[str, Any],
        taken: AbstractSet[str] = frozenset(),
        spent: Mapping[str, Any] | None = None,
    ) -> Self:
        """The turn that `dump` described."""
        turn = cls(policy, taken, spent)
        for name in _PLAIN:
            setattr(turn, name, deepcopy(data[name]))
        turn._waiting = [ToolCall(**call) for call in data["waiting"]]
        turn._finish = Finish(**data["finish"]) if data["finish"] else None
        turn._ids = call_ids(turn.messages)
        return turn

    def _expect_no_calls(self, report: str) -> None:
        if self._waiting or self._finish is not None:
            raise ProtocolError(f"{report}, but the turn was waiting for a result, or is over")

    def _queue(self, reply: Reply, offered: Iterable[str] | None) -> tuple[ToolCall, ...]:
        calls = tuple(self._with_own_id(call) for call in reply.calls)
        message = {"role": "assistant", "content": reply.text or None, "tool_calls": [call.wire for call in calls]}
        self.messages.append(message if reply.extra is None else {**reply.extra, **message})
        self._waiting = list(calls)
        self._offered = None if offered is None else list(offered)
        self._is_first = True
        return calls

    def _with_own_id(self, call: ToolCall) -> ToolCall:
        own = unique_id(call.id, self._taken, self._ids)
        self._ids.add(own)
        return call if own == call.id else call._replace(id=own)

    def _take_text(self, reply: Reply, insists: bool) -> None:
        policy, text = self.policy, reply.text
        if (insists or not text) and self._fruitless_replies < policy.ask_again:
            self._fruitless_replies += 1
            self._note = CALL_NOTE if text else EMPTY_REPLY_NOTE
            return
        if text:
            self.messages.append({**(reply.extra or {}), "role": "assistant", "content": text})
        if policy.stop_on_text:
            self._finish = Finish(self._with_said(text), StoppedReason.TEXT_RESPONSE)
        else:
            self._note = CONTINUE_NOTE

    def _with_said(self, text: str) -> str:
        return "\n\n".join([*self._said, text] if text else self._said)

    def _answer(self, result: str) -> ToolCall:
        call = self._waiting.pop(0)
        self.calls_made += 1
        self.messages.append(tool_message(call.id, call.wire_name, result))
        return call

    def _limit(self) -> tuple[StoppedReason, str | None] | None:
        """The limit that has been reached, with its sentence."""
        policy = self.policy
        if self.requests >= policy.max_requests:
            return StoppedReason.MAX_ITERATIONS, policy.limit_reply
        if policy.usage_limit is not None and policy.usage_limit.exceeded_by(self.usage) is not None:
            return StoppedReason.USAGE_LIMIT, policy.limit_reply or APOLOGY
        if self._has_spent_the_conversations():
            return StoppedReason.CONVERSATION_LIMIT, policy.conversation_reply or CONVERSATION_OVER
        return None

    def _has_spent_the_conversations(self) -> bool:
        limit = self.policy.conversation_limit
        if limit is None:
            return False
        total: JSONObject = {}
        add_into(total, self._spent or {})
        add_into(total, self.usage)
        return limit.exceeded_by(total) is not None

    def _has_failed_too_often(self, call: ToolCall) -> bool:
        failures = self._failures
        key = f"{call.name}\n{call.error or call.text}"
        failures[key] = failures.get(key, 0) + 1
        return failures[key] >= self.policy.max_failures

    def _end(self, reason: StoppedReason, sentence: str | None) -> Finish:
        if sentence:
            self.messages.append({"role": "assistant", "content": sentence})
        self._finish = Finish(self._with_said(sentence or self._last_result or ""), reason)
        return self._finish


_PLAIN = (
    "messages", "usage", "requests", "calls_made", "_offered", "_is_first", "_fruitless_replies", "_last_result",
    "_failures", "_note", "_pause", "_pause_note", "_said",
)  # fmt: skip


def call_to_dict(call: ToolCall) -> JSONObject:
    """A call as JSON; `ToolCall(**…)` reads it back."""
    return {name: deepcopy(getattr(call, name)) for name in ("id", "name", "arguments", "text", "error", "extra")}

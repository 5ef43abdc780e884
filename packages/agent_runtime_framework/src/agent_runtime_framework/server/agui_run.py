"""One run as AG-UI tells it: events of a turn become events of the protocol, in an order its clients accept.

Rules:
    - What was begun is ended before the run is: texts, calls and steps.
    - Text that was shown and is not what is said after all is withdrawn: `WITHDRAWN` stands where a snapshot of the
      messages before it has to be sent, which is the protocol's only way to take something back.
    - Nothing is told of what an exception says.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from ag_ui.core import (
    PROTOCOL_VERSION,
    AssistantMessage,
    BaseEvent,
    CustomEvent,
    FunctionCall,
    Interrupt,
    Message,
    MessagesSnapshotEvent,
    RunErrorEvent,
    RunFinishedCancelledOutcome,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    RunFinishedOutcome,
    RunFinishedSuccessOutcome,
    RunStartedEvent,
    StateDeltaEvent,
    StateSnapshotEvent,
    StepFinishedEvent,
    StepStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    TokenUsage,
    ToolCall,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
    ToolMessage,
    UserMessage,
)

from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.events import Event
from agent_runtime_framework.server.patches import patch
from agent_runtime_framework.server.turns import Preview, tokens_of
from agent_runtime_framework.store.protocol import StoredMessage

DECISION: JSONObject = {
    "type": "object",
    "properties": {"approved": {"type": "boolean"}, "reason": {"type": "string"}},
    "required": ["approved"],
}
"""JSON Schema of what a person answers to a call that waits."""

WITHDRAWN = MessagesSnapshotEvent(messages=[])
"""Stands for the messages before the run, and the person's."""


class Run:
    """A run on its way.

    Args:
        thread_id: The conversation.
        run_id: The client's name for the run.
        name: What its messages are named after; the same again where the same is told again.
        known_calls: Calls that the client has been shown in an earlier run.
        may_decide: False for who only is told that a call waits, and is not asked.

    Attributes:
        has_withdrawn: True if something that was shown was taken back, and calls with it.
    """

    def __init__(
        self, thread_id: str, run_id: str, name: str, known_calls: Sequence[str] = (), *, may_decide: bool = True
    ) -> None:
        self.has_withdrawn = False
        self._thread_id = thread_id
        self._run_id = run_id
        self._name = name
        self._view: JSONObject = {}
        self._step: str | None = None
        self._texts = 0
        self._open = ""
        self._said = Preview()
        self._spoke = False
        self._calls = set(known_calls)
        self._may_decide = may_decide
        self._paused: list[Event] = []

    def begin(self, view: JSONObject) -> list[BaseEvent]:
        """The run begins, with the state as it is."""
        self._view = view
        started = RunStartedEvent(thread_id=self._thread_id, run_id=self._run_id, protocol_version=PROTOCOL_VERSION)
        return [started, StateSnapshotEvent(snapshot=view)]

    def take(self, event: Event) -> list[BaseEvent]:
        """What an event of the turn becomes."""
        payload = event.payload
        match event.type:
            case EventType.RUN_STARTED:
                # A turn that is continued elsewhere tells all of it again.
                return [*self._withdraw(), *self._enter(payload.get("step"))]
            case EventType.STEP_ENTERED:
                return self._enter(payload.get("step"))
            case EventType.ASSISTANT_DELTA:
                return self._say(self._said.more(event.text))
            case EventType.ASSISTANT_RESET:
                return self._correct(event.text)
            case EventType.ASSISTANT_MESSAGE:
                return self._settle(event.text)
            case EventType.TOOL_CALL | EventType.TOOL_RESULT | EventType.RUN_PAUSED:
                return self._of_call(event)
            case EventType.TOOL_REFUSED | EventType.APPROVAL_DECIDED:
                return [CustomEvent(name=str(event.type), value=payload)]
            case _ if str(event.type).startswith("conversation."):
                return [CustomEvent(name=str(event.type), value=payload)]
            case _:
                return []

    def changed(self, view: JSONObject) -> list[BaseEvent]:
        """The state has changed to this; nothing, if it has not."""
        delta = patch(self._view, view)
        self._view = view
        return [StateDeltaEvent(delta=cast("Any", delta))] if delta else []

    def close(self, end: Event | None) -> list[BaseEvent]:
        """End what is open, before the last state is told."""
        response = "" if end is None else str(end.payload.get("response") or "")
        said = self._settle(response) if response and not self._spoke else []
        return [*said, *self._end_text(), *self._enter(None)]

    def end(self, end: Event | None, view: JSONObject) -> list[BaseEvent]:
        """The last state, and how the run ended; None if there was no turn."""
        delta = self.changed(view)
        return [*delta, StateSnapshotEvent(snapshot=view), self._last(end)]

    def messages(self, stored: Sequence[StoredMessage], more: Sequence[JSONObject] = ()) -> BaseEvent:
        """Everything that was said, and the person's message where it is not among that yet."""
        found = [each for each in (_message(self._thread_id, one) for one in stored) if each is not None]
        asked = [UserMessage(id=str(each["id"]), content=each["content"]) for each in more]
        return MessagesSnapshotEvent(messages=[*found, *asked])

    def _enter(self, step: str | None) -> list[BaseEvent]:
        if step == self._step:
            return []
        left, self._step = self._step, step
        found: list[BaseEvent] = [] if left is None else [StepFinishedEvent(step_name=left)]
        if step is None:
            return found
        return [*found, *self.changed({**self._view, "step": step}), StepStartedEvent(step_name=step)]

    def _say(self, text: str) -> list[BaseEvent]:
        if not text:
            return []
        found: list[BaseEvent] = []
        if not self._open:
            self._texts += 1
            self._open = f"{self._name}-{self._texts}"
            found.append(TextMessageStartEvent(message_id=self._open, role="assistant"))
        return [*found, TextMessageContentEvent(message_id=self._open, delta=text)]

    def _correct(self, text: str) -> list[BaseEvent]:
        """What was shown is to be this."""
        rest = self._said.becomes(text.strip())
        if rest is not None:
            return self._say(rest)
        return [*self._withdraw(), *self._say(self._said.more(text.strip()))]

    def _settle(self, text: str) -> list[BaseEvent]:
        """This was said, whole."""
        found = [*self._correct(text), *self._end_text()]
        self._spoke = True
        self._said.begin_again()
        return found

    def _withdraw(self) -> list[BaseEvent]:
        if self._said.is_empty:
            return self._end_text()
        self.has_withdrawn = True
        self._said.begin_again()
        return [*self._end_text(), WITHDRAWN]

    def _end_text(self) -> list[BaseEvent]:
        if not self._open:
            return []
        ended, self._open = self._open, ""
        return [TextMessageEndEvent(message_id=ended)]

    def _of_call(self, event: Event) -> list[BaseEvent]:
        call_id = str(event.payload.get("tool_call_id") or "")
        beside = self._open or None
        text = self._end_text()
        self._said.part()
        if event.type == EventType.TOOL_RESULT:
            content = str(event.payload.get("result") or "")
            return [
                *text,
                ToolCallResultEvent(
                    message_id=f"{self._name}-{call_id}", tool_call_id=call_id, content=content, role="tool"
                ),
            ]
        if event.type == EventType.RUN_PAUSED:
            if not self._may_decide:
                return [*text, CustomEvent(name=str(event.type), value=event.payload)]
            self._paused.append(event)
        if call_id in self._calls:
            return text
        self._calls.add(call_id)
        arguments = json.dumps(event.payload.get("arguments") or {}, ensure_ascii=False, default=str)
        return [
            *text,
            ToolCallStartEvent(
                tool_call_id=call_id, tool_call_name=str(event.payload.get("name")), parent_message_id=beside
            ),
            ToolCallArgsEvent(tool_call_id=call_id, delta=arguments),
            ToolCallEndEvent(tool_call_id=call_id),
        ]

    def _last(self, end: Event | None) -> BaseEvent:
        kind = EventType.RUN_SUCCEEDED if end is None else end.type
        usage = None if end is None else _usage(end.payload.get("usage"))
        if kind in (EventType.RUN_FAILED, EventType.RUN_TIMED_OUT):
            return failed("the turn broke; the person was told so", "turn-failed", usage)
        outcome: RunFinishedOutcome = RunFinishedSuccessOutcome()
        if kind == EventType.RUN_CANCELLED:
            outcome = RunFinishedCancelledOutcome()
        elif self._paused:
            outcome = RunFinishedInterruptOutcome(interrupts=[_interrupt(each.payload) for each in self._paused])
        return RunFinishedEvent(thread_id=self._thread_id, run_id=self._run_id, outcome=outcome, usage=usage)


def failed(message: str, code: str, usage: list[TokenUsage] | None = None) -> BaseEvent:
    """A run that comes to nothing."""
    return RunErrorEvent(message=message, code=code, usage=usage)


def _usage(usage: object) -> list[TokenUsage] | None:
    counted = tokens_of(usage)
    if counted is None:
        return None
    sent, got = counted
    return [TokenUsage(input_tokens=sent, output_tokens=got, total_tokens=sent + got)]


def _interrupt(payload: JSONObject) -> Interrupt:
    return Interrupt(
        id=str(payload["tool_call_id"]),
        # The word by which front ends know that a tool's call waits for a yes or a no.
        reason="tool_call",
        message=str(payload.get("reason") or payload.get("note") or "") or None,
        tool_call_id=str(payload["tool_call_id"]),
        response_schema=DECISION,
        metadata={"tool": payload.get("name"), "arguments": payload.get("arguments")},
    )


def _message(thread_id: str, stored: StoredMessage) -> Message | None:
    body, name = stored.body, f"{thread_id}-{stored.seq}"
    content = body.get("content")
    match body.get("role"):
        case "user":
            return UserMessage(id=name, content=_text(content))
        case "assistant":
            calls = [_tool_call(each) for each in body.get("tool_calls") or ()]
            if not calls and not content:
                return None
            return AssistantMessage(id=name, content=_text(content) or None, tool_calls=calls or None)
        case "tool":
            return ToolMessage(id=name, content=_text(content), tool_call_id=str(body.get("tool_call_id")))
        case _:
            return None


def _tool_call(call: JSONObject) -> ToolCall:
    function: JSONObject = call.get("function") or {}
    return ToolCall(
        id=str(call.get("id")),
        function=FunctionCall(name=str(function.get("name")), arguments=str(function.get("arguments") or "{}")),
    )


def _text(content: Any) -> str:
    if isinstance(content, list):
        blocks = cast("list[JSONObject]", content)
        return "\n".join(str(each["text"]) for each in blocks if each.get("text"))
    return str(content or "")

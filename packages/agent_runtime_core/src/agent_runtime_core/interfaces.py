"""What runs, contexts and model clients have in common, whoever hosts them."""

from __future__ import annotations

import ast
import json
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, TypedDict, cast, runtime_checkable
from uuid import UUID

from agent_runtime_core.errors import ConfigurationError

JSONObject: TypeAlias = dict[str, Any]
"""A JSON object; its values are whatever JSON can hold."""


class EventVisibility(StrEnum):
    """Who may see an event."""

    INTERNAL = "internal"
    DEBUG = "debug"
    USER = "user"


class EventType(StrEnum):
    """The name of an event of a run."""

    RUN_STARTED = "run.started"
    RUN_HEARTBEAT = "run.heartbeat"
    RUN_SUCCEEDED = "run.succeeded"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"
    RUN_TIMED_OUT = "run.timed_out"
    RUN_PAUSED = "run.paused"
    APPROVAL_DECIDED = "approval.decided"
    HANDED_OVER = "conversation.handed_over"
    HANDED_BACK = "conversation.handed_back"
    STEP_ENTERED = "step.entered"
    ASSISTANT_DELTA = "assistant.delta"
    ASSISTANT_RESET = "assistant.reset"
    ASSISTANT_MESSAGE = "assistant.message"
    TOOL_CALL = "tool.call"
    TOOL_RESULT = "tool.result"
    TOOL_REFUSED = "tool.refused"
    STATE_CHECKPOINT = "state.checkpoint"
    ERROR = "error"
    STEP_STARTED = "step.started"
    STEP_COMPLETED = "step.completed"
    STEP_FAILED = "step.failed"
    STEP_SKIPPED = "step.skipped"
    STEP_RETRYING = "step.retrying"
    PROGRESS_UPDATE = "progress.update"


class Message(TypedDict, total=False):
    """One message of a conversation, in the chat-completions shape."""

    role: str
    content: Any
    name: str
    tool_call_id: str
    tool_calls: list[JSONObject]
    metadata: JSONObject


@dataclass
class RunResult:
    """What a run hands back to its host; every field is JSON."""

    final_output: JSONObject = field(default_factory=dict[str, Any])
    final_messages: list[JSONObject] = field(default_factory=list[JSONObject])
    usage: JSONObject = field(default_factory=dict[str, Any])
    artifacts: JSONObject = field(default_factory=dict[str, Any])


@dataclass
class ErrorInfo:
    """What a runtime says of a failure: shown to operators, and the ground for a retry."""

    type: str
    message: str
    stack: str = ""
    retriable: bool = True
    details: JSONObject = field(default_factory=dict[str, Any])


@dataclass
class Tool:
    """A tool of a `ToolRegistry`.

    Attributes:
        name: What the model calls it.
        description: What the model is told of it.
        parameters: JSON Schema of the arguments, an object.
        handler: Called with the arguments as keywords; sync or async.
        has_side_effects: True if running it twice is not the same as once.
        requires_confirmation: True if a person has to agree first.
        metadata: Anything else; not interpreted.
    """

    name: str
    description: str
    parameters: JSONObject
    handler: Callable[..., Any]
    has_side_effects: bool = False
    requires_confirmation: bool = False
    metadata: JSONObject = field(default_factory=dict[str, Any])

    def to_openai_format(self) -> JSONObject:
        """The tool as a chat-completions function."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}


ToolDefinition = Tool


class LLMToolCall(dict[str, Any]):
    """A tool call as the model sent it: the dict itself, with its parts at hand.

    Both `{"id", "function": {"name", "arguments"}}` and `{"id", "name", "arguments"}` are understood.
    """

    @property
    def _function(self) -> Mapping[str, Any]:
        nested = self.get("function")
        return cast("Mapping[str, Any]", nested) if isinstance(nested, Mapping) else self

    @property
    def id(self) -> str:
        """The call's id; empty when the model sent none."""
        return str(self.get("id") or "")

    @property
    def name(self) -> str:
        """The tool's name."""
        return str(self._function.get("name") or "")

    @property
    def arguments(self) -> JSONObject:
        """The arguments as a dict: JSON, else a Python literal, else empty.

        The journey engine does not use this leniency: it tells the model what was wrong instead.
        """
        raw: object = self._function.get("arguments")
        if isinstance(raw, str):
            raw = _parse_literal(raw)
        return cast("JSONObject", raw) if isinstance(raw, dict) else {}


def _parse_literal(text: str) -> object:
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return None


class ToolRegistry:
    """The tools a run may use, by name; a repeated name replaces."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}

    def register(self, tool: Tool) -> None:
        """Add a tool."""
        self._tools[tool.name] = tool

    def get(self, name: str) -> Tool | None:
        """The tool of that name, or None."""
        return self._tools.get(name)

    def list_tools(self) -> list[Tool]:
        """All tools, in the order they were registered."""
        return list(self._tools.values())

    def to_openai_format(self) -> list[JSONObject]:
        """All tools as chat-completions functions."""
        return [tool.to_openai_format() for tool in self._tools.values()]

    get_tool_definitions = to_openai_format

    async def execute(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Run a tool; its own exceptions pass through.

        Raises:
            KeyError: No tool of that name is registered.
        """
        tool = self._tools.get(name)
        if tool is None:
            known = ", ".join(self._tools) or "none"
            raise KeyError(f"no tool {name!r} is registered; known: {known}")
        result: Any = tool.handler(**arguments)
        return await cast("Awaitable[Any]", result) if isinstance(result, Awaitable) else result

    async def execute_with_events(self, tool_call: LLMToolCall, ctx: RunContext) -> Any:
        """Run a tool and report it: `tool.call` before, `tool.result` after."""
        common = {"tool_name": tool_call.name, "tool_call_id": tool_call.id}
        await ctx.emit(EventType.TOOL_CALL, {**common, "tool_args": tool_call.arguments})
        result = await self.execute(tool_call.name, tool_call.arguments)
        await ctx.emit(EventType.TOOL_RESULT, {**common, "result": result})
        return result


@runtime_checkable
class RunContext(Protocol):
    """What a host gives a runtime for one run."""

    @property
    def run_id(self) -> UUID:
        """This run."""
        ...

    @property
    def conversation_id(self) -> UUID | str | None:
        """The conversation the run belongs to, if any."""
        ...

    @property
    def input_messages(self) -> list[JSONObject]:
        """The messages to answer, oldest first."""
        ...

    @property
    def params(self) -> JSONObject:
        """Options of this run."""
        ...

    @property
    def metadata(self) -> JSONObject:
        """Whatever the host wants to pass along."""
        ...

    @property
    def tool_registry(self) -> ToolRegistry:
        """Tools the host provides."""
        ...

    async def emit(self, event_type: EventType | str, payload: JSONObject) -> None:
        """Report an event."""
        ...

    async def emit_user_message(self, content: str) -> None:
        """Report a message to the person."""
        ...

    async def emit_error(self, error: str, details: JSONObject | None = None) -> None:
        """Report a problem."""
        ...

    async def checkpoint(self, state: JSONObject) -> None:
        """Keep the state of this run."""
        ...

    async def get_state(self) -> JSONObject | None:
        """The last checkpoint, or None."""
        ...

    def cancelled(self) -> bool:
        """True once somebody asked the run to stop."""
        ...


class AgentRuntime(ABC):
    """Something a host can run: subclass it and register it with `register_runtime`."""

    @property
    @abstractmethod
    def key(self) -> str:
        """The name under which hosts find it."""

    @abstractmethod
    async def run(self, ctx: RunContext) -> RunResult:
        """Do the work of one run."""

    async def cancel(self, ctx: RunContext) -> None:  # noqa: B027  a runtime without clean-up is complete
        """Clean up after a cancelled run; nothing by default."""

    async def on_error(self, ctx: RunContext, error: Exception) -> ErrorInfo:
        """Describe a failure, and say whether trying again may help."""
        return ErrorInfo(type=type(error).__name__, message=str(error), retriable=True)


@dataclass
class LLMResponse:
    """A model's whole reply.

    Attributes:
        message: The assistant message, with `content` and, if there are any, `tool_calls`.
        usage: Token counts; at least `prompt_tokens`, `completion_tokens`, `total_tokens` where known.
        model: The model that answered.
        finish_reason: Why it stopped, in the provider's word.
        raw_response: The vendor's object.
    """

    message: JSONObject
    usage: JSONObject = field(default_factory=dict[str, Any])
    model: str = ""
    finish_reason: str = ""
    raw_response: Any = None

    @property
    def content(self) -> str:
        """The text; empty when there is none."""
        return self.message.get("content") or ""

    @property
    def tool_calls(self) -> list[LLMToolCall] | None:
        """The tool calls, or None."""
        calls = self.message.get("tool_calls")
        return [LLMToolCall(call) for call in calls] if calls else None


@dataclass
class LLMStreamChunk:
    """A piece of a reply while it is being written.

    Attributes:
        delta: Text to append; may be empty.
        tool_calls: Calls that are now complete, in the shape of `LLMResponse.message["tool_calls"]`.
        finish_reason: Set on the last chunk.
        usage: Set when the provider reports it, usually on the last chunk.
        message: On the last chunk, if the client can say: the whole message, as `generate` would have returned it.
        reset: True takes back every piece so far: the reply begins again. Only sent to callers that asked for it.
    """

    delta: str = ""
    tool_calls: list[JSONObject] | None = None
    finish_reason: str | None = None
    usage: JSONObject | None = None
    message: JSONObject | None = None
    reset: bool = False


class LLMClient(ABC):
    """A model behind a uniform interface."""

    @abstractmethod
    async def generate(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        stream: bool = False,
        tools: Sequence[Mapping[str, Any]] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        **kwargs: Any,
    ) -> LLMResponse:
        """Answer `messages`; `tools` are chat-completions functions, other options go to the provider."""

    @abstractmethod
    def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[LLMStreamChunk]:
        """Answer `messages` piece by piece."""


class TraceSink(ABC):
    """Where an exporter of traces plugs in."""

    @abstractmethod
    def start_run(self, run_id: UUID, metadata: JSONObject) -> None:
        """A run begins."""

    @abstractmethod
    def log_event(self, run_id: UUID, event_type: str, payload: JSONObject) -> None:
        """Something happened in it."""

    @abstractmethod
    def end_run(self, run_id: UUID, outcome: str, metadata: JSONObject | None = None) -> None:
        """It ended."""

    @abstractmethod
    def flush(self) -> None:
        """Send what is buffered."""


# Unicode's category Cc, and lone surrogates.
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def conversation_key(conversation_id: UUID | str) -> str:
    """A conversation id as the text under which everything is stored.

    Raises:
        ConfigurationError: It is empty, longer than 255 characters, or holds a control character or half of a
            surrogate pair, neither of which every store and every log can keep.
    """
    text = str(conversation_id)
    if not text or len(text) > 255 or _UNSTORABLE.search(text):
        raise ConfigurationError(
            f"conversation_id {text[:80]!r} cannot be used; "
            "expected 1 to 255 characters, none of them a control character"
        )
    return text

"""A model that follows a script and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from agent_runtime_core.interfaces import JSONObject, LLMClient, LLMResponse, LLMStreamChunk
from agent_runtime_framework.messages import text_of

PIECE = 10
"""How many characters a streamed piece has unless the script says otherwise."""

USAGE: Mapping[str, Any] = {"prompt_tokens": 10, "completion_tokens": 20}
"""What every scripted reply costs unless it says otherwise; the same as with `MockLLMClient`."""


class ScriptError(AssertionError):
    """The model was asked for a reply that the script does not hold."""


@dataclass(frozen=True, slots=True)
class Say:
    """A text reply; `say` makes one."""

    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call; `call` makes one."""

    tool: str
    arguments: Mapping[str, Any]


def say(text: str) -> Say:
    """A reply in words."""
    return Say(text)


def call(tool: str, /, **arguments: Any) -> Call:
    """A reply that calls a tool: `call("save_name", name="Ada")`."""
    return Call(tool, arguments)


@dataclass(frozen=True, slots=True)
class ScriptedRequest:
    """One request the model got, as it was then.

    Attributes:
        messages: As sent, the system prompt included.
        tools: As sent; None if none were.
        options: Everything else that was sent, such as `tool_choice`.
    """

    messages: list[JSONObject]
    tools: list[JSONObject] | None = None
    options: JSONObject = field(default_factory=dict[str, Any])

    @property
    def system(self) -> str:
        """The system prompt; empty if there is none."""
        return "\n\n".join(text_of(each.get("content")) for each in self.messages if each.get("role") == "system")

    @property
    def tool_names(self) -> list[str]:
        """The offered tools, in the order they were sent."""
        return [tool["function"]["name"] for tool in self.tools or ()]


Part: TypeAlias = str | Say | Call
ScriptedReply: TypeAlias = Part | Sequence[Part] | Mapping[str, Any] | LLMResponse | BaseException
"""Words, a call, a list of both (one reply), a raw assistant message, a whole response, or what is to be raised."""

Script: TypeAlias = ScriptedReply | Callable[[ScriptedRequest], ScriptedReply]
"""A reply, or a function that makes it from the request."""


class ScriptedLLM(LLMClient):
    """Gives one scripted reply per request, in order.

    >>> llm = ScriptedLLM(call("save_name", name="Ada"), say("And your email?"))

    Args:
        script: The replies. A plain text is words; a list of texts and calls is one reply; a mapping is an assistant
            message, handed on as it is; an exception is raised; a function is given the request and returns any of
            these.
        pieces: How many characters each streamed piece has; the last number is used for the rest. None makes a
            client that cannot stream: `stream` raises `NotImplementedError`.
        usage: What every reply reports.

    Attributes:
        requests: What was asked, oldest first.
    """

    def __init__(
        self,
        *script: Script,
        pieces: int | Sequence[int] | None = PIECE,
        usage: Mapping[str, Any] = USAGE,
    ) -> None:
        self.requests: list[ScriptedRequest] = []
        self._script = list(script)
        self._next = 0
        self._pieces = (pieces,) if isinstance(pieces, int) else pieces
        self._usage = usage
        self._call_count = 0

    @property
    def remaining(self) -> int:
        """How many replies have not been asked for."""
        return len(self._script) - self._next

    def extend(self, *script: Script) -> None:
        """Add replies to the end of the script."""
        self._script += script

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
        """The next reply.

        Raises:
            ScriptError: The script has ended.
        """
        given = {"model": model, "temperature": temperature, "max_tokens": max_tokens, "stream": stream or None}
        options = {name: value for name, value in given.items() if value is not None}
        return self._answer(messages, tools, {**options, **kwargs})

    async def stream(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        model: str | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[LLMStreamChunk]:
        """The next reply in pieces; calls and usage come with the last chunk.

        Raises:
            NotImplementedError: This client was made without `pieces`.
            ScriptError: The script has ended.
        """
        if self._pieces is None:
            raise NotImplementedError("this ScriptedLLM was made with pieces=None; it only generates")
        options = kwargs if model is None else {"model": model, **kwargs}
        response = self._answer(messages, tools, options)
        message = response.message
        for piece in _cut(text_of(message.get("content")), self._pieces):
            yield LLMStreamChunk(delta=piece)
        yield LLMStreamChunk(
            tool_calls=message.get("tool_calls"), finish_reason=response.finish_reason, usage=response.usage
        )

    def _answer(
        self, messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]] | None, options: JSONObject
    ) -> LLMResponse:
        seen = [deepcopy(dict(message)) for message in messages]
        offered = None if tools is None else [deepcopy(dict(tool)) for tool in tools]
        request = ScriptedRequest(seen, offered, options)
        self.requests.append(request)
        if self._next >= len(self._script):
            raise ScriptError(
                f"the script holds {len(self._script)} replies, and the model was asked for one more; "
                f"the last message was {messages[-1] if messages else None!r:.300}, "
                f"offered were: {', '.join(request.tool_names) or 'no tools'}"
            )
        reply = self._script[self._next]
        self._next += 1
        if callable(reply):
            reply = reply(request)
        return self._response(reply)

    def _response(self, reply: ScriptedReply) -> LLMResponse:
        if isinstance(reply, BaseException):
            raise reply
        if isinstance(reply, LLMResponse):
            return reply
        if isinstance(reply, Mapping):
            message: JSONObject = dict(reply)
        else:
            message = self._message([reply] if isinstance(reply, (str, Say, Call)) else reply)
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        return LLMResponse(message=message, usage=dict(self._usage), model="scripted", finish_reason=reason)

    def _message(self, parts: Sequence[Part]) -> JSONObject:
        texts = [part.text if isinstance(part, Say) else part for part in parts if not isinstance(part, Call)]
        calls = [self._wire(part) for part in parts if isinstance(part, Call)]
        message: JSONObject = {"role": "assistant", "content": "".join(texts) or None}
        return {**message, "tool_calls": calls} if calls else message

    def _wire(self, part: Call) -> JSONObject:
        self._call_count += 1
        arguments = json.dumps(dict(part.arguments), ensure_ascii=False)
        function = {"name": part.tool, "arguments": arguments}
        return {"id": f"call_{self._call_count}", "type": "function", "function": function}


def _cut(text: str, sizes: Sequence[int]) -> Iterator[str]:
    position = 0
    index = 0
    while position < len(text):
        size = max(1, sizes[min(index, len(sizes) - 1)])
        yield text[position : position + size]
        position += size
        index += 1

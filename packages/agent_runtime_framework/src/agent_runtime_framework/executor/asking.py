"""How a model is asked: whole replies through `generate`, or piece by piece through `stream`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

from agent_runtime_core.errors import ProviderUnavailable, RunError
from agent_runtime_core.interfaces import EventType, JSONObject
from agent_runtime_framework.events import Emitter
from agent_runtime_framework.executor.preview import Preview
from agent_runtime_framework.executor.reply import read_reply
from agent_runtime_framework.executor.turn import Reply
from agent_runtime_framework.toolcalls import MAPPING, call_entries
from agent_runtime_framework.tools.compiled import OfferedTool
from agent_runtime_framework.tools.offer import Offer


@runtime_checkable
class LLMClient(Protocol):
    """A model, as the engine needs it: any object with such a `generate`."""

    async def generate(
        self, messages: list[JSONObject], *, tools: list[JSONObject] | None = None, **kwargs: Any
    ) -> Any:
        """A reply: an object with `message`, a dict with `content` and perhaps `tool_calls`, and perhaps `usage`."""
        ...


class Request(NamedTuple):
    """One model request.

    Attributes:
        messages: In wire form, the system prompt first.
        offer: The tools; None or an empty one sends none.
        requires_tool: Ask for a tool call, if there are tools.
        shown: What the person has been shown in this turn already; a reset leaves it standing.
        catalog: All tools of the journey in wire form, by name, where the list shall stay the same from request to
            request; None sends what is offered and nothing else.
    """

    messages: list[JSONObject]
    offer: Offer | None
    requires_tool: bool = False
    shown: str = ""
    catalog: Mapping[str, JSONObject] | None = None

    @property
    def wire_tools(self) -> list[JSONObject] | None:
        """The tools in wire form."""
        return self.offer.wire if self.offer is not None else None

    @property
    def tools(self) -> Mapping[str, OfferedTool]:
        """The tools by name."""
        return self.offer.tools if self.offer is not None else _NO_TOOLS

    @property
    def must_call(self) -> bool:
        """True if the model is asked for a tool call, and text alone is not what is wanted."""
        offer = self.offer
        if offer is None or not offer.tools or offer.closed is not None:
            return False
        return self.requires_tool or offer.requires_call

    @property
    def options(self) -> JSONObject:
        """Further options; empty whenever possible, since a client need not know any."""
        if self.offer is not None and self.offer.closed is not None and self.offer.tools:
            # Tools that the history uses are switched off, never hidden: providers want to see their schemas.
            return {"tool_choice": "none"}
        return {"tool_choice": "required"} if self.must_call else _NO_OPTIONS

    def sent_to(self, client: LLMClient) -> tuple[list[JSONObject] | None, JSONObject]:
        """The tools and options for a client; only one that knows `allowed_tools` is sent the whole catalog."""
        if not self.catalog or getattr(client, "supports_allowed_tools", False) is not True:
            return self.wire_tools, self.options
        # What is offered wins: two steps may have different tools of one name.
        tools = {**self.catalog, **{name: tool.wire for name, tool in self.tools.items()}}
        return list(tools.values()), {**self.options, "allowed_tools": list(self.tools)}


_NO_TOOLS: Mapping[str, OfferedTool] = {}
_NO_OPTIONS: JSONObject = {}


class Model(Protocol):
    """A way of asking."""

    async def ask(self, request: Request, emitter: Emitter) -> Reply:
        """The reply, read; what the person may see of it is emitted on the way."""
        ...


class WholeReplies:
    """Asks through `generate`."""

    def __init__(self, client: LLMClient) -> None:
        self._client = client

    async def ask(self, request: Request, emitter: Emitter) -> Reply:
        """The reply; its text is emitted as one delta."""
        tools, options = request.sent_to(self._client)
        response = await self._client.generate(request.messages, tools=tools, **options)
        message = getattr(response, "message", None)
        if response is None or (message is None and not hasattr(response, "message")):
            raise RunError(
                f"{type(self._client).__name__}.generate returned {response!r:.200}; expected an object with a "
                "`message` dict, such as agent_runtime_core.LLMResponse"
            )
        reply = read_reply(message, _usage(getattr(response, "usage", None)), request.tools)
        if emitter and reply.text:
            emitter.emit(EventType.ASSISTANT_DELTA, {"delta": reply.text})
        return reply


class StreamedReplies:
    """Asks through `stream`, and through `generate` where a client has no stream that works."""

    def __init__(self, client: LLMClient) -> None:
        self._client = client

    async def ask(self, request: Request, emitter: Emitter) -> Reply:
        """The reply; its text is emitted as it comes, as far as it cannot be a call."""
        open_stream = getattr(self._client, "stream", None)
        if not callable(open_stream):
            return await WholeReplies(self._client).ask(request, emitter)
        tools, options = request.sent_to(self._client)
        if getattr(self._client, "supports_reset", False) is True:
            options = {**options, "allow_reset": True}
        live = _LiveReply(request, emitter)
        try:
            stream: Any = open_stream(request.messages, tools=tools, **options)
            if inspect.isawaitable(stream):
                stream = await stream
            async for chunk in stream:
                live.take(chunk)
        except NotImplementedError:
            live.begin_again()
            return await WholeReplies(self._client).ask(request, emitter)
        return live.settle()


class TimedReplies:
    """Asks as another way does, and waits no longer than a turn may.

    Args:
        model: The other way.
        seconds: How long after the first request a turn may still wait for one.
    """

    def __init__(self, model: Model, seconds: float) -> None:
        self._model = model
        self._seconds = seconds
        self._ends: float | None = None

    async def ask(self, request: Request, emitter: Emitter) -> Reply:
        """The reply.

        Raises:
            ProviderUnavailable: It did not come in time.
        """
        from agent_runtime_core.llm.deadline import turn_deadline

        now = asyncio.get_running_loop().time()
        if self._ends is None:
            self._ends = now + self._seconds
        left = max(0.0, self._ends - now)
        deadline = asyncio.timeout(left)
        try:
            # Our clients plan their retries by it; of a client that does not know it, no more is awaited.
            async with deadline:
                with turn_deadline(left):
                    return await self._model.ask(request, emitter)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise _too_late(self._seconds) from error


def _too_late(seconds: float) -> ProviderUnavailable:
    error = ProviderUnavailable(
        f"the model did not answer within the turn's {seconds:g} seconds; allow more time (deadline=) or a faster model"
    )
    error.is_retryable = False
    return error


class _LiveReply:
    """A reply while it is being written."""

    def __init__(self, request: Request, emitter: Emitter) -> None:
        self._request = request
        self._emitter = emitter
        self._clear()

    def take(self, chunk: Any) -> None:
        """Take in a chunk, and show what of it may be shown."""
        if getattr(chunk, "reset", False):
            self.begin_again()
        delta = chunk.delta
        if isinstance(delta, str) and (shown := self._preview.feed(delta)):
            self._emitter.emit(EventType.ASSISTANT_DELTA, {"delta": shown})
        self._calls += call_entries(chunk.tool_calls)
        self._usage = _usage(chunk.usage) or self._usage
        self._message = getattr(chunk, "message", None) or self._message

    def begin_again(self) -> None:
        """Forget everything, and take back what was shown."""
        if self._preview.released:
            self._emitter.emit(EventType.ASSISTANT_RESET, {"text": self._request.shown})
        self._clear()

    def settle(self) -> Reply:
        """The reply, now that it is whole; what was shown is brought in line with it."""
        message = self._message or {"content": self._preview.text, "tool_calls": self._calls}
        reply = read_reply(message, self._usage, self._request.tools)
        released = self._preview.released
        if not reply.text.startswith(released):
            self._emitter.emit(EventType.ASSISTANT_RESET, {"text": f"{self._request.shown}{reply.text}"})
        elif rest := reply.text[len(released) :]:
            self._emitter.emit(EventType.ASSISTANT_DELTA, {"delta": rest})
        return reply

    def _clear(self) -> None:
        self._preview = Preview(self._request.tools, holds_all=self._request.must_call)
        self._calls: list[Mapping[str, Any]] = []
        self._usage: Mapping[str, Any] | None = None
        self._message: Mapping[str, Any] | None = None


def _usage(usage: object) -> Mapping[str, Any] | None:
    if usage is None or isinstance(usage, MAPPING):
        return cast("Mapping[str, Any] | None", usage)
    dump = getattr(usage, "model_dump", None)
    return cast("Mapping[str, Any]", dump()) if callable(dump) else None


def system_message(prompt: str | list[JSONObject] | None) -> Sequence[JSONObject]:
    """The prompt, text or blocks of text, as the first messages of a request."""
    return ({"role": "system", "content": prompt},) if prompt else ()

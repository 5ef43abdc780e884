"""Anthropic's Claude. The only module that imports `anthropic`."""

from __future__ import annotations

import inspect
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, ClassVar, cast

try:
    from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient, transform_schema
    from anthropic.resources.messages import AsyncMessages
except ImportError as error:
    raise ImportError(
        "AnthropicClient needs the anthropic package; install agent_runtime_core[anthropic] "
        "(or agent_runtime_framework[anthropic])"
    ) from error

from agent_runtime_core.config import get_config
from agent_runtime_core.errors import AnthropicConfigurationError
from agent_runtime_core.interfaces import JSONObject, LLMResponse, LLMStreamChunk
from agent_runtime_core.llm.anthropic_messages import (
    mark_turns,
    paired,
    reply_message,
    token_usage,
    tool_declarations,
    turns,
)
from agent_runtime_core.llm.chat_stream import close_stream
from agent_runtime_core.llm.client import DEFAULT_TIMEOUT, ModelRequest, ProviderClient
from agent_runtime_core.llm.failures import cut_off, filtered, not_an_answer, provider_error
from agent_runtime_core.llm.layout import lay_out
from agent_runtime_core.llm.models import DEFAULT_CLAUDE, configured_model
from agent_runtime_core.llm.retry import Pacing, RetryPolicy
from agent_runtime_core.llm.structured import OutputFormat, output_format
from agent_runtime_core.llm.tooling import choice_mode, chosen_tool, narrowed
from agent_runtime_core.masking import register_secret

__all__ = ["AnthropicClient", "AnthropicConfigurationError"]

DEFAULT_MAX_TOKENS = 4096

_KNOWN_OPTIONS = frozenset(inspect.signature(AsyncMessages.create).parameters) - {"self"}
_CREDENTIALS = ("auth_token", "credentials", "config", "profile", "http_client")
_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
_MODES = {"auto": "auto", "none": "none", "required": "any"}

# Models that take no system message between the turns, and models that know no output schema.
_SYSTEM_IN_FRONT = re.compile(
    r"claude-(?:[123]|instant|(?:sonnet|haiku)-4|opus-4-[0-7]\b|opus-4-20|opus-4@|sonnet-5\b)"
)
_WITHOUT_SCHEMA = re.compile(r"claude-(?:[123]|instant|(?:sonnet|opus)-4-(?:20|0))")
_REPLY_TOOL = "reply"


class AnthropicClient(ProviderClient):
    """Claude; see `ProviderClient` for the options of a request.

    `stop`, `parallel_tool_calls` and `user` are understood as in chat completions.
    """

    provider: ClassVar[str] = "anthropic"

    def __init__(
        self,
        api_key: str | None = None,
        default_model: str | None = None,
        *,
        base_url: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        retry: RetryPolicy | None = None,
        max_concurrency: int | None = None,
        pacing: Pacing | None = None,
        prompt_caching: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Prepare the client; nothing is connected yet.

        Args:
            api_key: Else the configured one.
            default_model: Else the configured one.
            base_url: Address of a compatible server.
            timeout: Seconds without a byte.
            retry: See `ProviderClient`.
            max_concurrency: See `ProviderClient`.
            pacing: See `ProviderClient`.
            prompt_caching: True marks the end of the turns for the provider's cache, False never does; by default it
                is marked where the system prompt is (see `layout`). Marks in the messages are sent in any case.
            **kwargs: For the SDK's client.

        Raises:
            AnthropicConfigurationError: There is no key.
        """
        config = get_config()
        self._base_url = base_url or config.get_anthropic_base_url()
        has_credentials = any(kwargs.get(name) is not None for name in _CREDENTIALS)
        self._api_key = api_key or (None if has_credentials else config.get_anthropic_api_key())
        if not self._api_key and not has_credentials:
            raise AnthropicConfigurationError(
                "no Anthropic API key: pass api_key=, call configure(anthropic_api_key=...), or set ANTHROPIC_API_KEY"
            )
        self._options: dict[str, Any] = {"timeout": timeout, **kwargs}
        self._caching = prompt_caching
        register_secret(self._api_key or "")
        super().__init__(
            default_model=default_model or configured_model("anthropic") or DEFAULT_CLAUDE,
            retry=retry,
            max_concurrency=max_concurrency,
            pacing=pacing,
        )

    def _connect(self) -> Any:
        # The SDK's own default tries to close itself when it is collected, in whatever loop runs by then.
        pool: dict[str, Any] = {} if "http_client" in self._options else {"http_client": DefaultAsyncHttpxClient()}
        options: dict[str, Any] = {"max_retries": 0, **pool, **self._options}
        return AsyncAnthropic(api_key=self._api_key, base_url=self._base_url, **options)

    def _validate_tool_call_pairs(self, messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        return paired(messages)

    async def _complete(self, request: ModelRequest) -> LLMResponse:
        reply = await self._vendor().messages.create(**self._parameters(request))
        content = getattr(reply, "content", None)
        if content is None or isinstance(reply, str):
            raise not_an_answer(self.provider, reply)
        blocks = [_block(each) for each in content]
        message = self._message(request, blocks, reply.stop_reason)
        usage = token_usage(_counts(reply.usage))
        return LLMResponse(message, usage, reply.model, reply.stop_reason or "", reply)

    async def _begin(self, request: ModelRequest) -> AsyncGenerator[LLMStreamChunk, None]:
        stream = await self._vendor().messages.create(**self._parameters(request), stream=True)
        return self._chunks(request, stream)

    async def _chunks(self, request: ModelRequest, stream: Any) -> AsyncGenerator[LLMStreamChunk, None]:
        if not hasattr(stream, "__aiter__"):
            raise not_an_answer(self.provider, stream)
        reply = _Assembler()
        try:
            async for event in stream:
                text = reply.add(event)
                if text:
                    yield LLMStreamChunk(delta=text)
        except Exception as exc:
            # Behind the stop reason nothing is to come: the reply is complete.
            if reply.stop_reason is None or provider_error(self.provider, exc) is None:
                raise
        finally:
            await close_stream(stream)
        if reply.stop_reason is None:
            raise cut_off(self.provider)
        message = self._message(request, reply.blocks(), reply.stop_reason)
        if request.response_format is not None and message["content"] and not reply.has_text:
            yield LLMStreamChunk(delta=message["content"])
        yield LLMStreamChunk(
            tool_calls=message.get("tool_calls"),
            finish_reason=reply.stop_reason,
            usage=token_usage(reply.counted),
            message=message,
        )

    def _message(self, request: ModelRequest, blocks: list[JSONObject], stop_reason: str | None) -> JSONObject:
        if request.response_format is not None:
            blocks = [_reply_as_text(block) for block in blocks]
        message = reply_message(blocks)
        if stop_reason == "refusal" and not message["content"] and not message.get("tool_calls"):
            raise filtered(self.provider, stop_reason)
        return message

    def _parameters(self, request: ModelRequest) -> JSONObject:
        options = dict(request.options)
        _translate_options(options)
        layout = lay_out(request.messages)
        messages = turns(layout.turns)
        parameters: JSONObject = {
            "model": request.model,
            "max_tokens": options.pop("max_tokens", DEFAULT_MAX_TOKENS),
        }
        tail = layout.tail
        tools, is_history = tool_declarations(request.tools, layout.turns)
        if tools:
            parameters["tools"] = tools
            parameters |= _choice(request, is_history, parallel=options.pop("parallel_tool_calls", True))
            tail = "\n\n".join(text for text in (tail, _offer(request)) if text)
        caching = layout.is_marked if self._caching is None else self._caching
        if caching:
            used = sum("cache_control" in block for block in [*layout.head, *tools])
            mark_turns(messages, used)
        head = _place_tail(messages, layout.head, tail, request.model)
        parameters["messages"] = messages
        if head:
            parameters["system"] = head if layout.is_marked or len(head) > 1 else head[0]["text"]
        if request.response_format is not None and (wanted := output_format(request.response_format)) is not None:
            _ask_for(wanted, parameters, options, request.model)
        unknown = {name: options.pop(name) for name in list(options) if name not in _KNOWN_OPTIONS}
        if unknown:
            options["extra_body"] = {**unknown, **(options.get("extra_body") or {})}
        return {**parameters, **options}


def _translate_options(options: JSONObject) -> None:
    stop = options.pop("stop", None)
    if stop is not None:
        options["stop_sequences"] = [stop] if isinstance(stop, str) else list(stop)
    user = options.pop("user", None)
    if user is not None:
        options.setdefault("metadata", {"user_id": user})


def _choice(request: ModelRequest, is_history: bool, *, parallel: bool) -> JSONObject:
    kept = narrowed(request.tools, request.allowed_tools)
    if is_history or kept == []:
        return {"tool_choice": {"type": "none"}}
    name = chosen_tool(request.tool_choice)
    mode = _MODES.get(choice_mode(request.tool_choice) or "")
    choice: JSONObject
    if name is None and mode == "any" and kept is not None and len(kept) == 1:
        name = kept[0]
    if name is not None:
        choice = {"type": "tool", "name": name}
    elif mode is not None:
        choice = {"type": mode}
    elif isinstance(request.tool_choice, Mapping):
        choice = dict(cast("Mapping[str, Any]", request.tool_choice))
    elif parallel:
        return {}
    else:
        choice = {"type": "auto"}
    if not parallel and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tool_choice": choice}


def _offer(request: ModelRequest) -> str:
    """What says which of the tools may be used now: the API has no option for it, and the list has to stay the same."""
    kept = narrowed(request.tools, request.allowed_tools)
    return f"Tools you may use now: {', '.join(kept)}." if kept else ""


def _place_tail(messages: list[JSONObject], head: list[JSONObject], tail: str, model: str) -> list[JSONObject]:
    """Put the tail behind the turns, where the model takes it there; returns the system prompt in front."""
    if not tail:
        return head
    block = {"type": "text", "text": tail}
    if messages[-1]["role"] != "user" or _SYSTEM_IN_FRONT.search(model):
        return [*head, block]
    messages.append({"role": "system", "content": tail})
    return head


def _ask_for(wanted: OutputFormat, parameters: JSONObject, options: JSONObject, model: str) -> None:
    if wanted.schema is not None and not _WITHOUT_SCHEMA.search(model):
        form = {"type": "json_schema", "schema": transform_schema(wanted.schema)}
        options["output_config"] = {**(options.get("output_config") or {}), "format": form}
        return
    # Without output schemas the form is a tool's, which the model has to call; with other tools on offer it may.
    schema = wanted.schema or {"type": "object"}
    others: list[JSONObject] = parameters.get("tools") or []
    reply = {"name": _REPLY_TOOL, "description": "Give the final reply in this form.", "input_schema": schema}
    parameters["tools"] = [*others, reply]
    is_switched_off = parameters.get("tool_choice") == {"type": "none"}
    forced = {"type": "tool", "name": _REPLY_TOOL}
    parameters["tool_choice"] = forced if not others or is_switched_off else {"type": "any"}


def _reply_as_text(block: JSONObject) -> JSONObject:
    if block["type"] != "tool_use" or block["name"] != _REPLY_TOOL:
        return block
    return {"type": "text", "text": reply_message([block])["tool_calls"][0]["function"]["arguments"]}


def _block(block: Any) -> JSONObject:
    match block.type:
        case "text":
            return {"type": "text", "text": block.text}
        case "tool_use":
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": block.input}
        case _:
            return block.model_dump(exclude_none=True)


def _counts(usage: Any) -> JSONObject:
    counted = {name: getattr(usage, name, None) for name in _COUNTS}
    details = getattr(usage, "output_tokens_details", None)
    counted["thinking_tokens"] = getattr(details, "thinking_tokens", None)
    return {name: count for name, count in counted.items() if isinstance(count, int)}


class _Assembler:
    """Puts the events of a stream together.

    Attributes:
        stop_reason: Set once the reply is complete.
        counted: Token counts so far, in the API's names.
        has_text: True once text was handed out.
    """

    def __init__(self) -> None:
        self.stop_reason: str | None = None
        self.counted: JSONObject = {}
        self.has_text = False
        self._blocks: dict[int, JSONObject] = {}
        self._parts: dict[int, list[str]] = {}

    def add(self, event: Any) -> str:
        """Take in one event; returns the text to append."""
        match event.type:
            case "content_block_delta":
                return self._add_delta(event.index, event.delta)
            case "content_block_start":
                self._blocks[event.index] = _block(event.content_block)
                self._parts[event.index] = []
                return self._blocks[event.index].get("text") or ""
            case "message_start":
                self.counted.update(_counts(event.message.usage))
            case "message_delta":
                self.counted.update(_counts(event.usage))
                self.stop_reason = event.delta.stop_reason or self.stop_reason
            case _:
                pass
        return ""

    def blocks(self) -> list[JSONObject]:
        """The content blocks, in order."""
        return [self._finished(index, block) for index, block in sorted(self._blocks.items())]

    def _add_delta(self, index: int, delta: Any) -> str:
        parts = self._parts[index]
        match delta.type:
            case "text_delta":
                parts.append(delta.text)
                self.has_text = True
                return delta.text
            case "input_json_delta":
                parts.append(delta.partial_json)
            case "thinking_delta":
                parts.append(delta.thinking)
            case "signature_delta":
                self._blocks[index]["signature"] = delta.signature
            case _:
                pass
        return ""

    def _finished(self, index: int, block: JSONObject) -> JSONObject:
        written = "".join(self._parts[index])
        match block["type"]:
            case "text":
                return {**block, "text": block["text"] + written}
            case "thinking":
                return {**block, "thinking": written}
            case "tool_use":
                return {**block, "input": written or block["input"]}
            case _:
                return block

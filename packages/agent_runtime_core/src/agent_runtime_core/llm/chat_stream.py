"""Streams of the chat-completions protocol, put together.

A reply is complete once its finish reason is there: what ends without one was cut off, however politely.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from agent_runtime_core.interfaces import JSONObject, LLMStreamChunk
from agent_runtime_core.llm.chat import call_extra, chat_usage, plain_text, refuse_filtered
from agent_runtime_core.llm.failures import cut_off, not_an_answer, provider_error


async def chat_stream(provider: str, stream: Any) -> AsyncGenerator[LLMStreamChunk, None]:
    """The pieces of an SDK's stream; the last one has everything but the text."""
    if not hasattr(stream, "__aiter__"):
        raise not_an_answer(provider, stream)
    reply = ChatAssembler()
    try:
        async for chunk in stream:
            text = reply.add(chunk)
            if text:
                yield LLMStreamChunk(delta=text)
    except Exception as exc:
        # Behind the finish reason only the usage is still to come: the reply is complete without it.
        if reply.finish_reason is None or provider_error(provider, exc) is None:
            raise
    finally:
        await close_stream(stream)
    # LiteLLM makes up a finish reason where a stream was cut; it keeps apart what came over the wire.
    if reply.finish_reason is None or getattr(stream, "received_finish_reason", "") is None:
        raise cut_off(provider)
    message = reply.message()
    refuse_filtered(provider, message, reply.finish_reason)
    yield LLMStreamChunk(
        tool_calls=message.get("tool_calls"), finish_reason=reply.finish_reason, usage=reply.usage, message=message
    )


async def close_stream(stream: Any) -> None:
    """Give a stream's connection back, whatever the SDK calls that."""
    for name in ("close", "aclose"):
        close = getattr(stream, name, None)
        if close is not None:
            closing = close()
            if inspect.isawaitable(closing):
                await closing
            return


@dataclass(slots=True)
class _CallSoFar:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list[str])
    extra: JSONObject = field(default_factory=dict[str, Any])

    def finished(self) -> JSONObject:
        named = {"name": self.name, "arguments": "".join(self.arguments) or "{}"}
        return {**self.extra, "id": self.id, "type": "function", "function": named}


class ChatAssembler:
    """Puts the chunks of a stream together.

    Attributes:
        finish_reason: Set once the reply is complete.
        usage: Set once the provider reported it.
    """

    def __init__(self) -> None:
        self.finish_reason: str | None = None
        self.usage: JSONObject | None = None
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: list[_CallSoFar] = []
        self._by_index: dict[int, _CallSoFar] = {}

    def add(self, chunk: Any) -> str:
        """Take in one chunk; returns the text to append."""
        if getattr(chunk, "usage", None) is not None:
            self.usage = chat_usage(chunk.usage)
        choices = getattr(chunk, "choices", None)
        if not choices:
            return ""
        choice = choices[0]
        if choice.finish_reason:
            self.finish_reason = choice.finish_reason
        delta = choice.delta
        if delta is None:
            return ""
        for part in delta.tool_calls or ():
            self._add_call(part)
        refusal = plain_text(getattr(delta, "refusal", None))
        if refusal:
            self._refusal.append(refusal)
        text = plain_text(delta.content) or refusal
        if text:
            self._text.append(text)
        return text

    def message(self) -> JSONObject:
        """The assistant message so far."""
        message: JSONObject = {"role": "assistant", "content": "".join(self._text)}
        if self._refusal:
            message["refusal"] = "".join(self._refusal)
        if self._calls:
            message["tool_calls"] = [call.finished() for call in self._calls]
        return message

    def _add_call(self, part: Any) -> None:
        index = part.index if isinstance(part.index, int) else 0
        call = self._by_index.get(index)
        # Some servers number every parallel call 0; a new id is then the only sign of a new call.
        if call is None or (part.id and call.id and part.id != call.id):
            call = self._by_index[index] = _CallSoFar()
            self._calls.append(call)
        call.id = call.id or part.id or ""
        call.extra.update(call_extra(part))
        if part.function is not None:
            call.name = call.name or part.function.name or ""
            if part.function.arguments:
                call.arguments.append(part.function.arguments)

"""Replies and faults as OpenAI's chat completions put them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from agent_runtime_core.fake_provider.script import Fault, Reply
from agent_runtime_core.interfaces import JSONObject

DONE = b"data: [DONE]\n\n"


def body(reply: Reply, number: int, model: str) -> JSONObject:
    """The unstreamed answer."""
    message: JSONObject = {"role": "assistant", "content": reply.text or None}
    if reply.calls:
        message["tool_calls"] = [_call(reply, number, index) for index in range(len(reply.calls))]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply), "logprobs": None}
    return {**_envelope(number, model, "chat.completion"), "choices": [choice], "usage": _usage(reply)}


def events(reply: Reply, number: int, model: str, request: JSONObject) -> Iterator[bytes]:
    """The streamed answer, one event at a time."""
    envelope = _envelope(number, model, "chat.completion.chunk")

    def event(delta: JSONObject, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _event({**envelope, "choices": [choice]})

    yield event({"role": "assistant", "content": ""})
    for piece in pieces(reply.text, reply.piece):
        yield event({"content": piece})
    for index in range(len(reply.calls)):
        whole = _call(reply, number, index)
        arguments = whole["function"]["arguments"]
        head = {**whole, "index": index, "function": {"name": whole["function"]["name"], "arguments": ""}}
        yield event({"tool_calls": [head]})
        for piece in pieces(arguments, reply.piece):
            yield event({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    if reply.breaks_off is not None:
        yield _event(error(reply.breaks_off))
        return
    yield event({}, _finish(reply))
    options: JSONObject = request.get("stream_options") or {}
    if options.get("include_usage"):
        yield _event({**envelope, "choices": [], "usage": _usage(reply)})
    yield DONE


def error(fault: Fault) -> JSONObject:
    """The body of an error answer."""
    kind = "server_error" if fault.status >= 500 else "invalid_request_error"
    return {"error": {"message": fault.message, "type": kind, "param": None, "code": fault.code or None}}


def models(names: list[str]) -> JSONObject:
    """The list of models."""
    return {"object": "list", "data": [{"id": name, "object": "model", "owned_by": "fake"} for name in names]}


def pieces(text: str, size: int) -> Iterator[str]:
    """The text in pieces of at most `size` characters."""
    return (text[start : start + size] for start in range(0, len(text), size))


def _call(reply: Reply, number: int, index: int) -> dict[str, Any]:
    scripted = reply.calls[index]
    function = {"name": scripted.name, "arguments": scripted.arguments}
    return {"id": scripted.id or f"call_{number}_{index}", "type": "function", "function": function}


def _finish(reply: Reply) -> str:
    return reply.finish or ("tool_calls" if reply.calls else "stop")


def _envelope(number: int, model: str, kind: str) -> JSONObject:
    return {"id": f"chatcmpl-{number}", "object": kind, "created": 1_700_000_000 + number, "model": model}


def _usage(reply: Reply) -> JSONObject:
    return {
        "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens,
        "total_tokens": reply.prompt_tokens + reply.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
    }


def _event(data: JSONObject) -> bytes:
    return b"data: " + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"

"""Replies and faults as Anthropic's messages put them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from agent_runtime_core.fake_provider.openai_wire import pieces
from agent_runtime_core.fake_provider.script import Fault, Reply
from agent_runtime_core.interfaces import JSONObject

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def body(reply: Reply, number: int, model: str) -> JSONObject:
    """The unstreamed answer."""
    content = [_whole(block) for block in _blocks(reply, number)]
    return {**_envelope(reply, number, model), "content": content, "stop_reason": _stop(reply), "usage": _usage(reply)}


def events(reply: Reply, number: int, model: str, request: JSONObject) -> Iterator[bytes]:
    """The streamed answer, one event at a time."""
    del request
    start: JSONObject = {
        **_envelope(reply, number, model),
        "content": [],
        "usage": {**_usage(reply), "output_tokens": 1},
    }
    yield _event("message_start", {"message": start})
    yield _event("ping", {})
    for index, block in enumerate(_blocks(reply, number)):
        yield _event("content_block_start", {"index": index, "content_block": _opened(block)})
        for delta in _deltas(block, reply.piece):
            yield _event("content_block_delta", {"index": index, "delta": delta})
        yield _event("content_block_stop", {"index": index})
    if reply.breaks_off is not None:
        yield _event("error", error(reply.breaks_off))
        return
    delta = {"stop_reason": _stop(reply), "stop_sequence": None}
    yield _event("message_delta", {"delta": delta, "usage": {"output_tokens": reply.completion_tokens}})
    yield _event("message_stop", {})


def error(fault: Fault) -> JSONObject:
    """The body of an error answer."""
    kind = fault.code or _ERROR_TYPES.get(fault.status, "api_error")
    return {"type": "error", "error": {"type": kind, "message": fault.message}}


def _blocks(reply: Reply, number: int) -> list[JSONObject]:
    blocks: list[JSONObject] = []
    if reply.reasoning:
        blocks.append({"type": "thinking", "thinking": reply.reasoning, "signature": f"signature-{number}"})
    if reply.text:
        blocks.append({"type": "text", "text": reply.text})
    for index, scripted in enumerate(reply.calls):
        call_id = scripted.id or f"toolu_{number}_{index}"
        blocks.append({"type": "tool_use", "id": call_id, "name": scripted.name, "input": scripted.arguments})
    return blocks


def _whole(block: JSONObject) -> JSONObject:
    return {**block, "input": json.loads(block["input"])} if block["type"] == "tool_use" else block


def _opened(block: JSONObject) -> JSONObject:
    empty: JSONObject = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}
    return {**block, **empty[block["type"]]}


def _deltas(block: JSONObject, size: int) -> Iterator[JSONObject]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in pieces(block["text"], size))
    elif block["type"] == "tool_use":
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(block["input"], size))
    else:
        yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"], size))
        yield {"type": "signature_delta", "signature": block["signature"]}


def _stop(reply: Reply) -> str:
    return reply.finish or ("tool_use" if reply.calls else "end_turn")


def _envelope(reply: Reply, number: int, model: str) -> JSONObject:
    del reply
    base = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model}
    return {**base, "stop_reason": None, "stop_sequence": None}


def _usage(reply: Reply) -> JSONObject:
    usage: JSONObject = {
        "input_tokens": reply.prompt_tokens - reply.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": reply.cached_tokens,
        "output_tokens": reply.completion_tokens,
    }
    if reply.reasoning_tokens:
        usage["output_tokens_details"] = {"thinking_tokens": reply.reasoning_tokens}
    return usage


def _event(kind: str, data: JSONObject) -> bytes:
    text = json.dumps({**data, "type": kind}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {kind}\ndata: {text}\n\n".encode()

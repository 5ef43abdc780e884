"""Chat-completions messages as Anthropic's messages, and back.

Pure. What the API insists on and this module sees to: the system prompt apart; roles in turn, the person first; no
blank text; every tool call answered; the tools of a history declared.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.llm.layout import text_blocks

logger = logging.getLogger(__name__)

_OPENING = "(The conversation begins.)"
_NOTHING = "(nothing)"
_MOST_MARKS = 4
_MARK = {"type": "ephemeral"}


def paired(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The messages without tool calls that have no result and results that have no call, which the API refuses."""
    answered = {message.get("tool_call_id") for message in messages if message.get("role") == "tool"}
    called = {call.get("id") for message in messages for call in message.get("tool_calls") or ()}
    kept: list[Mapping[str, Any]] = []
    for message in messages:
        if message.get("role") == "tool" and message.get("tool_call_id") not in called:
            continue
        calls = message.get("tool_calls")
        if calls and not all(call.get("id") in answered for call in calls):
            message = _without_orphans(message, answered)
        if message:
            kept.append(message)
    return kept


def _without_orphans(message: Mapping[str, Any], answered: set[Any]) -> JSONObject:
    calls = [call for call in message["tool_calls"] if call.get("id") in answered]
    logger.warning(
        "removed %d orphaned tool_use blocks: their calls have no result", len(message["tool_calls"]) - len(calls)
    )
    rest = {key: value for key, value in message.items() if key != "tool_calls"}
    if calls:
        return {**rest, "tool_calls": calls}
    return rest if message.get("content") else {}


def turns(messages: Sequence[Mapping[str, Any]]) -> list[JSONObject]:
    """The messages other than system ones, roles merged, the person first."""
    merged: list[JSONObject] = []
    for message in paired(messages):
        role = "assistant" if message.get("role") == "assistant" else "user"
        content = _content(message, role)
        if not content:
            continue
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] = [*text_blocks(merged[-1]["content"]), *text_blocks(content)]
        else:
            merged.append({"role": role, "content": content})
    if not merged or merged[0]["role"] != "user":
        merged.insert(0, {"role": "user", "content": _OPENING})
    return merged


def _content(message: Mapping[str, Any], role: str) -> str | list[JSONObject]:
    content = message.get("content")
    if message.get("role") == "tool":
        return [_result(message)]
    calls, thinking = message.get("tool_calls"), message.get("thinking_blocks")
    if isinstance(content, str) and content.strip() and not calls and not thinking:
        return content  # the SDK takes a fraction of the time for a plain text
    blocks = [_native(block) for block in text_blocks(content) if not _is_blank(block)]
    if role == "user":
        return blocks or _NOTHING
    used = [_use(call) for call in calls or ()]
    return [*(dict(block) for block in thinking or ()), *blocks, *used] if blocks or used else []


def _is_blank(block: Mapping[str, Any]) -> bool:
    return block.get("type") == "text" and not str(block["text"]).strip()


def _result(message: Mapping[str, Any]) -> JSONObject:
    content = message.get("content")
    blocks: Any = content if isinstance(content, str) else [_native(block) for block in text_blocks(content)]
    return {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": blocks or _NOTHING}


def _use(call: Mapping[str, Any]) -> JSONObject:
    function: Mapping[str, Any] = call.get("function") or call
    return {
        "type": "tool_use",
        "id": call["id"],
        "name": function["name"],
        "input": _arguments(function.get("arguments")),
    }


def _arguments(raw: object) -> JSONObject:
    if isinstance(raw, str):
        try:
            raw = json.loads(raw or "{}")
        except ValueError:
            return {"invalid_arguments": raw}  # the model sees what it wrote; its answer in the history says why
    return cast("JSONObject", raw) if isinstance(raw, dict) else {}


def _native(block: JSONObject) -> JSONObject:
    """A chat-completions image or file as Anthropic's; every other block as it is."""
    match block:
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return {"type": "image", "source": _source(url)}
        case {"type": "file", "file": {"file_data": str(url)}}:
            return {"type": "document", "source": _source(url)}
        case _:
            return block


def _source(url: str) -> JSONObject:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    kind, _, data = url[len("data:") :].partition(";base64,")
    return {"type": "base64", "media_type": kind, "data": data}


def mark_turns(turns: Sequence[JSONObject], used: int) -> None:
    """Put a cache mark on the end of the turns, so that the next request reads up to there from the cache."""
    marks = used + sum("cache_control" in block for turn in turns for block in text_blocks(turn["content"]))
    blocks = text_blocks(turns[-1]["content"])
    if marks < _MOST_MARKS and blocks[-1]["type"] not in ("thinking", "redacted_thinking"):
        blocks[-1].setdefault("cache_control", _MARK)
        turns[-1]["content"] = blocks


def tool_declarations(
    tools: Sequence[Mapping[str, Any]], messages: Sequence[Mapping[str, Any]]
) -> tuple[list[JSONObject], bool]:
    """The tools to declare, and True if they are there for the history's sake only."""
    if tools:
        return [_declared(tool) for tool in tools], False
    used = (call.get("function", call)["name"] for message in messages for call in message.get("tool_calls") or ())
    names = dict.fromkeys(used)
    return [{"name": name, "description": "", "input_schema": {"type": "object"}} for name in names], bool(names)


def _declared(tool: Mapping[str, Any]) -> JSONObject:
    function: Mapping[str, Any] | None = tool.get("function")
    if function is None:
        return dict(tool)
    extra = {key: tool[key] for key in ("cache_control",) if key in tool}
    extra |= {key: function[key] for key in ("strict", "cache_control") if function.get(key) is not None}
    schema: JSONObject = function.get("parameters") or {"type": "object", "properties": {}}
    return {
        "name": function["name"],
        "description": function.get("description") or "",
        "input_schema": schema,
        **extra,
    }


def reply_message(blocks: Sequence[Mapping[str, Any]]) -> JSONObject:
    """The assistant message of these content blocks; thinking is kept, because the API wants it back with the calls."""
    texts = [block["text"] for block in blocks if block["type"] == "text"]
    message: JSONObject = {"role": "assistant", "content": "".join(texts)}
    calls = [_call(block) for block in blocks if block["type"] == "tool_use"]
    if calls:
        message["tool_calls"] = calls
    thinking = [dict(block) for block in blocks if block["type"] in ("thinking", "redacted_thinking")]
    if thinking:
        message["thinking_blocks"] = thinking
    return message


def _call(block: Mapping[str, Any]) -> JSONObject:
    given = block["input"]
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return {"id": block["id"], "type": "function", "function": {"name": block["name"], "arguments": text or "{}"}}


def token_usage(counted: Mapping[str, Any]) -> JSONObject:
    """Token counts in the keys of chat completions; the prompt includes what came from the cache."""
    read = _count(counted, "cache_read_input_tokens")
    written = _count(counted, "cache_creation_input_tokens")
    prompt = _count(counted, "input_tokens") + read + written
    completion = _count(counted, "output_tokens")
    usage: JSONObject = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    details = {"cached_tokens": read, "cache_write_tokens": written}
    if any(details.values()):
        usage["prompt_tokens_details"] = {name: count for name, count in details.items() if count}
    thought = counted.get("thinking_tokens")
    if isinstance(thought, int) and thought:
        usage["completion_tokens_details"] = {"reasoning_tokens": thought}
    return usage


def _count(counted: Mapping[str, Any], name: str) -> int:
    value = counted.get(name)
    return value if isinstance(value, int) else 0

"""Messages in the form in which the conventions put them into a span."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject, LLMToolCall
from agent_runtime_core.masking import mask_json, mask_secrets


def messages_as_json(messages: Sequence[Mapping[str, Any]]) -> str:
    """The messages as JSON, secrets masked."""
    return value_as_text([{"role": message.get("role", ""), "parts": _parts(message)} for message in messages])


def value_as_text(value: object) -> str:
    """Any value as text, secrets masked."""
    return mask_secrets(value) if isinstance(value, str) else json.dumps(mask_json(value), default=str)


def _parts(message: Mapping[str, Any]) -> list[JSONObject]:
    content: object = message.get("content")
    if message.get("role") == "tool":
        return [{"type": "tool_call_response", "id": message.get("tool_call_id"), "response": content}]
    parts: list[JSONObject] = []
    if isinstance(content, str) and content:
        parts.append({"type": "text", "content": content})
    elif isinstance(content, list):
        parts += [_block(block) for block in cast("list[Any]", content)]
    for raw in cast("list[JSONObject]", message.get("tool_calls") or []):
        call = LLMToolCall(raw)
        parts.append({"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments})
    return parts


def _block(block: Any) -> JSONObject:
    if isinstance(block, dict):
        known = cast("JSONObject", block)
        return {"type": "text", "content": known["text"]} if "text" in known else {"type": str(known.get("type", ""))}
    return {"type": "text", "content": str(block)}

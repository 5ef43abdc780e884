"""The chat-completions protocol: messages out, replies and streams in.

Pure, and read by attributes: OpenAI's SDK and LiteLLM hand out objects of the same shape.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_core.llm.failures import filtered
from agent_runtime_core.llm.layout import is_marked, joined, lay_out, unmarked

_KEPT = ("name", "tool_call_id")
_USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")
_DETAILS = ("prompt_tokens_details", "completion_tokens_details")


def chat_messages(messages: Sequence[Mapping[str, Any]], *, tail_last: bool) -> list[JSONObject]:
    """The messages as the wire has them.

    Args:
        messages: As given; nothing of them is changed.
        tail_last: True if a system message may come after the turns. Many servers with a chat template of their own
            accept only one, in front: there all system messages become one text.
    """
    if tail_last and not is_marked(messages):
        return [chat_message(message) for message in messages]
    layout = lay_out(messages)
    head, tail = joined(layout.head), layout.tail
    if not tail_last:
        head, tail = "\n\n".join(text for text in (head, tail) if text), ""
    turns = [chat_message(message) for message in layout.turns]
    if head:
        turns.insert(0, {"role": "system", "content": head})
    if tail:
        turns.append({"role": "system", "content": tail})
    return turns


def chat_message(message: Mapping[str, Any]) -> JSONObject:
    """One message with the keys the protocol knows."""
    content = message.get("content")
    sent: JSONObject = {"role": message["role"], "content": "" if content is None else unmarked(content)}
    sent.update({key: message[key] for key in _KEPT if message.get(key)})
    if message.get("tool_calls"):
        sent["tool_calls"] = [_sent_call(call) for call in message["tool_calls"]]
    return sent


def _sent_call(call: Mapping[str, Any]) -> JSONObject:
    function: Mapping[str, Any] = call.get("function") or call
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
    named = {"name": str(function.get("name") or ""), "arguments": text}
    extra = {key: value for key, value in call.items() if key not in ("function", "name", "arguments", "index")}
    return {**extra, "id": str(call.get("id") or ""), "type": "function", "function": named}


def reply_message(message: Any) -> JSONObject:
    """The assistant message of an unstreamed reply."""
    refusal = plain_text(getattr(message, "refusal", None))
    reply: JSONObject = {"role": "assistant", "content": plain_text(getattr(message, "content", None)) or refusal}
    if refusal:
        reply["refusal"] = refusal
    calls = [_received_call(call) for call in getattr(message, "tool_calls", None) or ()]
    if calls:
        reply["tool_calls"] = calls
    return reply


def _received_call(call: Any) -> JSONObject:
    named = {"name": call.function.name, "arguments": plain_text(call.function.arguments) or "{}"}
    return {**call_extra(call), "id": call.id, "type": "function", "function": named}


def chat_usage(usage: Any) -> JSONObject:
    """Token counts as a dict; details are kept where the provider counted something."""
    if usage is None:
        return {}
    counted = _counts(usage, _USAGE)
    for name in _DETAILS:
        details = getattr(usage, name, None)
        used = {key: count for key, count in _members(details).items() if isinstance(count, int) and count}
        if used:
            counted[name] = used
    return counted


def _counts(usage: Any, names: Sequence[str]) -> JSONObject:
    found = {name: getattr(usage, name, None) for name in names}
    return {name: count for name, count in found.items() if isinstance(count, int)}


def _members(value: Any) -> Mapping[str, Any]:
    members: Mapping[str, Any] = getattr(value, "__dict__", {})
    return {name: member for name, member in members.items() if not name.startswith("_")}


def refuse_filtered(provider: str, message: Mapping[str, Any], reason: str | None) -> None:
    """Raise if a content policy left nothing of a reply.

    Raises:
        ContentFiltered: It did.
    """
    if reason == "content_filter" and not message["content"] and not message.get("tool_calls"):
        raise filtered(provider, reason)


def plain_text(value: object) -> str:
    """The value if it is text, else nothing."""
    return value if isinstance(value, str) else ""


def call_extra(call: Any) -> JSONObject:
    """What a server adds to a call and wants back with it, such as Gemini's thought signatures."""
    extra: object = getattr(call, "model_extra", None)
    return cast("JSONObject", extra) if isinstance(extra, dict) else {}

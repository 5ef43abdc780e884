"""What strict providers object to in a history; stricter than any one of them, so that a clean bill means something."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, cast

from agent_runtime_core.interfaces import JSONObject

_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_KEYS = {
    "system": {"role", "content", "name"},
    "developer": {"role", "content", "name"},
    "user": {"role", "content", "name"},
    "assistant": {"role", "content", "name", "tool_calls", "refusal"},
    "tool": {"role", "content", "tool_call_id", "name"},
}


def openai_problems(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """What a chat-completions endpoint could reject in these messages; empty if nothing."""
    return [*_encoding_problems(messages), *_message_problems(messages), *_pairing_problems(messages)]


def anthropic_problems(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """What Anthropic's endpoint could reject in these messages, once our client has converted them."""
    from agent_runtime_core.llm.anthropic_messages import turns
    from agent_runtime_core.llm.layout import lay_out

    converted = turns(lay_out(messages).turns)
    return [*_encoding_problems(converted), *_turn_problems(converted), *_use_problems(converted)]


def _encoding_problems(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for index, message in enumerate(messages):
        try:
            text = json.dumps(message, ensure_ascii=False, allow_nan=False)
            text.encode()
        except (TypeError, ValueError) as error:
            yield f"{index}: not JSON in UTF-8 ({error})"
            continue
        if "\\u0000" in text.replace("\\\\", ""):
            yield f"{index}: holds NUL"


def _message_problems(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for index, message in enumerate(messages):
        role = message.get("role")
        if role not in _KEYS:
            yield f"{index}: role {role!r}"
            continue
        if unknown := message.keys() - _KEYS[role]:
            yield f"{index}: a {role} message with {sorted(unknown)}"
        content = message.get("content")
        if role == "assistant":
            yield from (f"{index}: {problem}" for problem in _assistant_problems(message))
        elif not isinstance(content, (str, list)):
            yield f"{index}: a {role} message with the content {content!r:.60}"


def _assistant_problems(message: Mapping[str, Any]) -> Iterator[str]:
    content = message.get("content")
    if "tool_calls" not in message and not content:
        yield "an assistant message that says nothing"
    if content is not None and not isinstance(content, (str, list)):
        yield f"an assistant message with the content {content!r:.60}"
    calls: object = message.get("tool_calls")
    if "tool_calls" in message and not (isinstance(calls, list) and calls):
        yield f"tool_calls are {calls!r:.60}"
        return
    for call in cast("list[object]", calls or ()):
        yield from _call_problems(call)


def _call_problems(call: object) -> Iterator[str]:
    match call:
        case {"id": str(call_id), "type": "function", "function": {"name": str(name), "arguments": str(arguments)}}:
            if not _ID.fullmatch(call_id):
                yield f"call id {call_id!r:.60}"
            if not _FUNCTION_NAME.fullmatch(name):
                yield f"function name {name!r:.60}"
            if not _is_json_object(arguments):
                yield f"arguments {arguments!r:.60}"
        case _:
            yield f"call {call!r:.60}"


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text, parse_constant=_refuse), dict)
    except (ValueError, RecursionError):
        return False


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _pairing_problems(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    used: set[str] = set()
    waiting: list[str] = []
    for index, message in enumerate(messages):
        if message.get("role") == "tool":
            if not waiting or message.get("tool_call_id") != waiting.pop(0):
                yield f"{index}: a result for {message.get('tool_call_id')!r:.60} that nothing waits for here"
            continue
        if waiting:
            yield f"{index}: the calls {waiting} are not answered yet"
        waiting = [str(call.get("id")) for call in message.get("tool_calls") or ()]
        if repeated := used.intersection(waiting) or (len(set(waiting)) < len(waiting)):
            yield f"{index}: call ids are repeated: {repeated or waiting}"
        used.update(waiting)
    if waiting:
        yield f"the calls {waiting} are never answered"


def _turn_problems(turns: Sequence[JSONObject]) -> Iterator[str]:
    if not turns or turns[0]["role"] != "user":
        yield "the first message is not the person's"
    for index, turn in enumerate(turns):
        if index and turns[index - 1]["role"] == turn["role"]:
            yield f"{index}: {turn['role']} twice in a row"
        blocks = _blocks(turn)
        if not blocks:
            yield f"{index}: an empty message"
        if any(block["type"] == "text" and not block["text"].strip() for block in blocks):
            yield f"{index}: a blank text"


def _use_problems(turns: Sequence[JSONObject]) -> Iterator[str]:
    used: set[str] = set()
    expected: set[str] = set()
    for index, turn in enumerate(turns):
        blocks = _blocks(turn)
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        if sorted(results) != sorted(expected):
            yield f"{index}: results for {results}, where {sorted(expected)} wait"
        if any(block["type"] == "tool_result" for block in blocks[len(results) :]):
            yield f"{index}: a text before a result"
        uses = [block for block in blocks if block["type"] == "tool_use"]
        expected = {use["id"] for use in uses}
        if len(expected) < len(uses) or used & expected:
            yield f"{index}: tool_use ids are repeated"
        if any(not _ID.fullmatch(use["id"]) or not isinstance(use["input"], dict) for use in uses):
            yield f"{index}: a tool_use with an unsound id or input"
        used |= expected
    if expected:
        yield f"the calls {sorted(expected)} are never answered"


def _blocks(turn: JSONObject) -> list[JSONObject]:
    content = turn["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content

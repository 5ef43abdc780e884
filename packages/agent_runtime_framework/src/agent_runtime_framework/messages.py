"""Messages in their one wire form, and what keeps a history acceptable to every provider.

A message travels as a plain dict in the chat-completions shape; `AgentMessage` is its typed face at the public edge.

Rules:
    - Every tool call is answered by exactly one tool message, directly after the message that made the call.
    - No tool message without its call; no call id twice.
    - A window never parts a call from its result.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias, TypeGuard, cast

from agent_runtime_core.interfaces import JSONObject
from agent_runtime_framework.toolcalls import (
    MAPPING,
    call_entries,
    clean,
    clean_text,
    is_clean,
    is_wire_call,
    read_calls,
    unique_id,
)

ContextPolicy: TypeAlias = int | Literal["all", "step"]
"""Which earlier messages a request carries: all, the last so many, or those since the current step began."""

INTERRUPTED = (
    "The outcome of this call is unknown: the conversation was interrupted before a result was recorded. "
    "It may or may not have happened; do not assume either."
)
"""The result of a call whose own result is missing."""


def _no_calls() -> list[JSONObject]:
    # As a default factory, `list[JSONObject]` would take six times as long for every message.
    return []


def no_metadata() -> JSONObject:
    """An empty object, as a default factory."""
    return {}


@dataclass
class AgentMessage:
    """A message as authors see it.

    Attributes:
        role: user, assistant, tool or system.
        content: The text, or a list of content blocks, or None.
        tool_calls: The calls of an assistant message.
        tool_call_id: The call a tool message answers.
        name: The tool that answered.
        metadata: The author's own; never sent to a model.
    """

    role: str
    content: Any = None
    tool_calls: list[JSONObject] = field(default_factory=_no_calls)
    tool_call_id: str | None = None
    name: str | None = None
    metadata: JSONObject = field(default_factory=no_metadata)

    def to_dict(self) -> JSONObject:
        """The wire form: what is empty is left out, and so is `metadata`."""
        message: JSONObject = {"role": self.role}
        if self.content is not None:
            message["content"] = self.content
        if self.tool_calls:
            message["tool_calls"] = self.tool_calls
        if self.tool_call_id:
            message["tool_call_id"] = self.tool_call_id
        if self.name:
            message["name"] = self.name
        return message

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The message a wire form stands for.

        Raises:
            KeyError: `role` is missing.
        """
        return cls(
            role=data["role"],
            content=data.get("content"),
            tool_calls=cast("list[JSONObject]", clean(calls)) if (calls := data.get("tool_calls")) else [],
            tool_call_id=data.get("tool_call_id"),
            name=data.get("name"),
            metadata=dict(data.get("metadata") or {}),
        )


class History:
    """The messages of a conversation's finished turns, sound from the moment they are loaded.

    Attributes:
        messages: Wire forms, oldest first. Grown by `extend` only; readers do not change them.
        call_ids: The ids of all calls in `messages`.
    """

    __slots__ = ("call_ids", "messages")

    def __init__(self, messages: Iterable[object] = ()) -> None:
        loaded = list(messages)
        self.messages: list[JSONObject] = loaded if is_sound(loaded) else repair(loaded)
        self.call_ids: set[str] = call_ids(self.messages)

    def extend(self, messages: Iterable[JSONObject]) -> None:
        """Append the messages of a turn, which are sound already."""
        added = list(messages)
        self.messages += added
        self.call_ids |= call_ids(added)

    def trim(self, limit: int) -> None:
        """Forget all but the last `limit` messages, at a turn's beginning."""
        kept = window(self.messages, limit)
        if len(kept) < len(self.messages):
            self.messages = kept
            self.call_ids = call_ids(kept)


def is_sound(messages: Sequence[object]) -> TypeGuard[list[JSONObject]]:
    """True if `repair` would change nothing; much cheaper, and all that a history of our own needs."""
    open_calls: list[str] = []
    seen = set[str]()
    for message in messages:
        if not isinstance(message, dict):
            return False
        wire = cast("JSONObject", message)
        content = wire.get("content")
        if content is not None and not (isinstance(content, str) and is_clean(content)):
            return False
        if open_calls:
            if wire.get("role") != "tool" or wire.get("tool_call_id") != open_calls.pop():
                return False
        elif not _opens_soundly(wire, open_calls, seen):
            return False
    return not open_calls


def _opens_soundly(message: JSONObject, open_calls: list[str], seen: set[str]) -> bool:
    """Check a message that answers no call, and note the calls it makes, the first one last."""
    role = message.get("role")
    if role != "assistant":
        return role in {"user", "system"} and message.keys() == {"role", "content"} and message["content"] is not None
    calls = message.get("tool_calls")
    if not calls:
        return message.keys() == {"role", "content"} and bool((message["content"] or "").strip())
    if message.keys() != {"role", "content", "tool_calls"}:
        return False
    for call in reversed(calls):
        function = call.get("function")
        if call.keys() != {"id", "type", "function"} or not is_wire_call(call["id"], function) or call["id"] in seen:
            return False
        seen.add(call["id"])
        open_calls.append(call["id"])
    return True


def repair(messages: Iterable[object]) -> list[JSONObject]:
    """The same history with every call answered once, and nothing a provider would reject.

    Total and idempotent: what is no message is dropped, what is sound comes back as it was. A missing result is
    replaced by `INTERRUPTED`; results are moved behind their call; a call that repeats an id without a result of
    its own is a duplicate and is dropped.
    """
    known = [message for each in messages if (message := as_wire(each)) is not None]
    if len(known) == 1 and known[0]["role"] == "user":
        return known
    results: defaultdict[str, deque[tuple[int, JSONObject]]] = defaultdict(deque)
    for index, message in enumerate(known):
        if message["role"] == "tool":
            results[message.get("tool_call_id") or ""].append((index, message))
    sound: list[JSONObject] = []
    seen, taken = set[str](), set[str]()
    for index, message in enumerate(known):
        if message["role"] == "tool":
            continue
        if message.get("tool_calls"):
            sound += _answered(index, message, results, seen, taken)
        elif message["role"] != "assistant" or _says_something(message):
            sound.append(message)
    return sound


def window(messages: Sequence[JSONObject], limit: int) -> list[JSONObject]:
    """At most the last `limit` messages, beginning with a person's message where there is one.

    Calls and results stay together, because a turn is never cut in the middle unless it alone is longer than
    `limit`; then the cut is behind a whole batch.
    """
    if limit <= 0:
        return []
    if len(messages) <= limit:
        return list(messages)
    start = len(messages) - limit
    for index in range(start, len(messages)):
        if messages[index]["role"] == "user":
            return list(messages[index:])
    while start < len(messages) and messages[start]["role"] == "tool":
        start += 1
    return list(messages[start:])


def as_wire(message: object) -> JSONObject | None:
    """A message as a wire dict of its own; None for what is no message.

    Accepts wire dicts and anything with `to_dict`, such as `AgentMessage`.
    """
    convert = getattr(message, "to_dict", None)
    data: object = convert() if callable(convert) else message
    if not isinstance(data, MAPPING):
        return None
    try:
        wire = {key: _sound(key, value) for key, value in cast("Mapping[str, Any]", data).items()}
    except RecursionError:  # nested so deeply that no store and no provider would take it
        return None
    wire.pop("metadata", None)
    role = wire.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        return None
    content = wire.get("content")
    if content is not None and not isinstance(content, (str, list)):
        wire["content"] = json.dumps(content, ensure_ascii=False, default=str)
    elif content is None and role != "assistant":
        wire["content"] = ""
    if role != "assistant" or not wire.get("tool_calls"):
        wire.pop("tool_calls", None)
    for key in ("name", "tool_call_id"):
        if key in wire and not isinstance(wire[key], str):
            del wire[key]
    return wire


def text_of(content: object) -> str:
    """The text of a message's content: the string itself, or the text blocks joined."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts: list[str] = []
    for block in cast("list[object]", content):
        if isinstance(block, str):
            parts.append(block)
        elif isinstance(block, Mapping):
            text = cast("Mapping[str, Any]", block).get("text")
            parts.append(text if isinstance(text, str) else "")
    return "".join(parts)


_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


def _sound(key: str, value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    # Calls are cleaned as they are read.
    return value if key == "tool_calls" else clean(value)


def call_ids(messages: Iterable[JSONObject]) -> set[str]:
    """The ids of all calls in these messages."""
    return {call["id"] for message in messages for call in message.get("tool_calls") or ()}


def tool_message(call_id: str, name: str, content: str | list[Any]) -> JSONObject:
    """The message that answers a call."""
    return {"role": "tool", "content": content, "tool_call_id": call_id, "name": name}


def _answered(
    index: int,
    message: JSONObject,
    results: Mapping[str, deque[tuple[int, JSONObject]]],
    seen: set[str],
    taken: set[str],
) -> list[JSONObject]:
    entries = call_entries(message["tool_calls"])
    calls: list[JSONObject] = []
    answers: list[JSONObject] = []
    for read, entry in zip(read_calls(entries), entries, strict=True):
        call = read._replace(id=unique_id(read.id, taken))
        given = entry.get("id")
        original = clean_text(given) if isinstance(given, str) and given else call.id
        waiting = results.get(original)
        while waiting and waiting[0][0] < index:
            waiting.popleft()
        found = waiting.popleft()[1] if waiting else None
        if found is None and original in seen:
            continue
        seen.add(original)
        taken.add(call.id)
        calls.append(call.wire)
        answers.append(tool_message(call.id, call.wire_name, INTERRUPTED if found is None else found["content"]))
    if calls:
        return [{**message, "tool_calls": calls}, *answers]
    rest = {key: value for key, value in message.items() if key != "tool_calls"}
    return [rest] if _says_something(rest) else []


def _says_something(message: JSONObject) -> bool:
    content = message.get("content")
    return bool(content.strip() if isinstance(content, str) else content)

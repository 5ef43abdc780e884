"""Where the lasting part of a system prompt ends and what changes per step begins.

A system message may be a list of text blocks; the last one with `cache_control` closes the head, what follows is the
tail:

    {"role": "system", "content": [
        {"type": "text", "text": persona, "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": step}]}

Providers cache a request from its beginning to the first difference. So the head goes first, and the tail behind the
turns, where the provider takes it; where it does not, both go first, as one text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from agent_runtime_core.interfaces import JSONObject

_SYSTEM_ROLES = ("system", "developer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A request's messages, sorted by how long they last.

    Attributes:
        head: Text blocks of the system prompt that stay; all of it where nothing is marked.
        tail: Text of the system prompt that may change with the next request; empty where nothing is marked.
        turns: The other messages, in order.
        is_marked: True if the caller marked where the head ends.
    """

    head: list[JSONObject]
    tail: str
    turns: list[Mapping[str, Any]]
    is_marked: bool


def lay_out(messages: Sequence[Mapping[str, Any]]) -> Layout:
    """The messages, sorted; several system messages are joined in their order."""
    blocks: list[JSONObject] = []
    turns: list[Mapping[str, Any]] = []
    for message in messages:
        if is_system(message):
            blocks.extend(text_blocks(message.get("content")))
        else:
            turns.append(message)
    marks = [index for index, block in enumerate(blocks) if "cache_control" in block]
    if not marks:
        return Layout(head=blocks, tail="", turns=turns, is_marked=False)
    end = marks[-1] + 1
    return Layout(head=blocks[:end], tail=joined(blocks[end:]), turns=turns, is_marked=True)


def is_system(message: Mapping[str, Any]) -> bool:
    """True for a message that instructs the model."""
    return message.get("role") in _SYSTEM_ROLES


def is_marked(messages: Sequence[Mapping[str, Any]]) -> bool:
    """True if a system message marks where its lasting part ends."""
    return any(
        "cache_control" in block
        for message in messages
        if is_system(message) and not isinstance(message.get("content"), str)
        for block in text_blocks(message.get("content"))
    )


def text_blocks(content: object) -> list[JSONObject]:
    """A message's content as blocks; empty texts are left out."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    if not isinstance(content, Sequence):
        return []
    blocks: list[JSONObject] = []
    for block in cast("Sequence[object]", content):
        if isinstance(block, str):
            blocks.extend(text_blocks(block))
        elif isinstance(block, Mapping):
            plain = dict(cast("Mapping[str, Any]", block))
            if plain.get("type") != "text" or plain.get("text"):
                blocks.append(plain)
    return blocks


def joined(blocks: Sequence[Mapping[str, Any]]) -> str:
    """The text of the blocks, a blank line between them."""
    return "\n\n".join(str(block.get("text") or "") for block in blocks if block.get("text"))


def unmarked(content: Any) -> Any:
    """The content without cache marks, which only some providers accept."""
    if not isinstance(content, list):
        return content
    return [
        {key: value for key, value in cast("JSONObject", block).items() if key != "cache_control"}
        if isinstance(block, dict)
        else block
        for block in cast("list[object]", content)
    ]
